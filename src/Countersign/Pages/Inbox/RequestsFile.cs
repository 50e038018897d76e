using System.Globalization;
using System.Runtime.CompilerServices;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Inbox;

/// <summary><c>GET /requests.csv</c>: the list that the address asks for, all of its pages.</summary>
internal static class RequestsFile
{
    public const string Path = "/requests.csv";

    /// <summary>
    /// A filter that finds little looks at no more pages than this: each costs as much as one on the screen.
    /// </summary>
    private const int MaxPages = 500;

    public static Csv Show(
        HttpContext http,
        CurrentCaller caller,
        RequestList listing,
        RequestSummaries summaries,
        PeopleDirectory directory,
        Cursors cursors,
        PageOptions options,
        CancellationToken cancel
    )
    {
        var strings = http.Strings();
        return new Csv(
            "requests.csv",
            [
                strings["csv.id"],
                strings["csv.change"],
                strings["csv.changes"],
                strings["csv.title"],
                strings["csv.status"],
                strings["csv.standing"],
                strings["csv.environment"],
                strings["csv.source"],
                strings["csv.requester"],
                strings["csv.created"],
                strings["csv.expires"],
                strings["csv.closed"],
                strings["csv.applied"],
                strings["csv.reason"],
                strings["csv.externalId"],
            ],
            Rows(
                InboxFilter.Read(http.Request.Query) with
                {
                    Cursor = "",
                },
                new InboxRows(directory.Current, options, strings),
                summary => Changes(strings.Changes(), summary),
                status => strings["status." + status.ToWireName()],
                cancel
            )
        );

        async IAsyncEnumerable<IReadOnlyList<string?>> Rows(
            InboxFilter filter,
            InboxRows rows,
            Func<RequestSummary, string> changes,
            Func<Status, string> statusName,
            [EnumeratorCancellation] CancellationToken stop
        )
        {
            var wanted = filter.ToFilter(directory.Current);
            var position = filter.Position(cursors);
            for (var pages = 0; pages < MaxPages; pages++)
            {
                var page = await listing.Run(caller.Viewer, wanted, RequestList.MaxPage, position, stop);
                var found = await summaries.Of(page.Requests, stop);
                foreach (var request in filter.IsOldestFirst ? page.Requests.Reverse() : page.Requests)
                {
                    var row = rows.Of(request, found[request.Id]);
                    yield return
                    [
                        request.Id.Value,
                        row.Headline.Text,
                        changes(row.Summary),
                        request.Subject,
                        statusName(request.Status),
                        request.Display,
                        row.Summary.Environment,
                        row.Source,
                        request.RequesterName,
                        Text(request.CreatedAt),
                        Text(request.ExpiresAt),
                        Text(request.SettledAt),
                        Text(request.AppliedAt),
                        row.Summary.Reason,
                        request.ExternalId,
                    ];
                }
                position = filter.IsOldestFirst ? page.Newer : page.Older;
                if (position is null)
                    yield break;
            }
        }
    }

    /// <summary>Every change that LaunchDarkly described, one a line; empty where it wasn't asked.</summary>
    private static string Changes(ChangeText text, RequestSummary summary)
    {
        var lines = summary.Described.Select(change => text.Of(change).Text).ToList();
        if (summary.MoreChanges + 1 > lines.Count && lines.Count > 0)
            lines.Add("…");
        return string.Join('\n', lines);
    }

    /// <summary>As spreadsheets read it: UTC, to the second.</summary>
    private static string? Text(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
