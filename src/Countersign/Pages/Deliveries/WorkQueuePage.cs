using System.Globalization;
using Countersign.Pages.Layout;
using Countersign.Pages.SignIn;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Pages.Deliveries;

/// <summary><c>/work</c>: the job queue, with buttons to retry and to discard. For admins.</summary>
internal static class WorkQueuePage
{
    public const string Path = "/work";
    private const string Requests = "request:";

    public static async Task<IResult> Show(
        HttpContext http,
        string? state,
        string? kind,
        long? before,
        WorkList work,
        CancellationToken cancel
    ) => await Page(http, state, kind, before, work, null, cancel);

    public static async Task<IResult> Act(
        HttpContext http,
        CurrentCaller caller,
        WorkList work,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return NotFoundPage.Page(http);
        var id = long.TryParse(form["id"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;
        var outcome =
            form["do"].ToString() == "discard"
                ? await work.Discard(id, caller.Viewer.Origin, cancel)
                : await work.Retry(id, caller.Viewer.Origin, cancel);
        return outcome is WorkOutcome.Refused { Why: var why }
            ? await Page(http, null, null, null, work, why, cancel)
            : TypedResults.LocalRedirect($"{http.Request.PathBase}{Path}");
    }

    private static async Task<IResult> Page(
        HttpContext http,
        string? state,
        string? kind,
        long? before,
        WorkList work,
        string? refused,
        CancellationToken cancel
    )
    {
        state = state is not null && WorkList.States.Contains(state) ? state : null;
        kind = kind is { Length: > 0 } ? kind : null;
        var page = await work.List(state, kind, before, cancel);
        return new PageResponse(
            Texts.For(http).Work,
            html =>
            {
                if (refused is not null)
                    html.Notice(Tone.Bad, refused);
                html.Add($"<p class=\"lede\">{html.Says.WorkLede}</p>");
                if (page.Counts.Count > 0)
                    Counts(html, page.Counts);
                Filter(html, state, kind);
                if (page.Jobs.Count == 0)
                    html.Nothing(html.Says.NoWork, html.Says.NoWorkHere);
                else
                    List(html, page.Jobs);
                string Address(long next) =>
                    $"{html.Base}{Path}?before={next.ToString(CultureInfo.InvariantCulture)}&state={state}&kind={Uri.EscapeDataString(kind ?? "")}";
                html.Pager(null, page.Next is { } older ? Address(older) : null);
            }
        )
        {
            Section = Path,
        };
    }

    private static void Counts(Html html, IReadOnlyList<WorkCount> counts) =>
        html.Table(
            html.Says.WorkByKind,
            [html.Says.WorkKind, html.Says.WorkStateTitle, html.Says.WorkCount, html.Says.WorkOldest],
            counts,
            (h, count) =>
            {
                h.Add(
                    $"<td><a href=\"{h.Base}{Path}?kind={Uri.EscapeDataString(count.Kind)}&amp;state={count.State}\">{h.Says.WorkName(count.Kind)}</a></td><td>"
                );
                h.Badge(ToneOf(count.State), h.Says.WorkState(count.State));
                h.Add($"</td><td>{count.Count}</td><td>");
                h.Ago(Instant.Parse(count.OldestDueAt));
                h.Add($"</td>");
            }
        );

    private static void Filter(Html html, string? state, string? kind)
    {
        html.Add($"<form method=\"get\" action=\"{html.Base}{Path}\" class=\"buttons\">");
        html.Select(
            "state",
            html.Says.ShowOnly,
            [("", html.Says.AllOfThem), .. WorkList.States.Select(s => (s, html.Says.WorkState(s)))],
            state ?? ""
        );
        if (kind is not null)
            html.Hidden("kind", kind);
        html.Button(html.Says.ShowOnly);
        html.Add($"</form>");
    }

    private static void List(Html html, IReadOnlyList<WorkItem> jobs) =>
        html.Table(
            html.Says.WorkJobs,
            [
                html.Says.WorkKind,
                html.Says.WorkAbout,
                html.Says.WorkDue,
                html.Says.WorkStateTitle,
                html.Says.FailedError,
                "",
            ],
            jobs,
            (h, job) =>
            {
                h.Add($"<td>{h.Says.WorkName(job.Kind)}</td><td>");
                if (job.Subject.StartsWith(Requests, StringComparison.Ordinal))
                {
                    h.Add(
                        $"<a class=\"soft\" href=\"{h.Base}/requests/{job.Subject[Requests.Length..]}\">{job.Subject}</a>"
                    );
                }
                else
                {
                    h.Add($"<span class=\"soft\">{job.About}</span>");
                }
                h.Add($"</td><td>");
                if (DateTimeOffset.TryParse(job.DueAt, CultureInfo.InvariantCulture, out var due))
                    h.Time(due);
                h.Add($"</td><td>");
                h.Badge(ToneOf(job.State), h.Says.WorkState(job.State));
                if (job.Attempts > 0)
                    h.Add($" {h.Says.WorkAttempts(job.Attempts)}");
                h.Add($"</td><td>{job.Error ?? ""}</td><td>");
                if (job.State is "failing" or "set_aside")
                {
                    var id = job.Id.ToString(CultureInfo.InvariantCulture);
                    h.Form(Path, form => form.Hidden("id", id).Hidden("do", "retry").Button(form.Says.RetryWork));
                    h.Form(Path, form => form.Hidden("id", id).Hidden("do", "discard").Button(form.Says.DiscardWork));
                }
                h.Add($"</td>");
            }
        );

    private static Tone ToneOf(string state) =>
        state switch
        {
            "set_aside" => Tone.Bad,
            "failing" => Tone.Careful,
            _ => Tone.Plain,
        };
}
