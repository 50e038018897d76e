using System.Numerics;
using System.Security.Cryptography;

namespace Countersign.Proof;

/// <summary>The hash of the complete subtree that starts at leaf <c>n × 2^level</c> and has <c>2^level</c>
/// leaves.</summary>
public delegate byte[] SubtreeHash(int level, long n);

/// <summary>
/// The Merkle tree of RFC 6962 §2.1 over SHA-256: hashes, proofs, and their verification as RFC 9162 §2.1.3.2 and
/// §2.1.4.2 write it down.
/// </summary>
public static class MerkleTree
{
    public const int HashSize = SHA256.HashSizeInBytes;

    public static byte[] EmptyRoot => SHA256.HashData([]);

    public static byte[] LeafHash(ReadOnlySpan<byte> data)
    {
        var bytes = data.Length < 1024 ? stackalloc byte[data.Length + 1] : new byte[data.Length + 1];
        bytes[0] = 0;
        data.CopyTo(bytes[1..]);
        return SHA256.HashData(bytes);
    }

    public static byte[] NodeHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> bytes = stackalloc byte[1 + (2 * HashSize)];
        bytes[0] = 1;
        left.CopyTo(bytes[1..]);
        right.CopyTo(bytes[(1 + HashSize)..]);
        return SHA256.HashData(bytes);
    }

    public static byte[] Root(long size, SubtreeHash hashes) =>
        size < 0 ? throw new ArgumentOutOfRangeException(nameof(size))
        : size == 0 ? EmptyRoot
        : RangeHash(0, size, hashes);

    /// <summary>Shows that the leaf is in the tree of this size: the leaf's sibling first.</summary>
    public static List<byte[]> Inclusion(long index, long size, SubtreeHash hashes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var path = new List<byte[]>();
        var (low, high) = (0L, size);
        while (high - low > 1)
        {
            var middle = low + SplitOf(high - low);
            if (index < middle)
            {
                path.Add(RangeHash(middle, high, hashes));
                high = middle;
            }
            else
            {
                path.Add(RangeHash(low, middle, hashes));
                low = middle;
            }
        }
        path.Reverse();
        return path;
    }

    /// <summary>Shows that the tree of one size begins with the tree of another.</summary>
    public static List<byte[]> Consistency(long first, long second, SubtreeHash hashes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(second, first);
        var path = new List<byte[]>();
        var (low, high, isWhole) = (0L, second, true);
        while (first != high)
        {
            var middle = low + SplitOf(high - low);
            if (first <= middle)
            {
                path.Add(RangeHash(middle, high, hashes));
                high = middle;
            }
            else
            {
                path.Add(RangeHash(low, middle, hashes));
                (low, isWhole) = (middle, false);
            }
        }
        // The verifier knows the old root, so it is left out where it is a node of the new tree.
        if (!isWhole)
            path.Add(RangeHash(low, high, hashes));
        path.Reverse();
        return path;
    }

    public static bool IsIncluded(
        ulong index,
        ulong size,
        ReadOnlySpan<byte> leafHash,
        IReadOnlyList<byte[]> path,
        ReadOnlySpan<byte> root
    )
    {
        if (index >= size || !AreHashes(path) || leafHash.Length != HashSize)
            return false;
        var (node, last, hash) = (index, size - 1, leafHash.ToArray());
        foreach (var sibling in path)
        {
            if (last == 0)
                return false;
            if ((node & 1) == 1 || node == last)
            {
                hash = NodeHash(sibling, hash);
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                hash = NodeHash(hash, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && root.SequenceEqual(hash);
    }

    /// <summary>Nothing can be shown about the empty tree: a first size of 0 is refused.</summary>
    public static bool IsConsistent(
        ulong first,
        ulong second,
        IReadOnlyList<byte[]> path,
        ReadOnlySpan<byte> firstRoot,
        ReadOnlySpan<byte> secondRoot
    )
    {
        if (first == 0 || first > second || !AreHashes(path))
            return false;
        if (first == second)
            return path.Count == 0 && firstRoot.SequenceEqual(secondRoot);
        if (path.Count == 0 || firstRoot.Length != HashSize)
            return false;
        var (node, last, next) = (first - 1, second - 1, 0);
        while ((node & 1) == 1)
            (node, last) = (node >> 1, last >> 1);
        var old = BitOperations.IsPow2(first) ? firstRoot.ToArray() : path[next++];
        var grown = old;
        for (; next < path.Count; next++)
        {
            if (last == 0)
                return false;
            if ((node & 1) == 1 || node == last)
            {
                (old, grown) = (NodeHash(path[next], old), NodeHash(path[next], grown));
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                grown = NodeHash(grown, path[next]);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && firstRoot.SequenceEqual(old) && secondRoot.SequenceEqual(grown);
    }

    /// <summary>The largest power of two below a size, where the tree of that size splits.</summary>
    private static long SplitOf(long size) => 1L << BitOperations.Log2((ulong)(size - 1));

    private static byte[] RangeHash(long low, long high, SubtreeHash hashes)
    {
        var size = high - low;
        if (BitOperations.IsPow2(size))
        {
            var level = BitOperations.Log2((ulong)size);
            return hashes(level, low >> level);
        }
        var middle = low + SplitOf(size);
        return NodeHash(RangeHash(low, middle, hashes), RangeHash(middle, high, hashes));
    }

    private static bool AreHashes(IReadOnlyList<byte[]> path)
    {
        foreach (var hash in path)
        {
            if (hash.Length != HashSize)
                return false;
        }
        return true;
    }
}
