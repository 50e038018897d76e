using System.Numerics;

namespace Countersign.Proof;

/// <summary>
/// The right edge of a growing tree: the hashes that no full tile holds yet. It is all that appending needs, at most
/// 255 hashes of each level.
/// </summary>
public sealed class TreeEdge
{
    private readonly List<List<byte[]>> _levels = [];

    public long Size { get; private set; }

    /// <summary>Continues a tree of this size.</summary>
    /// <param name="tile">The hashes of a tile that is not full, from their store.</param>
    public static TreeEdge Of(long size, Func<Tile, IReadOnlyList<byte[]>> tile)
    {
        var edge = new TreeEdge { Size = size };
        for (var (level, count) = (0, size); count > 0; level++, count /= Tile.FullWidth)
        {
            var width = (int)(count % Tile.FullWidth);
            var hashes = width == 0 ? [] : tile(new Tile(level, count / Tile.FullWidth, width));
            edge._levels.Add(
                hashes.Count == width ? [.. hashes] : throw new InvalidDataException("A tile has too few hashes.")
            );
        }
        return edge;
    }

    /// <summary>Adds a leaf, and returns the tiles that it filled, each with the root of its hashes.</summary>
    public IReadOnlyList<(Tile Tile, byte[] Hashes, byte[] Root)> Append(byte[] leafHash)
    {
        List<(Tile, byte[], byte[])>? full = null;
        var hash = leafHash;
        Size++;
        for (var (level, count) = (0, Size); ; level++)
        {
            if (_levels.Count == level)
                _levels.Add([]);
            var hashes = _levels[level];
            hashes.Add(hash);
            if (hashes.Count < Tile.FullWidth)
                return full ?? [];
            count /= Tile.FullWidth;
            hash = MerkleTree.Root(Tile.FullWidth, (l, n) => Within(hashes, l, n));
            (full ??= []).Add((new Tile(level, count - 1), [.. hashes.SelectMany(h => h)], hash));
            hashes.Clear();
        }
    }

    public byte[] Root()
    {
        byte[]? root = null;
        foreach (var hashes in _levels)
        {
            // A level's rest splits into complete subtrees, larger ones first.
            for (var (rest, end) = (hashes.Count, hashes.Count); rest > 0; )
            {
                var level = BitOperations.TrailingZeroCount(rest);
                var width = 1 << level;
                var subtree = Within(hashes, level, (end - width) >> level);
                root = root is null ? subtree : MerkleTree.NodeHash(subtree, root);
                (rest, end) = (rest - width, end - width);
            }
        }
        return root ?? MerkleTree.EmptyRoot;
    }

    /// <summary>A hash within a tile, from the tile's lowest hashes.</summary>
    internal static byte[] Within(IReadOnlyList<byte[]> hashes, int level, long n) =>
        level == 0
            ? hashes[(int)n]
            : MerkleTree.NodeHash(Within(hashes, level - 1, 2 * n), Within(hashes, level - 1, (2 * n) + 1));
}
