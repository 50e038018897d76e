using System.Buffers.Binary;
using System.Text;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// The signed log as the files that other programs read (<c>c2sp.org/tlog-tiles</c>): a checkpoint, tiles of hashes,
/// and bundles of leaves. Nothing beyond the newest signed head is shown.
/// </summary>
public sealed class LogFiles(Store store)
{
    private const int MaxEntry = ushort.MaxValue;

    /// <summary>All epochs, the first one first, each with its newest signed head.</summary>
    public ValueTask<List<LogEpoch>> Epochs(CancellationToken cancel = default) => store.ReadSnapshot(EpochsOf, cancel);

    /// <summary>How epochs follow each other (<see cref="EpochChain"/>); null before the first checkpoint.</summary>
    public ValueTask<string?> Chain(CancellationToken cancel = default) =>
        store.ReadSnapshot(
            async reader =>
            {
                var chain = new StringBuilder();
                foreach (var epoch in await EpochsOf(reader))
                {
                    if (epoch.Note is null)
                        continue;
                    chain.Append(await FirstOf(reader, epoch));
                    if (epoch.LastLeaf is not null)
                        chain.Append(await LastOf(reader, epoch));
                }
                return chain.Length == 0 ? null : chain.ToString();
            },
            cancel
        );

    /// <summary>
    /// How the key of an epoch was announced by the epochs before it, from the earliest of which that is so. Null where
    /// it wasn't.
    /// </summary>
    internal static async ValueTask<string?> Announced(Reader reader, Epoch epoch)
    {
        if (epoch.Reason != EpochReason.KeyRotation)
            return null;
        var epochs = (await EpochsOf(reader)).FindAll(e => e.Epoch.Number <= epoch.Number && e.Note is not null);
        var chain = new StringBuilder();
        for (var i = epochs.Count - 1; i > 0; i--)
        {
            var (before, after) = (epochs[i - 1], epochs[i]);
            if (before.LastLeaf != EpochLeaf.EndOf(before.Epoch.Number, after.Epoch.Vkey))
                break;
            chain.Insert(0, await LastOf(reader, before) + await FirstOf(reader, after));
        }
        return chain.Length == 0 ? null : chain.ToString();
    }

    private static async ValueTask<string> FirstOf(Reader reader, LogEpoch epoch) =>
        EpochChain.Entry(
            epoch.FirstLeaf,
            0,
            await new StoredTree(reader, epoch.Epoch.Number).Inclusion(0, epoch.Size),
            epoch.Note!
        );

    private static async ValueTask<string> LastOf(Reader reader, LogEpoch epoch) =>
        EpochChain.Entry(
            epoch.LastLeaf!,
            epoch.Size - 1,
            await new StoredTree(reader, epoch.Epoch.Number).Inclusion(epoch.Size - 1, epoch.Size),
            epoch.Note!
        );

    private static async ValueTask<List<LogEpoch>> EpochsOf(Reader reader)
    {
        var epochs = new List<LogEpoch>();
        foreach (var epoch in await reader.All<Epoch>($"SELECT {Epoch.Columns} FROM epochs e ORDER BY e.number"))
        {
            var signed = await TreeHead.NewestSigned(reader, epoch.Number);
            var last = await reader.First<TreeHead>(
                $"""
                SELECT {TreeHead.Columns} FROM tree_heads h
                WHERE h.epoch = @epoch AND h.size > 1 AND h.leaf IS NOT NULL AND h.note IS NOT NULL
                ORDER BY h.size DESC LIMIT 1
                """,
                new { epoch = epoch.Number }
            );
            epochs.Add(
                new LogEpoch(
                    epoch,
                    await reader.Text(
                        "SELECT leaf FROM tree_heads WHERE epoch = @epoch AND size = 1",
                        new { epoch = epoch.Number }
                    ) ?? "",
                    last is not null && last.Size == signed?.Size ? last.Leaf : null,
                    signed?.Size ?? 0,
                    signed?.Note
                )
            );
        }
        return epochs;
    }

    /// <summary>The newest signed checkpoint; of the newest epoch where none is named.</summary>
    public ValueTask<string?> Checkpoint(long? epoch, CancellationToken cancel = default) =>
        store.ReadSnapshot(async reader => (await Signed(reader, epoch))?.Note, cancel);

    /// <summary>A file by its path behind <c>tile/</c>; null where the signed log has no such file.</summary>
    public ValueTask<byte[]?> Tile(long? epoch, string path, CancellationToken cancel = default) =>
        Proof.Tile.TryParse(path, out var tile, out var isEntries)
            ? store.ReadSnapshot(
                async reader =>
                    await Signed(reader, epoch) is { } signed && IsWithin(tile, signed.Size)
                        ? await Bytes(reader, signed.Epoch, tile, isEntries)
                        : null,
                cancel
            )
            : ValueTask.FromResult<byte[]?>(null);

    /// <summary>The hashes of a tile; null if the signed log has no such tile.</summary>
    /// <param name="epoch">Null for the newest.</param>
    internal async ValueTask<List<byte[]>?> Hashes(Tile tile, long? epoch, CancellationToken cancel) =>
        (await Tile(epoch, tile.Path["tile/".Length..], cancel))?.Chunk(MerkleTree.HashSize).ToList();

    private static async ValueTask<byte[]?> Bytes(Reader reader, long epoch, Tile tile, bool isEntries)
    {
        var tree = new StoredTree(reader, epoch);
        if (!isEntries)
            return [.. (await tree.Hashes(tile)).SelectMany(hash => hash)];
        var from = tile.N * Proof.Tile.FullWidth;
        using var bundle = new MemoryStream();
        foreach (var (id, own) in await tree.Leaves(from, from + tile.Width))
        {
            if ((own ?? await LeafText(reader, id!.Value)) is not { } text)
                return null;
            var bytes = Encoding.UTF8.GetBytes(text);
            if (bytes.Length > MaxEntry)
                return null;
            var length = new byte[sizeof(ushort)];
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)bytes.Length);
            bundle.Write(length);
            bundle.Write(bytes);
        }
        return bundle.ToArray();
    }

    /// <summary>Null where the event was archived: its text is in the archive, and its hash in the tiles.</summary>
    private static async ValueTask<string?> LeafText(Reader reader, long id)
    {
        var e = await reader.First<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events WHERE id = @id", new { id });
        if (e is null || EventLeaf.Of(e) is not { } leaf)
            return null;
        return leaf.TextAfter(
            await reader.Text(
                "SELECT hash FROM events WHERE subject = @subject AND n = @before",
                new { subject = e.Subject, before = e.N - 1 }
            ) ?? ""
        );
    }

    private static async ValueTask<TreeHead?> Signed(Reader reader, long? number)
    {
        var epoch = number ?? (await Epoch.Newest(reader))?.Number;
        return epoch is null ? null : await TreeHead.NewestSigned(reader, epoch.Value);
    }

    /// <summary>Whether a tree of this size has all hashes of the tile.</summary>
    private static bool IsWithin(Tile tile, long size)
    {
        if (tile.Level > 7)
            return false;
        var hashes = size >> (Proof.Tile.Height * tile.Level);
        return tile.N <= hashes / Proof.Tile.FullWidth && (tile.N * Proof.Tile.FullWidth) + tile.Width <= hashes;
    }
}

/// <summary>One epoch as it is shown.</summary>
/// <param name="FirstLeaf">Names the epoch before it, the last seal and the keys.</param>
/// <param name="LastLeaf">Names the key that takes over; null where the end wasn't planned, or hasn't come.</param>
/// <param name="Note">The newest signed checkpoint; null before the first.</param>
public sealed record LogEpoch(Epoch Epoch, string FirstLeaf, string? LastLeaf, long Size, string? Note);
