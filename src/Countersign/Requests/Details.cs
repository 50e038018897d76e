using Countersign.Storage;

namespace Countersign.Requests;

public sealed record RevisionView(int N, string Digest, string Message, string Facts, DateTimeOffset At);

public sealed record CommentView(int N, string Actor, string Text, string Via, DateTimeOffset At);

/// <summary>A request with all that was said about it.</summary>
public sealed record Details(ApprovalRequest Request, RevisionView Current, IReadOnlyList<Decision> Decisions, IReadOnlyList<CommentView> Comments)
{
    /// <summary>Null when it is not there or not the viewer's to see.</summary>
    public static ValueTask<Details?> Find(Store store, RequestId id, Viewer viewer, CancellationToken cancel) =>
        store.Read(async reader =>
        {
            if (await RequestRow.Find(reader, id, viewer) is not { } request)
                return null;
            var revision = (await reader.First<RevisionRow>(
                "SELECT n, digest, message, facts, at FROM revisions WHERE request_id = @id AND n = @n", new { id, n = request.Revision }))!;
            var comments = await reader.All<CommentRow>("SELECT n, actor, text, via, at FROM comments WHERE request_id = @id ORDER BY n", new { id });
            return new Details(
                request,
                new RevisionView((int)revision.N, revision.Digest, revision.Message, revision.Facts, Instant.Parse(revision.At)),
                await DecisionRow.Of(reader, id),
                comments.ConvertAll(c => new CommentView((int)c.N, c.Actor, c.Text, c.Via, Instant.Parse(c.At))));
        }, cancel);

    /// <summary>The bare request, for those who only ask how it stands.</summary>
    public static ValueTask<ApprovalRequest?> FindRequest(Store store, RequestId id, Viewer viewer, CancellationToken cancel) =>
        store.Read(reader => RequestRow.Find(reader, id, viewer), cancel);

    private sealed class RevisionRow
    {
        public long N { get; init; }
        public required string Digest { get; init; }
        public required string Message { get; init; }
        public required string Facts { get; init; }
        public required string At { get; init; }
    }

    private sealed class CommentRow
    {
        public long N { get; init; }
        public required string Actor { get; init; }
        public required string Text { get; init; }
        public required string Via { get; init; }
        public required string At { get; init; }
    }
}
