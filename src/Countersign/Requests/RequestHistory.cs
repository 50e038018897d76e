using Countersign.Storage;

namespace Countersign.Requests;

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

    /// <summary>What changes, as LaunchDarkly described it; null where it hasn't.</summary>
    public DescribedChanges? Described { get; init; }

    /// <summary>What it described before it turned out to hold another change.</summary>
    public DescribedChanges? DescribedBefore { get; init; }

    /// <summary>While it waits: what was rejected before and was about the same.</summary>
    public IReadOnlyList<RejectedBefore> RejectedBefore { get; init; } = [];

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
                var subjectOf = await RevisionRow.SubjectsOf(reader, request);
                return new RequestHistory(
                    request,
                    current!.ToContent(subjectOf(current.N)),
                    before?.ToContent(subjectOf(before.N)),
                    await DecisionRow.Of(reader, id),
                    events
                )
                {
                    IsTicketAssignee = await Visibility.IsTicketAssignee(reader, request, viewer),
                    RejectedBefore = request.IsSettled
                        ? []
                        : await Requests.RejectedBefore.Of(reader, request, current.Facts, viewer),
                    Described = await ReadChanges.Of(reader, request),
                    DescribedBefore =
                        request.Reading > 1 ? await ReadChanges.Of(reader, request, request.Reading - 1) : null,
                };
            },
            cancel
        );

    /// <summary>By digest, else by number.</summary>
    private static ValueTask<RevisionRow?> Revision(Reader reader, ApprovalRequest request, string digest, int n) =>
        reader.First<RevisionRow>(
            digest.Length > 0
                ? $"""
                SELECT {RevisionRow.Columns} FROM revisions v
                WHERE v.request_id = @id AND v.digest = @digest AND v.n <= @n ORDER BY v.n DESC LIMIT 1
                """
                : $"""
                SELECT {RevisionRow.Columns} FROM revisions v
                WHERE v.request_id = @id AND @digest = '' AND v.n = @n
                """,
            new
            {
                id = request.Id,
                digest,
                n,
            }
        );
}
