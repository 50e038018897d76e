namespace Countersign.Proof;

/// <summary>How a log that is seen now stands to what was seen of it earlier.</summary>
public abstract record LogComparison
{
    private LogComparison() { }

    public sealed record Same : LogComparison;

    /// <summary>All that was there is there, and more.</summary>
    public sealed record Grown(long By) : LogComparison;

    /// <summary>It is smaller than it was, though what it has is the same: an old copy, or it was cut.</summary>
    public sealed record Behind(long By) : LogComparison;

    /// <summary>It has another origin: another log, or another epoch of this one.</summary>
    public sealed record OtherOrigin : LogComparison;

    /// <summary>Two histories under one origin.</summary>
    public sealed record Inconsistent : LogComparison;

    /// <summary>The tiles don't give the root that their checkpoint names, so they say nothing.</summary>
    public sealed record Unreadable(string Why) : LogComparison;

    /// <param name="tiles">Tiles of the larger of the two, whose size they are cut to.</param>
    public static async ValueTask<LogComparison> Of(
        Checkpoint earlier,
        Checkpoint now,
        Func<Tile, ValueTask<List<byte[]>?>> tiles
    )
    {
        if (earlier.Origin != now.Origin)
            return new OtherOrigin();
        if (earlier.Size == now.Size)
            return earlier.Root.AsSpan().SequenceEqual(now.Root) ? new Same() : new Inconsistent();
        var (small, large) = earlier.Size < now.Size ? (earlier, now) : (now, earlier);
        if (small.Size > 0)
        {
            var fetched = new Dictionary<(int, long), List<byte[]>?>();
            try
            {
                var (root, path) = await TileHashes.With(
                    hashes =>
                        (MerkleTree.Root(large.Size, hashes), MerkleTree.Consistency(small.Size, large.Size, hashes)),
                    tile => Proven(Cut(tile, large.Size), large.Size, tiles, fetched),
                    large.Origin
                );
                if (!root.AsSpan().SequenceEqual(large.Root))
                    return new Unreadable($"The tiles of {large.Origin} don't have the root of their checkpoint.");
                if (!MerkleTree.IsConsistent((ulong)small.Size, (ulong)large.Size, path, small.Root, large.Root))
                    return new Inconsistent();
            }
            catch (InvalidDataException missing)
            {
                return new Unreadable(missing.Message);
            }
        }
        var by = large.Size - small.Size;
        return earlier.Size < now.Size ? new Grown(by) : new Behind(by);
    }

    /// <summary>
    /// A tile whose root stands in the tile above it, up to those at the right edge, which the log's root proves.
    /// Damage to a tile is then never taken for another history.
    /// </summary>
    private static async ValueTask<List<byte[]>?> Proven(
        Tile tile,
        long size,
        Func<Tile, ValueTask<List<byte[]>?>> tiles,
        Dictionary<(int, long), List<byte[]>?> fetched
    )
    {
        if (fetched.TryGetValue((tile.Level, tile.N), out var known))
            return known;
        var hashes = await tiles(tile);
        if (hashes is not null && tile.Width == Tile.FullWidth)
        {
            if (hashes.Count < Tile.FullWidth)
                return null;
            var above = Cut(new Tile(tile.Level + 1, tile.N / Tile.FullWidth), size);
            var root = MerkleTree.Root(Tile.FullWidth, (level, n) => TreeEdge.Within(hashes, level, n));
            var named = await Proven(above, size, tiles, fetched);
            var place = (int)(tile.N % Tile.FullWidth);
            if (named is null || named.Count <= place || !named[place].AsSpan().SequenceEqual(root))
                throw new InvalidDataException($"The tile {tile.Path} doesn't have the root that its log names.");
        }
        return fetched[(tile.Level, tile.N)] = hashes;
    }

    /// <summary>The one width in which a tree of this size has the tile.</summary>
    private static Tile Cut(Tile tile, long size)
    {
        var hashes = size >> (Tile.Height * tile.Level);
        return tile with { Width = (int)Math.Min(Tile.FullWidth, hashes - (tile.N * Tile.FullWidth)) };
    }
}
