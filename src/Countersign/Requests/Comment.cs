using Countersign.Storage;

namespace Countersign.Requests;

public abstract record CommentOutcome
{
    private CommentOutcome() { }

    public sealed record Added(ApprovalRequest Request, int Number) : CommentOutcome;

    public sealed record AlreadySettled(ApprovalRequest Request) : CommentOutcome;

    public sealed record TooMany : CommentOutcome;

    public sealed record NotFound : CommentOutcome;
}

/// <summary>Anyone who may see an active request may say something about it.</summary>
public sealed class Comment(Store store)
{
    public const int MaxPerRequest = 40;
    public const int MaxText = 500;

    public Task<CommentOutcome> Run(RequestId id, Viewer viewer, string text, CancellationToken cancel) =>
        store.InTransaction<CommentOutcome>(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, viewer) is not { } request)
                    return new CommentOutcome.NotFound();
                if (request.IsSettled)
                    return new CommentOutcome.AlreadySettled(request);
                var number =
                    (int)await tx.Number("SELECT count(*) FROM comments WHERE request_id = @id", new { id }) + 1;
                if (number > MaxPerRequest)
                    return new CommentOutcome.TooMany();
                await tx.Execute(
                    """
                    INSERT INTO comments (request_id, n, actor, text, via, at)
                    VALUES (@id, @n, @actor, @text, @via, @at)
                    """,
                    new
                    {
                        id,
                        n = number,
                        actor = viewer.Origin.Actor,
                        text,
                        via = viewer.Origin.Via,
                        at = tx.Now,
                    }
                );
                request = await RequestChange.Save(
                    tx,
                    request,
                    request,
                    viewer.Origin,
                    "request.commented",
                    new { n = number, text }
                );
                return new CommentOutcome.Added(request, number);
            },
            cancel
        );
}
