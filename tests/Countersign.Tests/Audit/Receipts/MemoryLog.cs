using System.Security.Cryptography;
using System.Text;
using Countersign.Proof;

namespace Countersign.Tests.Audit.Receipts;

/// <summary>A log in memory, with its key and two witnesses.</summary>
internal sealed class MemoryLog(string origin = MemoryLog.Origin)
{
    public const string Origin = "hub.example.com/1";
    private readonly List<byte[]> _leaves = [];

    public NoteSigner Key { get; } = new(origin, NoteKeyType.Ed25519, Seed(origin));
    public NoteSigner MlDsa { get; } = new(origin, NoteKeyType.MlDsa44, Seed(origin));

    /// <summary>Whether its notes have a second line.</summary>
    public bool HasMlDsa { get; init; }
    public NoteSigner Ann { get; } = Witness("ann.example.org");
    public NoteSigner Ben { get; } = Witness("ben.example.net");
    public long Size => _leaves.Count;

    public string Trust => $"log {Key.Key}\nwitness ann {Ann.Key}\nwitness ben {Ben.Key}\n";

    public static NoteSigner Witness(string name) =>
        new(name, NoteKeyType.Cosignature, SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    private static byte[] Seed(string origin) => SHA256.HashData(Encoding.UTF8.GetBytes(origin));

    public MemoryLog Grow(int leaves)
    {
        for (var i = 0; i < leaves; i++)
            _leaves.Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes($"another event {_leaves.Count}")));
        return this;
    }

    public long Append(string leaf)
    {
        _leaves.Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(leaf)));
        return _leaves.Count - 1;
    }

    public Checkpoint Head(long size) => new(origin, size, MerkleTree.Root(size, Hash));

    public string Note(long size, params (NoteSigner Witness, DateTimeOffset Time)[] cosigned)
    {
        var text = Head(size).ToString();
        return Key.Sign(text)
            + (HasMlDsa ? MlDsa.Line(text) : "")
            + string.Concat(cosigned.Select(c => c.Witness.Line(text, (ulong)c.Time.ToUnixTimeSeconds())));
    }

    public TlogProof Proof(long index, string note) =>
        new(index, MerkleTree.Inclusion(index, SizeOf(note), Hash), note);

    public string Consistency(long first, long second) =>
        string.Concat(MerkleTree.Consistency(first, second, Hash).Select(h => Convert.ToBase64String(h) + "\n"));

    public static long SizeOf(string note) => Checkpoint.Parse(SignedNote.Parse(note, out _)!.Text, out _)!.Size;

    private byte[] Hash(int level, long n) =>
        level == 0 ? _leaves[(int)n] : MerkleTree.NodeHash(Hash(level - 1, 2 * n), Hash(level - 1, (2 * n) + 1));
}
