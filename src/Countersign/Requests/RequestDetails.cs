using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

public sealed record CommentView(int N, string Actor, string Text, string Via, DateTimeOffset At);

/// <summary>A request with all that was said about it.</summary>
public sealed record RequestDetails(
    ApprovalRequest Request,
    RevisionContent Current,
    IReadOnlyList<Decision> Decisions,
    IReadOnlyList<CommentView> Comments
)
{
    /// <summary>Why it was withdrawn, when it was and somebody said so.</summary>
    public string? WithdrawnReason { get; init; }

    /// <summary>What changes, as LaunchDarkly described it; null where it hasn't.</summary>
    public DescribedChanges? Described { get; init; }

    /// <summary>What a deployment brings; null where nothing was read.</summary>
    public NewCommits? Commits { get; init; }

    /// <summary>Set when most of it lies in a file.</summary>
    public ArchivedRequest? Archived { get; init; }

    /// <summary>Null when it is not there or not the viewer's to see.</summary>
    public static ValueTask<RequestDetails?> Find(Store store, RequestId id, Viewer viewer, CancellationToken cancel) =>
        store.ReadSnapshot(
            async reader =>
                await RequestRow.Find(reader, id, viewer) is { } request
                    ? (await Of(reader, [request]))[0] with
                    {
                        Described = await ReadChanges.Of(reader, request),
                        Commits = await NewCommits.Find(reader, request),
                        Archived = await ArchivedRequest.Find(reader, request),
                    }
                    : null,
            cancel
        );

    /// <summary>
    /// The same for a page of requests that the viewer was shown: a few statements, however many they are.
    /// </summary>
    public static ValueTask<IReadOnlyList<RequestDetails>> Of(
        Store store,
        IReadOnlyList<ApprovalRequest> requests,
        CancellationToken cancel
    ) => store.Read(reader => Of(reader, requests), cancel);

    /// <summary>The bare request, for those who only ask how it stands.</summary>
    public static ValueTask<ApprovalRequest?> FindRequest(
        Store store,
        RequestId id,
        Viewer viewer,
        CancellationToken cancel
    ) => store.Read(reader => RequestRow.Find(reader, id, viewer), cancel);

    private static async ValueTask<IReadOnlyList<RequestDetails>> Of(
        Reader reader,
        IReadOnlyList<ApprovalRequest> requests
    )
    {
        if (requests.Count == 0)
            return [];
        var (names, ids) = SqlList.Whole(requests.Select(r => (object?)r.Id));
        var revisions = (
            await reader.All<RevisionRow>(
                $"""
                SELECT {RevisionRow.Columns} FROM revisions v
                WHERE v.request_id IN ({names})
                """,
                ids
            )
        ).ToLookup(r => (r.RequestId, (int)r.N));
        var decisions = await DecisionRow.OfSome(reader, names, ids);
        var comments = (
            await reader.All<CommentRow>(
                $"""
                SELECT request_id, n, actor, text, via, at FROM comments WHERE request_id IN ({names})
                ORDER BY request_id, n
                """,
                ids
            )
        ).ToLookup(c => c.RequestId, c => new CommentView((int)c.N, c.Actor, c.Text, c.Via, Instant.Parse(c.At)));
        var reasons = await WithdrawnReasons(reader, requests);
        return
        [
            .. requests.Select(request =>
            {
                var revision = revisions[(request.Id.Value, request.Revision)].First();
                return new RequestDetails(
                    request,
                    revision.ToContent(request.Subject),
                    [.. decisions[request.Id.Value]],
                    [.. comments[request.Id.Value]]
                )
                {
                    WithdrawnReason = reasons.GetValueOrDefault(request.Id.Subject),
                };
            }),
        ];
    }

    /// <summary>The record has them: a reason is said once and never changed.</summary>
    private static async ValueTask<Dictionary<string, string>> WithdrawnReasons(
        Reader reader,
        IReadOnlyList<ApprovalRequest> requests
    )
    {
        var withdrawn = requests.Where(r => r.Status == Status.Withdrawn).ToList();
        if (withdrawn.Count == 0)
            return [];
        var (names, subjects) = SqlList.Whole(withdrawn.Select(r => (object?)r.Id.Subject));
        var rows = await reader.All<ReasonRow>(
            $"SELECT subject, data FROM events WHERE subject IN ({names}) AND kind = 'request.withdrawn'",
            subjects
        );
        var reasons = new Dictionary<string, string>();
        foreach (var row in rows)
        {
            using var data = JsonDocument.Parse(row.Data);
            if (data.RootElement.TryGetProperty("reason", out var reason) && reason.GetString() is { Length: > 0 } text)
                reasons[row.Subject] = text;
        }
        return reasons;
    }

    private sealed class CommentRow
    {
        public required string RequestId { get; init; }
        public long N { get; init; }
        public required string Actor { get; init; }
        public required string Text { get; init; }
        public required string Via { get; init; }
        public required string At { get; init; }
    }

    private sealed class ReasonRow
    {
        public required string Subject { get; init; }
        public required string Data { get; init; }
    }
}
