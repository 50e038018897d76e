using System.Globalization;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// <c>GET /api/v2/approval_requests</c>, for admins: newest first. Within one filter values are alternatives, filters
/// narrow one another, an empty one means none. Cursors go under the seed's names or as <c>page[after]</c> and
/// <c>page[before]</c>; clients send both at once, and then they must be the same. The assignee filters go by the
/// assignee that is shown: where a request names none, whom its open step asks. What may be shown so is looked up, and
/// what is, kept.
/// </summary>
internal static class ListEndpoint
{
    private const int UsualPage = 100;

    /// <summary>However small the page, so many are looked at in one go.</summary>
    private const int LeastLook = 20;

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        RequestList listing,
        Store store,
        PeopleDirectory directory,
        Cursors cursors,
        CancellationToken cancel
    )
    {
        var query = http.Request.Query;
        // Whoever counts pages would get the first one again and again.
        if (query["page"].ToString() is { Length: > 0 } page && page != "1")
        {
            return Refusal.Titled(
                StatusCodes.Status400BadRequest,
                "Invalid attribute",
                "You passed an invalid value for the page attribute. This list uses cursors: follow links.next."
            );
        }

        var mistakes = new BodyErrors();
        var filter = new Filter
        {
            Statuses = Many(
                query,
                "filter[status]",
                mistakes,
                WireNames.StatusOfZendesk,
                "Allowed values are active, approved, rejected and withdrawn."
            ),
            AssigneeUsers = Many(query, "filter[assignee_user_id]", mistakes, Id, "IDs are whole numbers."),
            AssigneeGroups = Many(query, "filter[assignee_group_id]", mistakes, Id, "IDs are whole numbers."),
        };
        var size = UsualPage;
        if (
            query["page[size]"].ToString() is { Length: > 0 } asked
            && (
                !int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out size)
                || size is < 1 or > RequestList.MaxPage
            )
        )
        {
            mistakes.Add("page[size]", $"A whole number from 1 to {RequestList.MaxPage}.");
        }
        var after = Cursor(query, cursors, "after_cursor", "page[after]", mistakes);
        var before = Cursor(query, cursors, "before_cursor", "page[before]", mistakes);
        if (after is not null && before is not null)
            mistakes.Add("before_cursor", "Use either after_cursor or before_cursor.");
        if (mistakes.Any)
            return Refusal.Parameters(mistakes);

        // The parameter says which way to go, not the cursor.
        var position =
            after is not null ? after with { Newer = false }
            : before is not null ? before with { Newer = true }
            : null;
        var shapes = new Shapes(directory.Current, store.Now);
        var (items, found) = await Find(listing, store, caller.Viewer, shapes, filter, size, position, cancel);
        var (older, newer) = (
            found.Older is { } o ? cursors.Write(o) : null,
            found.Newer is { } n ? cursors.Write(n) : null
        );
        return Answer.Of(
            new ListAnswer(
                items,
                new ListLinks(Link(http.Request, "after_cursor", older), Link(http.Request, "before_cursor", newer)),
                new ListMeta(older, newer, (before is null ? older : newer) is not null)
            )
        );
    }

    private static async Task<(IReadOnlyList<ListItem> Items, Page Page)> Find(
        RequestList listing,
        Store store,
        Viewer viewer,
        Shapes shapes,
        Filter filter,
        int size,
        Position? from,
        CancellationToken cancel
    )
    {
        // Nothing is shown with both.
        if (filter.AssigneeUsers.Count > 0 && filter.AssigneeGroups.Count > 0)
            return ([], new Page([], null, null));
        if (filter.AssigneeUsers.Count == 0 && filter.AssigneeGroups.Count == 0)
        {
            var all = await listing.Run(viewer, filter, size, from, cancel);
            return (
                [.. (await RequestDetails.Of(store, all.Requests, cancel)).Select(d => ListItem.From(d, shapes))],
                all
            );
        }
        // Some of what is found is shown with another assignee, so the search goes on for a full page.
        var wanted = new Dictionary<RequestId, ListItem>();
        var page = await listing.Sift(
            viewer,
            filter with
            {
                OrAsked = shapes.MayBeShownFor(filter),
            },
            size,
            from,
            Math.Max(LeastLook, size) + 1,
            async requests =>
            {
                foreach (var details in await RequestDetails.Of(store, requests, cancel))
                {
                    var item = ListItem.From(details, shapes);
                    if (IsWanted(item, filter))
                        wanted[details.Request.Id] = item;
                }
                return requests.Where(r => wanted.ContainsKey(r.Id));
            },
            cancel
        );
        return ([.. page.Requests.Select(r => wanted[r.Id])], page);
    }

    private static bool IsWanted(ListItem item, Filter filter) =>
        (filter.AssigneeUsers.Count == 0 || (item.AssigneeUser is { } user && filter.AssigneeUsers.Contains(user.Id)))
        && (
            filter.AssigneeGroups.Count == 0
            || (item.AssigneeGroup is { } group && filter.AssigneeGroups.Contains(group.Id))
        );

    private static List<T> Many<T>(
        IQueryCollection query,
        string name,
        BodyErrors mistakes,
        Func<string, T?> read,
        string wrong
    )
        where T : struct
    {
        var words = query[name]
            .SelectMany(v =>
                (v ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            )
            .ToList();
        if (words.Count > Filter.MaxValues)
        {
            mistakes.Add(name, $"At most {Filter.MaxValues} values.");
            return [];
        }
        var values = words.ConvertAll(word => read(word));
        if (values.Exists(v => v is null))
            mistakes.Add(name, wrong);
        return [.. values.OfType<T>().Distinct()];
    }

    private static long? Id(string word) =>
        long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id) ? id : null;

    public static Position? Cursor(
        IQueryCollection query,
        Cursors cursors,
        string name,
        string other,
        BodyErrors mistakes
    )
    {
        var given = query[name].Concat(query[other]).Where(v => !string.IsNullOrEmpty(v)).Distinct().ToList();
        if (given.Count == 0)
            return null;
        var position = given.Count == 1 ? cursors.Read(given[0]!) : null;
        if (position is null)
        {
            mistakes.Add(
                name,
                given.Count > 1
                    ? $"{name} and {other} name different cursors."
                    : "This cursor is invalid. Start without one."
            );
        }
        return position;
    }

    /// <summary>The caller's own address and parameters with another cursor.</summary>
    public static string? Link(HttpRequest request, string name, string? cursor)
    {
        if (cursor is null)
            return null;
        var kept = request
            .Query.Where(p => p.Key is not ("after_cursor" or "before_cursor" or "page[after]" or "page[before]"))
            .SelectMany(p => p.Value, (p, value) => KeyValuePair.Create(p.Key, value))
            .Where(p => !string.IsNullOrEmpty(p.Value));
        return QueryHelpers.AddQueryString(
            ZendeskConventions.AddressOf(request),
            [.. kept, KeyValuePair.Create(name, (string?)cursor)]
        );
    }
}
