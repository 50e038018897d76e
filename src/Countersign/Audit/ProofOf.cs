using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>What the log can show about one event.</summary>
public abstract record ProofOutcome
{
    private ProofOutcome() { }

    /// <summary>It is in a signed tree.</summary>
    /// <param name="Proof">Its index, its hashes, and a signed checkpoint: that of the first head with the event that
    /// most witnesses have cosigned, with their lines; the newest where no witness has.</param>
    /// <param name="Size">Of the tree that the checkpoint names.</param>
    public sealed record Sealed(Epoch Epoch, long Size, TlogProof Proof) : ProofOutcome
    {
        /// <summary>How many witnesses have cosigned the checkpoint.</summary>
        public int Witnesses { get; init; }
    }

    /// <summary>It isn't in a signed tree yet: usually for less than a second.</summary>
    public sealed record NotYet : ProofOutcome;

    /// <summary>It was sealed before the log had a tree.</summary>
    public sealed record BeforeTree : ProofOutcome;

    public sealed record NotFound : ProofOutcome;
}

/// <summary>A checkpoint from before an event, which witnesses have cosigned.</summary>
/// <param name="Size">At most the event's index, so the event is not in it.</param>
/// <param name="Note">The checkpoint with the log's signature and the latest cosignature of each witness.</param>
/// <param name="Consistency">From this checkpoint to that of the event's proof.</param>
public sealed record WitnessedBefore(long Size, string Note, IReadOnlyList<byte[]> Consistency);

/// <summary>A consistency proof between two signed heads of one epoch.</summary>
/// <param name="First">The earlier checkpoint, signed; null where that size was never signed.</param>
public sealed record LogConsistency(long Epoch, long First, long Second, IReadOnlyList<byte[]> Hashes);

/// <summary>Proofs from the log's tree. Each reads a few tiles and waits for nothing.</summary>
public sealed class ProofOf(Store store)
{
    /// <summary>That an event is in the log.</summary>
    /// <param name="id">Of the event.</param>
    public ValueTask<ProofOutcome> Event(long id, CancellationToken cancel = default) =>
        store.ReadSnapshot(reader => Event(reader, id), cancel);

    /// <inheritdoc cref="Event(long, CancellationToken)"/>
    /// <param name="reader">A snapshot.</param>
    public static async ValueTask<ProofOutcome> Event(Reader reader, long id)
    {
        var row = await reader.First<PlaceRow>(
            $"SELECT id, {reader.Position} AS position FROM events WHERE id = @id",
            new { id }
        );
        if (row is null)
            return new ProofOutcome.NotFound();
        if (row.Position is not { } position)
            return new ProofOutcome.NotYet();
        var head = await reader.First<CoverRow>(
            $"""
            SELECT {TreeHead.Columns}, s.events FROM tree_heads h JOIN seals s ON s.n = h.seal
            WHERE h.position >= @position AND h.leaf IS NULL ORDER BY h.position, h.epoch DESC LIMIT 1
            """,
            new { position }
        );
        var offset = head is null ? null : IdRanges.Parse(head.Events)?.OffsetOf(id);
        if (head is null || offset is null)
            return await IsBeforeTree(reader, position) ? new ProofOutcome.BeforeTree() : new ProofOutcome.NotYet();
        var index = head.First + offset.Value;
        var signed = await TreeHead.NewestSigned(reader, head.Epoch);
        if (signed is null || signed.Size <= index || await Epoch.Find(reader, head.Epoch) is not { } epoch)
            return new ProofOutcome.NotYet();
        var (size, note, witnesses) = await Cosignatures.FirstWith(reader, head.Epoch, index) is { } cosigned
            ? (cosigned.Size, cosigned.Note, cosigned.Witnesses)
            : (signed.Size, signed.Note!, 0);
        var hashes = await new StoredTree(reader, head.Epoch).Inclusion(index, size);
        return new ProofOutcome.Sealed(epoch, size, new TlogProof(index, hashes, note)) { Witnesses = witnesses };
    }

    /// <summary>
    /// The last checkpoint that witnesses had cosigned before an event was in the log: by their clocks, the event was
    /// logged after it. Null where no witness was asked before.
    /// </summary>
    public ValueTask<WitnessedBefore?> NotBefore(ProofOutcome.Sealed of, CancellationToken cancel = default) =>
        store.ReadSnapshot(reader => NotBefore(reader, of), cancel);

    /// <inheritdoc cref="NotBefore(ProofOutcome.Sealed, CancellationToken)"/>
    /// <param name="reader">A snapshot.</param>
    /// <param name="of">The proof to whose checkpoint it is consistent.</param>
    public static async ValueTask<WitnessedBefore?> NotBefore(Reader reader, ProofOutcome.Sealed of)
    {
        var epoch = of.Epoch.Number;
        if (await Cosignatures.LastUpTo(reader, epoch, of.Proof.Index) is not { } before)
            return null;
        var hashes = await new StoredTree(reader, epoch).Consistency(before.Size, of.Size);
        return new WitnessedBefore(before.Size, before.Note, hashes);
    }

    /// <summary>
    /// That the tree of one size begins with the tree of another; null where the epoch has no tree as large as that.
    /// </summary>
    public ValueTask<IReadOnlyList<byte[]>?> Consistency(
        long epoch,
        long first,
        long second,
        CancellationToken cancel = default
    ) => store.ReadSnapshot(reader => Consistency(reader, epoch, first, second), cancel);

    /// <inheritdoc cref="Consistency(long, long, long, CancellationToken)"/>
    /// <param name="reader">A snapshot.</param>
    public static async ValueTask<IReadOnlyList<byte[]>?> Consistency(
        Reader reader,
        long epoch,
        long first,
        long second
    ) =>
        first < 1 || first > second || await TreeHead.Newest(reader, epoch) is not { } head || head.Size < second
            ? null
            : await new StoredTree(reader, epoch).Consistency(first, second);

    /// <summary>The newest checkpoint, signed; null before the first.</summary>
    public ValueTask<string?> Checkpoint(CancellationToken cancel = default) => store.Read(Checkpoint, cancel);

    /// <inheritdoc cref="Checkpoint(CancellationToken)"/>
    public static async ValueTask<string?> Checkpoint(Reader reader) =>
        await reader.First<TreeHead>(
            $"""
            SELECT {TreeHead.Columns} FROM tree_heads h WHERE h.note IS NOT NULL
            ORDER BY h.epoch DESC, h.size DESC LIMIT 1
            """
        )
            is { } head
            ? await Cosignatures.NoteOf(reader, head)
            : null;

    private static async ValueTask<bool> IsBeforeTree(Reader reader, long position)
    {
        var began = await reader.First<TreeHead>(
            $"SELECT {TreeHead.Columns} FROM tree_heads h ORDER BY h.epoch, h.size LIMIT 1"
        );
        return began is not null && position <= began.Position;
    }

    private sealed class PlaceRow
    {
        public long Id { get; init; }
        public long? Position { get; init; }
    }

    private sealed class CoverRow
    {
        public long Epoch { get; init; }
        public long First { get; init; }
        public required string Events { get; init; }
    }
}
