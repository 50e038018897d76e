using System.Globalization;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.Pages.SignIn;
using Countersign.SignIn;
using Countersign.Work;

namespace Countersign.Pages.Deliveries;

/// <summary><c>/work</c>: the job queue, with buttons to retry and to discard. For admins.</summary>
internal static class WorkQueuePage
{
    public const string Path = "/work";

    public static Task<IResult> Show(
        HttpContext http,
        string? state,
        string? kind,
        long? before,
        WorkList work,
        CancellationToken cancel
    ) => Page(http, state, kind, before, work, null, cancel);

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
        var discards = form["do"].ToString() == "discard";
        var outcome = discards
            ? await work.Discard(id, caller.Viewer.Origin, cancel)
            : await work.Retry(id, caller.Viewer.Origin, cancel);
        return outcome switch
        {
            WorkOutcome.Refused { Why: var why } => await Page(
                http,
                null,
                null,
                null,
                work,
                new Refused(null, why),
                cancel
            ),
            WorkOutcome.Done => AdminParts.Done(http, Path, discards ? "jobDiscarded" : "jobRetried"),
            // Done meanwhile, by a worker or by another admin.
            _ => TypedResults.LocalRedirect(http.Request.PathBase + Path),
        };
    }

    private static async Task<IResult> Page(
        HttpContext http,
        string? state,
        string? kind,
        long? before,
        WorkList work,
        Refused? refused,
        CancellationToken cancel
    )
    {
        state = state is not null && WorkList.States.Contains(state) ? state : null;
        kind = kind is { Length: > 0 } ? kind : null;
        var model = new WorkModel(await work.List(state, kind, before, cancel))
        {
            State = state ?? "",
            Kind = kind ?? "",
            IsLater = before is not null,
            Refused = refused,
        };
        return new PageResult(new PageFrame(http.Strings()["nav.work"]) { Section = Path }, WorkSlice.Create(model))
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
