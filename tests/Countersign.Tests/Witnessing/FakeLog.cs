using System.Text;
using Countersign.Proof;

namespace Countersign.Tests.Witnessing;

/// <summary>A log in memory, whose leaves are numbers.</summary>
internal sealed class FakeLog(NoteSigner signer, string leaf = "leaf")
{
    public NoteSigner Signer => signer;

    public Checkpoint Head(int size) =>
        new(signer.Key.Name, size, size == 0 ? MerkleTree.EmptyRoot : MerkleTree.Root(size, Hashes(size)));

    public string Note(int size) => signer.Sign(Head(size).ToString());

    /// <summary>What it sends to a witness that cosigned the old size last.</summary>
    public AddCheckpoint Ask(int old, int size) =>
        new(old, old == 0 ? [] : MerkleTree.Consistency(old, size, Hashes(size)), Note(size));

    private SubtreeHash Hashes(int size)
    {
        var leaves = Enumerable
            .Range(0, size)
            .Select(i => MerkleTree.LeafHash(Encoding.UTF8.GetBytes($"{leaf} {i}")))
            .ToList();
        return (level, n) => TreeEdge.Within(leaves, level, n);
    }
}
