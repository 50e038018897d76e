namespace Countersign.Proof;

/// <summary>Hashes of a tree out of its tiles, which have to be fetched.</summary>
public static class TileHashes
{
    /// <summary>
    /// Runs it twice: once to learn which hashes it needs, and again with them, since fetching takes time.
    /// </summary>
    /// <param name="tiles">At least as many hashes of a tile as its width says; null where there are none.</param>
    /// <param name="log">Named when hashes are missing.</param>
    public static async ValueTask<T> With<T>(
        Func<SubtreeHash, T> work,
        Func<Tile, ValueTask<List<byte[]>?>> tiles,
        string log
    )
    {
        var needed = new List<(int Level, long N)>();
        work(
            (level, n) =>
            {
                needed.Add((level, n));
                return MerkleTree.EmptyRoot;
            }
        );
        var fetched = new Dictionary<(int Level, long N), List<byte[]>>();
        foreach (var group in needed.GroupBy(node => TileOf(node.Level, node.N)))
        {
            var width = group.Max(node => PlaceOf(node.Level, node.N) + WidthOf(node.Level));
            fetched[group.Key] =
                await tiles(new Tile(group.Key.Level, group.Key.N, width)) is { } hashes && hashes.Count >= width
                    ? hashes
                    : throw new InvalidDataException($"Hashes of {log} are missing.");
        }
        return work(
            (level, n) =>
            {
                var within = level % Tile.Height;
                return TreeEdge.Within(fetched[TileOf(level, n)], within, PlaceOf(level, n) >> within);
            }
        );
    }

    private static (int Level, long N) TileOf(int level, long n) =>
        (level / Tile.Height, n << (level % Tile.Height) >> Tile.Height);

    /// <summary>Where in its tile a subtree's first hash stands.</summary>
    private static int PlaceOf(int level, long n) => (int)((n << (level % Tile.Height)) % Tile.FullWidth);

    private static int WidthOf(int level) => 1 << (level % Tile.Height);
}
