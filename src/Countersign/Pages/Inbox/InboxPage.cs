using System.Collections.Concurrent;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Inbox;

/// <summary>
/// <c>GET /</c>: what waits for me, what I asked for, all that I may see. Narrowed in the address bar, it is one list
/// with pages before and after.
/// </summary>
internal sealed class InboxPage(
    Store store,
    RequestList listing,
    EnvironmentNames places,
    PeopleDirectory directory,
    Cursors cursors
)
{
    private const int PageSize = 40,
        WaitingShown = 20,
        AskedShown = 6,
        AllShown = 12;

    /// <summary>So many sources and groups are offered to choose from.</summary>
    private const int MaxChoices = 200;

    /// <summary>Of so many people the last reading is kept.</summary>
    private const int MaxKept = 100;
    private readonly ConcurrentDictionary<long, Kept> _kept = new();

    public async Task<IResult> Show(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var wanted = InboxFilter.Read(http.Request.Query);
        var snapshot = directory.Current;
        var (parts, where) = wanted.IsNothing
            ? await WholeInbox(caller.Person.Id, caller.Viewer, snapshot, cancel)
            : await Read([(wanted, PageSize)], caller.Viewer, snapshot, cancel);
        return new PageResponse(
            Texts.For(http).Inbox,
            html => Write(html, wanted, parts, new RequestRows(snapshot, where))
        )
        {
            Section = "/",
            Live = "inbox",
        };
    }

    /// <summary>
    /// What was read for somebody stands for as long as nothing is written (<see cref="Store.Version"/>): people reload
    /// far more often than anything happens.
    /// </summary>
    private async ValueTask<(IReadOnlyList<Part> Parts, IReadOnlyDictionary<RequestId, string> Where)> WholeInbox(
        long person,
        Viewer viewer,
        PeopleSnapshot snapshot,
        CancellationToken cancel
    )
    {
        var version = store.Version;
        if (_kept.TryGetValue(person, out var kept) && kept.Version == version)
            return (kept.Parts, kept.Where);
        var (parts, where) = await Read(
            [
                (new InboxFilter { Show = InboxFilter.Waiting }, WaitingShown),
                (new InboxFilter { Show = InboxFilter.Asked }, AskedShown),
                (new InboxFilter { Show = InboxFilter.All }, AllShown),
            ],
            viewer,
            snapshot,
            cancel
        );
        if (_kept.Count >= MaxKept)
            _kept.Clear();
        _kept[person] = new Kept(version, parts, where);
        return (parts, where);
    }

    private async ValueTask<(IReadOnlyList<Part> Parts, IReadOnlyDictionary<RequestId, string> Where)> Read(
        IReadOnlyList<(InboxFilter Wanted, int Size)> lists,
        Viewer viewer,
        PeopleSnapshot snapshot,
        CancellationToken cancel
    )
    {
        var parts = new List<Part>(lists.Count);
        foreach (var (wanted, size) in lists)
        {
            parts.Add(
                new Part(
                    wanted,
                    await listing.Run(viewer, wanted.ToFilter(snapshot), size, wanted.Position(cursors), cancel)
                )
            );
        }
        return (parts, await places.Of([.. parts.SelectMany(p => p.Page.Requests)], cancel));
    }

    private void Write(Html html, InboxFilter wanted, IReadOnlyList<Part> parts, RequestRows rows)
    {
        Filters(html, wanted, rows);
        html.Add($"<div class=\"inbox\" id=\"inbox\">");
        foreach (var part in parts)
        {
            html.Add($"<section id=\"part-{part.Wanted.Show}\" data-part aria-labelledby=\"h-{part.Wanted.Show}\">");
            if (part.Wanted.Show == InboxFilter.Waiting)
                Bulk(html, part, rows, wanted);
            else
                List(html, part, rows, wanted);
            html.Add($"</section>");
        }
        html.Add($"</div>");
    }

    private static void Heading(Html html, Part part, InboxFilter wanted)
    {
        html.Add(
            $"<header><h2 id=\"h-{part.Wanted.Show}\">{html.Says.PartOf(part.Wanted.Show, part.Wanted.IsNarrowed)}</h2>"
        );
        if (wanted.IsNothing && part.Page.Older is not null)
            html.Add($"<a href=\"{part.Wanted.Path(html.Base)}\">{html.Says.ShowAll}</a>");
        html.Add($"</header>");
    }

    private void List(Html html, Part part, RequestRows rows, InboxFilter wanted)
    {
        Heading(html, part, wanted);
        if (part.Page.Requests.Count == 0 && wanted.IsNothing && part.Wanted.Show == InboxFilter.Asked)
            html.Add($"<p class=\"soft\">{html.Says.EmptyTitle(InboxFilter.Asked)}.</p>");
        else if (part.Page.Requests.Count == 0)
            Empty(html, part);
        else
            rows.Write(html, part.Page.Requests, mayChoose: false);
        Pager(html, part, wanted);
    }

    /// <summary>What waits for me can be answered from here, several at once.</summary>
    private void Bulk(Html html, Part part, RequestRows rows, InboxFilter wanted)
    {
        Heading(html, part, wanted);
        if (part.Page.Requests.Count == 0)
        {
            Empty(html, part);
            Pager(html, part, wanted);
            return;
        }
        html.Form(
            "/",
            form =>
            {
                rows.Write(form, part.Page.Requests, mayChoose: true);
                Pager(form, part, wanted);
                BulkAnswers.Bar(form, "", null);
            },
            id: "bulk"
        );
    }

    private void Pager(Html html, Part part, InboxFilter wanted)
    {
        if (!wanted.IsNothing)
        {
            html.Pager(
                part.Page.Newer is { } newer ? (wanted with { Cursor = cursors.Write(newer) }).Path(html.Base) : null,
                part.Page.Older is { } older ? (wanted with { Cursor = cursors.Write(older) }).Path(html.Base) : null
            );
        }
    }

    private static void Empty(Html html, Part part)
    {
        var says = html.Says;
        if (part.Page.Older is not null)
            html.Nothing(says.NothingOnThisPage, says.LookFurther);
        else if (part.Wanted.IsNarrowed)
            html.Nothing(says.NothingFound, says.NothingFoundHint);
        else
            html.Nothing(says.EmptyTitle(part.Wanted.Show), says.EmptyHint(part.Wanted.Show));
    }

    private static void Filters(Html html, InboxFilter wanted, RequestRows rows)
    {
        var says = html.Says;
        html.Add($"<form class=\"filters\" method=\"get\" action=\"{html.Base}/\" role=\"search\">");
        html.Add(
            $"<div class=\"field search\"><label for=\"f-text\">{says.Search}</label><input type=\"search\" id=\"f-text\" name=\"text\" value=\"{wanted.Text}\" maxlength=\"200\" autocomplete=\"off\"></div>"
        );
        html.Select(
            "show",
            says.Which,
            [("", says.Everything), (InboxFilter.Waiting, says.WaitsForYou), (InboxFilter.Asked, says.YouAsked)],
            wanted.Show == InboxFilter.All ? "" : wanted.Show
        );
        html.Select(
            "status",
            says.StatusName,
            [("", says.Any), .. Enum.GetValues<Status>().Select(s => (s.ToWireName(), says.StatusOf(s)))],
            wanted.Status
        );
        html.Select(
            "source",
            says.Source,
            [
                ("", says.Any),
                .. rows
                    .Directory.Sources.Values.Where(s => s.Kind != "built-in" || s.Name == wanted.Source)
                    .OrderBy(s => s.Name, StringComparer.OrdinalIgnoreCase)
                    .Take(MaxChoices)
                    .Select(s => (s.Name, s.Name)),
            ],
            wanted.Source
        );
        html.Select(
            "group",
            says.Group,
            [
                ("", says.Any),
                .. rows
                    .Directory.Groups.Values.OrderBy(g => g.Name, StringComparer.OrdinalIgnoreCase)
                    .Take(MaxChoices)
                    .Select(g => (g.Name, g.Name)),
            ],
            wanted.Group
        );
        html.Add(
            $"<div class=\"field\"><label for=\"f-environment\">{says.Environment}</label><input type=\"text\" id=\"f-environment\" name=\"environment\" value=\"{wanted.Environment}\" list=\"environments\" maxlength=\"60\" autocomplete=\"off\"><datalist id=\"environments\">"
        );
        foreach (var place in rows.Places)
            html.Add($"<option value=\"{place}\"></option>");
        html.Add($"</datalist></div>");
        html.Button(says.Filter);
        if (!wanted.IsNothing)
            html.Add($"<a href=\"{html.Base}/\">{says.ClearFilters}</a>");
        html.Add($"</form>");
    }

    private sealed record Part(InboxFilter Wanted, Page Page);

    private sealed record Kept(long Version, IReadOnlyList<Part> Parts, IReadOnlyDictionary<RequestId, string> Where);
}
