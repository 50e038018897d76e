using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>A signed head with lines of witnesses under it.</summary>
/// <param name="Witnesses">How many witnesses have lines there.</param>
internal sealed record CosignedCheckpoint(long Size, string Note, int Witnesses);

/// <summary>
/// What witnesses have signed of the log. A line is stored only when it verifies. The first line of a witness under a
/// head says most about what the head has, and the last one most about what comes after it.
/// </summary>
internal static class Cosignatures
{
    /// <summary>
    /// A slow witness cosigns a later head than others, so the head with most witnesses is looked for among this many.
    /// </summary>
    private const int Nearby = 8;

    /// <summary>
    /// Of the heads with a leaf, the one that most witnesses have cosigned, and of those the first: it was in the log
    /// by then. The newest heads count too, because a witness may be new.
    /// </summary>
    public static async ValueTask<CosignedCheckpoint?> FirstWith(Reader reader, long epoch, long index)
    {
        var first = await Heads(reader, "size > @than ORDER BY size LIMIT @most", epoch, index);
        if (first.Count == 0)
            return null;
        var newest = await Heads(reader, "size > @than ORDER BY size DESC LIMIT @most", epoch, index);
        var best = first.Concat(newest).OrderByDescending(h => h.Witnesses).ThenBy(h => h.Size).First();
        return await Read(reader, epoch, best.Size, isFirst: true);
    }

    /// <summary>Of the last heads without a leaf, the one that most witnesses have cosigned.</summary>
    public static async ValueTask<CosignedCheckpoint?> LastUpTo(Reader reader, long epoch, long index)
    {
        var last = await Heads(reader, "size <= @than ORDER BY size DESC LIMIT @most", epoch, index);
        return last.OrderByDescending(h => h.Witnesses).ThenByDescending(h => h.Size).FirstOrDefault() is { } best
            ? await Read(reader, epoch, best.Size, isFirst: false)
            : null;
    }

    /// <summary>The note of a signed head with all that witnesses signed under it.</summary>
    public static async ValueTask<string> NoteOf(Reader reader, TreeHead signed) =>
        (await Read(reader, signed.Epoch, signed.Size, isFirst: false))?.Note ?? signed.Note!;

    /// <summary>Adds a line under a head; one that is there stays.</summary>
    public static ValueTask<int> Add(Tx tx, long epoch, long size, string witness, long time, string line) =>
        tx.Execute(
            """
            INSERT INTO cosignatures (epoch, size, witness, time, line) VALUES (@epoch, @size, @witness, @time, @line)
            ON CONFLICT DO NOTHING
            """,
            new
            {
                epoch,
                size,
                witness,
                time,
                line,
            }
        );

    private static ValueTask<List<HeadRow>> Heads(Reader reader, string which, long epoch, long than)
    {
        // One row for each head and witness, since a head may have several lines of one.
        var sql = $"""
            SELECT s.size, (SELECT count(DISTINCT c.witness) FROM cosignatures c
              WHERE c.epoch = @epoch AND c.size = s.size) AS witnesses
            FROM (SELECT DISTINCT size FROM cosignatures WHERE epoch = @epoch AND {which}) s
            """;
        return reader.All<HeadRow>(
            sql,
            new
            {
                epoch,
                than,
                most = Nearby,
            }
        );
    }

    private static async ValueTask<CosignedCheckpoint?> Read(Reader reader, long epoch, long size, bool isFirst)
    {
        var note = await reader.Text(
            "SELECT note FROM tree_heads WHERE epoch = @epoch AND size = @size AND note IS NOT NULL",
            new { epoch, size }
        );
        var rows = await reader.All<LineRow>(
            "SELECT witness, line FROM cosignatures WHERE epoch = @epoch AND size = @size ORDER BY witness, time",
            new { epoch, size }
        );
        if (note is null || rows.Count == 0)
            return null;
        var lines = rows.GroupBy(r => r.Witness).Select(g => (isFirst ? g.First() : g.Last()).Line).ToList();
        return new CosignedCheckpoint(size, note + string.Concat(lines), lines.Count);
    }

    private sealed class HeadRow
    {
        public long Size { get; init; }
        public long Witnesses { get; init; }
    }

    private sealed class LineRow
    {
        public required string Witness { get; init; }
        public required string Line { get; init; }
    }
}

/// <summary>How a witness last answered.</summary>
internal sealed class WitnessRow
{
    public const string Columns =
        "witness, epoch, size, wanted_at, asked_at, retry_at, cosigned_at, problem, problem_since, fork";

    /// <summary>The witness's name and key ID.</summary>
    public required string Witness { get; init; }
    public long Epoch { get; init; }

    /// <summary>The largest size of the epoch that it cosigned; 0 where none.</summary>
    public long Size { get; init; }
    public string? WantedAt { get; init; }
    public string? AskedAt { get; init; }
    public string? RetryAt { get; init; }
    public string? CosignedAt { get; init; }
    public string? Problem { get; init; }
    public string? ProblemSince { get; init; }

    /// <summary>The other history of the epoch that it knows.</summary>
    public string? Fork { get; init; }

    public static ValueTask<WitnessRow?> Find(Reader reader, string witness) =>
        reader.First<WitnessRow>($"SELECT {Columns} FROM witnesses WHERE witness = @witness", new { witness });

    public static ValueTask<List<WitnessRow>> All(Reader reader) =>
        reader.All<WitnessRow>($"SELECT {Columns} FROM witnesses ORDER BY witness");

    /// <summary>Which other history of an epoch a witness knows; null where none does.</summary>
    public static async ValueTask<string?> FindFork(Reader reader, long epoch) =>
        await reader.Text(
            "SELECT fork FROM witnesses WHERE epoch = @epoch AND fork IS NOT NULL ORDER BY witness LIMIT 1",
            new { epoch }
        );

    /// <summary>The same, of the newest epoch.</summary>
    public static async ValueTask<string?> FindFork(Reader reader) =>
        await Audit.Epoch.Newest(reader) is { } epoch ? await FindFork(reader, epoch.Number) : null;

    public static ValueTask<int> Delete(Tx tx, string witness) =>
        tx.Execute("DELETE FROM witnesses WHERE witness = @witness", new { witness });

    /// <summary>A receipt waits for it.</summary>
    public static ValueTask<int> Want(Tx tx, string witness) =>
        tx.Execute(
            """
            INSERT INTO witnesses (witness, epoch, size, wanted_at) VALUES (@witness, 0, 0, @now)
            ON CONFLICT (witness) DO UPDATE SET wanted_at = @now
            """,
            new { witness, now = tx.Now }
        );

    public static ValueTask<int> Write(Tx tx, WitnessRow row) =>
        tx.Execute(
            """
            INSERT INTO witnesses
              (witness, epoch, size, asked_at, retry_at, cosigned_at, problem, problem_since, fork)
            VALUES (@Witness, @Epoch, @Size, @AskedAt, @RetryAt, @CosignedAt, @Problem, @ProblemSince, @Fork)
            ON CONFLICT (witness) DO UPDATE SET epoch = @Epoch, size = @Size, asked_at = @AskedAt,
              retry_at = @RetryAt, cosigned_at = @CosignedAt, problem = @Problem, problem_since = @ProblemSince,
              fork = @Fork
            """,
            new
            {
                row.Witness,
                row.Epoch,
                row.Size,
                row.AskedAt,
                row.RetryAt,
                row.CosignedAt,
                row.Problem,
                row.ProblemSince,
                row.Fork,
            }
        );
}
