using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>One content of a request, with what people are shown of it.</summary>
public sealed record RevisionContent(
    int N,
    string Digest,
    string Subject,
    string Message,
    string Facts,
    DateTimeOffset At
);

/// <summary>
/// A request as its page tells it: the question, the content that was there before, all answers, and every event in
/// order. Read at once, so that they fit together.
/// </summary>
public sealed record RequestHistory(
    ApprovalRequest Request,
    RevisionContent Current,
    RevisionContent? Before,
    IReadOnlyList<Decision> Decisions,
    IReadOnlyList<StoredEvent> Events
)
{
    /// <summary>A history this long is not read by people; its latest part is shown.</summary>
    public const int MaxEvents = 300;

    /// <summary>Whether the viewer sees it as the assignee of its ticket.</summary>
    public bool IsTicketAssignee { get; init; }

    /// <param name="seen">The digest of the content that somebody was looking at: what has changed is told from
    /// there.</param>
    public static ValueTask<RequestHistory?> Find(
        Store store,
        RequestId id,
        Viewer viewer,
        string? seen,
        CancellationToken cancel
    ) =>
        store.ReadSnapshot(
            async reader =>
            {
                if (await RequestRow.Find(reader, id, viewer) is not { } request)
                    return null;
                var current = await Revision(reader, request, request.Digest, request.Revision);
                var before =
                    request.Revision == 1
                        ? null
                        : await Revision(
                            reader,
                            request,
                            seen is null || seen == request.Digest ? "" : seen,
                            request.Revision - 1
                        ) ?? await Revision(reader, request, "", request.Revision - 1);
                var events = await reader.All<StoredEvent>(
                    $"""
                    SELECT {StoredEvent.Columns} FROM events WHERE subject = @subject
                    ORDER BY n DESC LIMIT {MaxEvents}
                    """,
                    new { subject = request.Id.Subject }
                );
                events.Reverse();
                var (subject, n) = (request.Subject, request.Revision);
                return new RequestHistory(
                    request,
                    Of(current!, events, subject, n),
                    before is null ? null : Of(before, events, subject, n),
                    await DecisionRow.Of(reader, id),
                    events
                )
                {
                    IsTicketAssignee =
                        viewer.PersonId is { } person && await TicketVisibility.Has(reader, request, person),
                };
            },
            cancel
        );

    /// <summary>By digest, else by number.</summary>
    private static ValueTask<RevisionRow?> Revision(Reader reader, ApprovalRequest request, string digest, int n) =>
        reader.First<RevisionRow>(
            digest.Length > 0
                ? """
                SELECT n, digest, message, facts, at FROM revisions
                WHERE request_id = @id AND digest = @digest AND n <= @n ORDER BY n DESC LIMIT 1
                """
                : """
                SELECT n, digest, message, facts, at FROM revisions
                WHERE request_id = @id AND @digest = '' AND n = @n
                """,
            new
            {
                id = request.Id,
                digest,
                n,
            }
        );

    /// <summary>The subject of an earlier content is kept in the event that brought it.</summary>
    private static RevisionContent Of(RevisionRow row, List<StoredEvent> events, string subject, int current)
    {
        if (row.N == current)
            return new RevisionContent((int)row.N, row.Digest, subject, row.Message, row.Facts, Instant.Parse(row.At));
        foreach (var e in events)
        {
            if (e.Kind is not ("request.submitted" or "request.revised"))
                continue;
            using var data = JsonDocument.Parse(e.Data);
            if (
                data.RootElement.TryGetProperty("revision", out var n)
                && n.GetInt64() == row.N
                && data.RootElement.TryGetProperty("subject", out var text)
            )
            {
                subject = text.GetString() ?? subject;
            }
        }
        return new RevisionContent((int)row.N, row.Digest, subject, row.Message, row.Facts, Instant.Parse(row.At));
    }

    private sealed class RevisionRow
    {
        public long N { get; init; }
        public required string Digest { get; init; }
        public required string Message { get; init; }
        public required string Facts { get; init; }
        public required string At { get; init; }
    }
}
