using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Proof;
using Xunit;

namespace Countersign.Tests.Proof;

public sealed class MerkleTreeTests
{
    [Fact]
    public void Trap_1_leaves_and_nodes_are_hashed_with_their_own_prefix()
    {
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Hex(MerkleTree.EmptyRoot));
        Assert.Equal("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", Hex(MerkleTree.LeafHash([])));
        Assert.Equal(
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56",
            Hex(MerkleTree.LeafHash("L123456"u8))
        );
        Assert.Equal(Hex(SHA256.HashData([1, .. "N123"u8, .. "N456"u8])), Hex(SHA256.HashData([1, .. "N123N456"u8])));
        Assert.StartsWith("aa217fe8", Hex(SHA256.HashData([1, .. "N123N456"u8])), StringComparison.Ordinal);
        var (left, right) = (MerkleTree.LeafHash("a"u8), MerkleTree.LeafHash("b"u8));
        Assert.Equal(Hex(SHA256.HashData([1, .. left, .. right])), Hex(MerkleTree.NodeHash(left, right)));
    }

    [Fact]
    public void Trap_2_a_tree_of_any_size_has_the_root_that_its_definition_gives()
    {
        var leaves = Leaves(1_030);
        var edge = new TreeEdge();
        for (var size = 1; size <= leaves.Count; size++)
        {
            foreach (var _ in edge.Append(leaves[size - 1])) { }
            var expected = Definition(leaves[..size]);
            Assert.Equal(Hex(expected), Hex(edge.Root()));
            Assert.Equal(Hex(expected), Hex(MerkleTree.Root(size, Of(leaves))));
        }
    }

    [Fact]
    public void Trap_4_every_leaf_of_every_small_tree_is_shown_by_a_proof_of_exactly_its_length()
    {
        var leaves = Leaves(70);
        for (var size = 1; size <= leaves.Count; size++)
        {
            var root = MerkleTree.Root(size, Of(leaves));
            for (var i = 0; i < size; i++)
            {
                var path = MerkleTree.Inclusion(i, size, Of(leaves));
                Assert.True(MerkleTree.IsIncluded((ulong)i, (ulong)size, leaves[i], path, root));
                Assert.False(MerkleTree.IsIncluded((ulong)i, (ulong)size, leaves[(i + 1) % 70], path, root));
                Assert.False(MerkleTree.IsIncluded((ulong)i, (ulong)size, leaves[i], [.. path, root], root));
                if (path.Count > 0)
                    Assert.False(MerkleTree.IsIncluded((ulong)i, (ulong)size, leaves[i], path[..^1], root));
            }
        }
    }

    [Fact]
    public void Every_two_sizes_of_a_tree_are_consistent()
    {
        var leaves = Leaves(70);
        for (var second = 1; second <= leaves.Count; second++)
        {
            for (var first = 1; first <= second; first++)
            {
                var (old, grown) = (MerkleTree.Root(first, Of(leaves)), MerkleTree.Root(second, Of(leaves)));
                var path = MerkleTree.Consistency(first, second, Of(leaves));
                Assert.True(MerkleTree.IsConsistent((ulong)first, (ulong)second, path, old, grown));
                if (first < second)
                    Assert.False(MerkleTree.IsConsistent((ulong)first, (ulong)second, path, grown, old));
            }
        }
    }

    [Fact]
    public void Trap_3_an_empty_path_shows_nothing_in_a_tree_of_several_leaves()
    {
        var leaf = MerkleTree.LeafHash("a"u8);
        Assert.False(MerkleTree.IsIncluded(0, 7, leaf, [], leaf));
        Assert.False(MerkleTree.IsIncluded(6, 7, leaf, [], leaf));
        Assert.True(MerkleTree.IsIncluded(0, 1, leaf, [], leaf));
    }

    [Fact]
    public void Trap_5_nothing_is_consistent_with_the_empty_tree_and_equal_sizes_need_no_hashes()
    {
        var root = MerkleTree.LeafHash("a"u8);
        Assert.False(MerkleTree.IsConsistent(0, 1, [], MerkleTree.EmptyRoot, root));
        Assert.False(MerkleTree.IsConsistent(0, 0, [], MerkleTree.EmptyRoot, MerkleTree.EmptyRoot));
        Assert.True(MerkleTree.IsConsistent(1, 1, [], root, root));
        Assert.False(MerkleTree.IsConsistent(1, 1, [root], root, root));
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.Consistency(0, 1, (_, _) => root));
    }

    [Fact]
    public void The_published_inclusion_proofs_verify_or_fail_as_they_say()
    {
        var files = Files("inclusion");
        Assert.Equal(98, files.Count);
        foreach (var file in files)
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            var v = json.RootElement;
            Assert.True(
                v.GetProperty("wantErr").GetBoolean()
                    != MerkleTree.IsIncluded(
                        v.GetProperty("leafIdx").GetUInt64(),
                        v.GetProperty("treeSize").GetUInt64(),
                        Bytes(v, "leafHash"),
                        Path(v),
                        Bytes(v, "root")
                    ),
                file
            );
        }
    }

    [Fact]
    public void The_published_consistency_proofs_verify_or_fail_as_they_say()
    {
        var files = Files("consistency");
        Assert.Equal(98, files.Count);
        foreach (var file in files)
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            var v = json.RootElement;
            Assert.True(
                v.GetProperty("wantErr").GetBoolean()
                    != MerkleTree.IsConsistent(
                        v.GetProperty("size1").GetUInt64(),
                        v.GetProperty("size2").GetUInt64(),
                        Path(v),
                        Bytes(v, "root1"),
                        Bytes(v, "root2")
                    ),
                file
            );
        }
    }

    [Theory]
    [InlineData(255, 255)]
    [InlineData(256, 0)]
    [InlineData(257, 1)]
    [InlineData(65_535, 255)]
    [InlineData(65_536, 0)]
    [InlineData(65_537, 1)]
    public void Trap_22_only_full_tiles_are_given_out_and_a_tree_goes_on_from_them(int size, int rest)
    {
        var leaves = Leaves(size + 300);
        var tiles = new Dictionary<(int, long), byte[]>();
        var edge = new TreeEdge();
        foreach (var leaf in leaves[..size])
        {
            foreach (var (tile, hashes, _) in edge.Append(leaf))
            {
                Assert.Equal(Tile.FullWidth * MerkleTree.HashSize, hashes.Length);
                Assert.True(tiles.TryAdd((tile.Level, tile.N), hashes));
            }
        }
        Assert.Equal(size / 256 + size / 65_536, tiles.Count);
        Assert.Equal(rest, size % 256);

        // As a program that starts anew finds it: full tiles, and the leaves behind the last of them.
        var again = TreeEdge.Of(
            size,
            tile =>
                tile.Level == 0
                    ? leaves[(int)(tile.N * 256)..size]
                    :
                    [
                        .. Enumerable
                            .Range(0, tile.Width)
                            .Select(i => RootOf(tiles[(tile.Level - 1, tile.N * 256 + i)])),
                    ]
        );
        Assert.Equal(Hex(edge.Root()), Hex(again.Root()));
        foreach (var leaf in leaves[size..])
        {
            Assert.Equal(edge.Append(leaf).Select(t => t.Tile), again.Append(leaf).Select(t => t.Tile));
            Assert.Equal(Hex(edge.Root()), Hex(again.Root()));
        }
    }

    private static byte[] RootOf(byte[] tile) => MerkleTree.Root(256, Of([.. tile.Chunk(MerkleTree.HashSize)]));

    private static List<byte[]> Leaves(int count) =>
        [.. Enumerable.Range(0, count).Select(i => MerkleTree.LeafHash(Encoding.UTF8.GetBytes($"leaf {i}")))];

    private static SubtreeHash Of(List<byte[]> leaves)
    {
        byte[] Hash(int level, long n) =>
            level == 0 ? leaves[(int)n] : MerkleTree.NodeHash(Hash(level - 1, 2 * n), Hash(level - 1, (2 * n) + 1));
        return Hash;
    }

    /// <summary>MTH of RFC 6962 §2.1, word for word.</summary>
    private static byte[] Definition(List<byte[]> leaves)
    {
        if (leaves.Count == 1)
            return leaves[0];
        var k = 1;
        while (k * 2 < leaves.Count)
            k *= 2;
        return SHA256.HashData([1, .. Definition(leaves[..k]), .. Definition(leaves[k..])]);
    }

    private static List<string> Files(string kind) =>
        [.. Directory.EnumerateFiles(Vectors.Of("merkle", kind), "*.json", SearchOption.AllDirectories)];

    private static byte[] Bytes(JsonElement vector, string name) =>
        vector.GetProperty(name) is { ValueKind: JsonValueKind.String } text ? text.GetBytesFromBase64() : [];

    private static List<byte[]> Path(JsonElement vector) =>
        vector.GetProperty("proof") is { ValueKind: JsonValueKind.Array } hashes
            ? [.. hashes.EnumerateArray().Select(h => h.GetBytesFromBase64())]
            : [];

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
