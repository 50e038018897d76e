using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <summary>The beginning of a body that could not be read.</summary>
public sealed class RejectedBody
{
    public long Id { get; init; }
    public required string At { get; init; }
    public required string Why { get; init; }
    public required string Text { get; init; }
}

/// <summary>
/// A source sent what could not be read. The beginning of it is kept for a while, because the people who run the other
/// system will ask what came; the event of the source stays, and holds its length and hash.
/// </summary>
public sealed class RejectedBodies(Store store)
{
    /// <summary>Characters: what is wrong shows early, or by its position.</summary>
    public const int MaxLength = 8 * 1024;

    /// <summary>Of one source; the oldest make room.</summary>
    public const int MaxPerSource = 100;

    public Task Keep(long sourceId, string why, string text, Origin origin, CancellationToken cancel)
    {
        // PostgreSQL keeps no text with a zero in it.
        var kept = WellFormed.Text(WellFormed.Cut(text, MaxLength)).Replace('\0', '\uFFFD');
        return store.InTransaction(
            async tx =>
            {
                await tx.Append(
                    $"source:{sourceId}",
                    origin,
                    "source.body_refused",
                    new
                    {
                        why,
                        length = text.Length,
                        hash = Hashes.Sha256(kept),
                    }
                );
                await tx.Execute(
                    "INSERT INTO rejected_bodies (source_id, at, why, text) VALUES (@sourceId, @now, @why, @kept)",
                    new
                    {
                        sourceId,
                        now = tx.Now,
                        why,
                        kept,
                    }
                );
                await tx.Execute(
                    """
                    DELETE FROM rejected_bodies WHERE source_id = @sourceId AND id <= (
                      SELECT id FROM rejected_bodies WHERE source_id = @sourceId ORDER BY id DESC LIMIT 1 OFFSET @most)
                    """,
                    new { sourceId, most = MaxPerSource }
                );
            },
            cancel
        );
    }

    /// <summary>The latest first; null when there is no such source.</summary>
    public ValueTask<List<RejectedBody>?> List(string source, CancellationToken cancel) =>
        store.Read(
            async reader =>
                await reader.Number(
                    "SELECT id FROM sources WHERE name_key = @key",
                    new { key = PeopleDirectory.KeyOf(source) }
                )
                    is not 0
                        and var id
                    ? await reader.All<RejectedBody>(
                        "SELECT id, at, why, text FROM rejected_bodies WHERE source_id = @id ORDER BY id DESC",
                        new { id }
                    )
                    : null,
            cancel
        );

    /// <summary>The latest of one source, the newest first.</summary>
    public ValueTask<List<RejectedBody>> Latest(long sourceId, int count, CancellationToken cancel) =>
        store.Read(
            reader =>
                reader.All<RejectedBody>(
                    """
                    SELECT id, at, why, text FROM rejected_bodies WHERE source_id = @sourceId
                    ORDER BY id DESC LIMIT @count
                    """,
                    new { sourceId, count }
                ),
            cancel
        );

    public static CleaningStep Old(Store store, RetentionOptions keep) =>
        CleaningStep.Delete(
            "rejected bodies",
            store,
            keep.RejectedBodies,
            """
            DELETE FROM rejected_bodies
            WHERE id IN (SELECT id FROM rejected_bodies WHERE at <= @oldest ORDER BY id LIMIT @chunk)
            """
        );
}
