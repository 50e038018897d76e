using System.Text;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>How large a tree was with the events of one seal, as its row says.</summary>
internal sealed class TreeHead
{
    public const string Columns = "h.epoch, h.size, h.first, h.seal, h.position, h.leaf, h.root, h.note";

    public long Epoch { get; init; }
    public long Size { get; init; }

    /// <summary>The index of the first leaf that it added.</summary>
    public long First { get; init; }
    public long Seal { get; init; }
    public long Position { get; init; }

    /// <summary>The text of the leaf that it added; null where it added the events of its seal.</summary>
    public string? Leaf { get; init; }
    public required string Root { get; init; }
    public string? Note { get; init; }

    public byte[] RootHash => Convert.FromBase64String(Root);

    /// <summary>Null before the epoch's first.</summary>
    public static ValueTask<TreeHead?> Newest(Reader reader, long epoch) =>
        reader.First<TreeHead>(
            $"SELECT {Columns} FROM tree_heads h WHERE h.epoch = @epoch ORDER BY h.size DESC LIMIT 1",
            new { epoch }
        );

    /// <summary>The newest that was signed; null while none is.</summary>
    public static ValueTask<TreeHead?> NewestSigned(Reader reader, long epoch) =>
        reader.First<TreeHead>(
            $"""
            SELECT {Columns} FROM tree_heads h WHERE h.epoch = @epoch AND h.note IS NOT NULL
            ORDER BY h.size DESC LIMIT 1
            """,
            new { epoch }
        );
}

/// <summary>
/// The tree of one epoch as it lies in the store: full tiles are rows, and what is right of them follows from the roots
/// of full tiles and from the hashes of the last events.
/// </summary>
internal sealed class StoredTree(Reader reader, long epoch)
{
    public ValueTask<byte[]> Root(long size) => With(hashes => MerkleTree.Root(size, hashes));

    public ValueTask<List<byte[]>> Inclusion(long index, long size) =>
        With(hashes => MerkleTree.Inclusion(index, size, hashes));

    public ValueTask<List<byte[]>> Consistency(long first, long second) =>
        With(hashes => MerkleTree.Consistency(first, second, hashes));

    /// <summary>What appending to the tree of this size needs.</summary>
    public async ValueTask<TreeEdge> Edge(long size)
    {
        var tiles = new Dictionary<Tile, List<byte[]>>();
        for (var (level, count) = (0, size); count > 0; level++, count /= Tile.FullWidth)
        {
            if (count % Tile.FullWidth is > 0 and var width)
            {
                var tile = new Tile(level, count / Tile.FullWidth, (int)width);
                tiles[tile] = await Hashes(tile);
            }
        }
        return TreeEdge.Of(size, tile => tiles[tile]);
    }

    /// <summary>The hashes of a tile, or as many as there are of them.</summary>
    public async ValueTask<List<byte[]>> Hashes(Tile tile)
    {
        var (level, n, width) = ((long)tile.Level, tile.N, tile.Width);
        var row = await reader.First<TileRow>(
            "SELECT hashes FROM tiles WHERE epoch = @epoch AND level = @level AND n = @n",
            new
            {
                epoch,
                level,
                n,
            }
        );
        if (row is not null)
            return [.. row.Hashes.Chunk(MerkleTree.HashSize).Take(width)];
        var from = n * Tile.FullWidth;
        if (level == 0)
            return await LeafHashes(from, from + width);
        var roots = await reader.All<RootRow>(
            """
            SELECT root FROM tiles WHERE epoch = @epoch AND level = @below AND n >= @from AND n < @to ORDER BY n
            """,
            new
            {
                epoch,
                below = level - 1,
                from,
                to = from + width,
            }
        );
        return roots.ConvertAll(r => r.Root);
    }

    /// <summary>
    /// The leaves from one index up to, and without, another: ids of events, or texts of the log's own.
    /// </summary>
    public async ValueTask<List<(long? Event, string? Text)>> Leaves(long from, long to)
    {
        var heads = await reader.All<SpanRow>(
            """
            SELECT h.first, h.size, h.leaf, s.events
            FROM tree_heads h LEFT JOIN seals s ON s.n = h.seal
            WHERE h.epoch = @epoch AND h.size > @from ORDER BY h.size LIMIT @most
            """,
            new
            {
                epoch,
                from,
                most = to - from,
            }
        );
        var leaves = new List<(long?, string?)>();
        foreach (var head in heads.TakeWhile(h => h.First < to))
        {
            if (head.Leaf is not null)
            {
                leaves.Add((null, head.Leaf));
                continue;
            }
            var (start, end) = (Math.Max(from, head.First), Math.Min(to, head.Size));
            if (IdRanges.Parse(head.Events ?? "") is { } ids)
                leaves.AddRange(ids.Slice(start - head.First, end - start).Select(id => ((long?)id, (string?)null)));
        }
        return leaves;
    }

    private async ValueTask<List<byte[]>> LeafHashes(long from, long to)
    {
        var leaves = await Leaves(from, to);
        var ids = IdRanges.Of(leaves.Where(l => l.Event is not null).Select(l => l.Event!.Value).Order());
        var hashes = (await Seal.Covered<SealedEvent>(reader, ids, SealedEvent.Columns, e => e.Id)).ToDictionary(
            e => e.Id,
            e => e.Hash
        );
        var found = new List<byte[]>(leaves.Count);
        foreach (var (id, text) in leaves)
        {
            if (text is not null)
                found.Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(text)));
            else if (hashes.TryGetValue(id!.Value, out var hash))
                found.Add(Convert.FromHexString(hash));
            else
                throw new InvalidDataException($"Event {id}, which is in the tree, is gone.");
        }
        return found;
    }

    private ValueTask<T> With<T>(Func<SubtreeHash, T> work) =>
        TileHashes.With(work, async tile => await Hashes(tile), $"the tree of epoch {epoch}");

    private sealed class TileRow
    {
        public required byte[] Hashes { get; init; }
    }

    private sealed class RootRow
    {
        public required byte[] Root { get; init; }
    }

    private sealed class SpanRow
    {
        public long First { get; init; }
        public long Size { get; init; }
        public string? Leaf { get; init; }
        public string? Events { get; init; }
    }
}
