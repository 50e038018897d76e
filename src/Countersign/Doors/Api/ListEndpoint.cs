using System.Globalization;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Doors.Api;

public sealed record PageView(IReadOnlyList<RequestView> Requests, string? Next, string? Previous);

/// <summary>
/// <c>GET /api/v1/requests</c>: newest first, or those first that expire soonest. Values of one filter, separated by
/// commas or repeated, are alternatives. A page may hold fewer than asked for and still have a <c>next</c>.
/// </summary>
internal static class ListEndpoint
{
    private const int UsualPage = 50;
    private static readonly string[] Known =
    [
        "status",
        "assignee",
        "group",
        "source",
        "environment",
        "text",
        "from",
        "before",
        "waiting",
        "order",
        "size",
        "cursor",
    ];

    public static async Task<IResult> Run(
        HttpRequest request,
        CurrentCaller caller,
        RequestList listing,
        PeopleDirectory directory,
        Cursors cursors,
        CancellationToken cancel
    )
    {
        var snapshot = directory.Current;
        var mistakes = new BodyErrors();
        foreach (var name in request.Query.Keys.Except(Known, StringComparer.Ordinal))
            mistakes.Add(name.Length > 100 ? name[..100] : name, "There is no filter with this name.");

        var filter = new Filter
        {
            Statuses = Many(
                request,
                "status",
                mistakes,
                WireNames.StatusOf,
                "Must be active, approved, rejected or withdrawn."
            ),
            AssigneeUsers = Many(
                request,
                "assignee",
                mistakes,
                email => snapshot.FindPerson(email)?.Id,
                "There is no person with this email."
            ),
            AskedGroups = Many(
                request,
                "group",
                mistakes,
                name => snapshot.FindGroup(name)?.Id,
                "There is no group with this name."
            ),
            Sources = Many(
                request,
                "source",
                mistakes,
                name => snapshot.FindSource(name)?.Id,
                "There is no source with this name."
            ),
            Text = One(request, "text"),
            Place = One(request, "environment") is { Length: > 0 } place ? place : null,
            From = Time(request, "from", mistakes),
            Before = Time(request, "before", mistakes),
            WaitingForMe = One(request, "waiting") switch
            {
                null or "" => false,
                "me" => true,
                _ => Wrong(mistakes, "waiting", "The only value is me."),
            },
            ExpiringFirst = One(request, "order") switch
            {
                null or "" or "newest" => false,
                "expiring" => true,
                _ => Wrong(mistakes, "order", "Must be newest or expiring."),
            },
        };
        if (filter.Text is { Length: > 200 } || filter.Text?.Any(char.IsControl) == true)
            mistakes.Add("text", "Use at most 200 characters in one line.");
        var size = UsualPage;
        if (
            One(request, "size") is { Length: > 0 } asked
            && (
                !int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out size)
                || size is < 1 or > RequestList.MaxPage
            )
        )
        {
            mistakes.Add("size", $"A whole number from 1 to {RequestList.MaxPage}.");
        }
        Position? position = null;
        if (One(request, "cursor") is { Length: > 0 } cursor && (position = cursors.Read(cursor)) is null)
            mistakes.Add("cursor", "This cursor is invalid. Start without one.");
        if (mistakes.Any)
            return Problems.Invalid(mistakes.ByField);

        var page = await listing.Run(caller.Viewer, filter, size, position, cancel);
        return TypedResults.Ok(
            new PageView(
                [.. page.Requests.Select(r => RequestView.From(r, snapshot))],
                page.Older is { } older ? cursors.Write(older) : null,
                page.Newer is { } newer ? cursors.Write(newer) : null
            )
        );
    }

    private static string? One(HttpRequest request, string name) =>
        request.Query[name] is { Count: > 0 } values ? values[^1] : null;

    private static List<T> Many<T>(
        HttpRequest request,
        string name,
        BodyErrors mistakes,
        Func<string, T?> read,
        string wrong
    )
        where T : struct
    {
        var words = request
            .Query[name]
            .SelectMany(v =>
                (v ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            )
            .Distinct()
            .ToList();
        if (words.Count > Filter.MaxValues)
        {
            mistakes.Add(name, $"At most {Filter.MaxValues} values.");
            return [];
        }
        var values = new List<T>();
        foreach (var word in words)
        {
            if (read(word) is { } value)
                values.Add(value);
            else
                mistakes.Add(name, wrong);
        }
        return values;
    }

    private static DateTimeOffset? Time(HttpRequest request, string name, BodyErrors mistakes)
    {
        if (One(request, name) is not { Length: > 0 } text)
            return null;
        if (
            DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            && time.Year is >= 1970 and < 5000
        )
        {
            return time;
        }
        mistakes.Add(name, "A time such as 2026-01-31T12:00:00Z.");
        return null;
    }

    private static bool Wrong(BodyErrors mistakes, string field, string why)
    {
        mistakes.Add(field, why);
        return false;
    }
}
