using System.Text;
using Countersign.Proof;

namespace Countersign.Audit;

/// <summary>How the log went on after one of its epochs, as far as someone can tell who has that epoch's key.</summary>
public abstract record Handover
{
    private Handover() { }

    /// <summary>The old log's last leaf names the key that takes over, under the old key's signature.</summary>
    /// <param name="Leaf">The first of the epoch that follows.</param>
    /// <param name="Head">Of that epoch, with the leaf in it.</param>
    public sealed record Announced(EpochLeaf Leaf, NoteKey Key, Checkpoint Head) : Handover;

    /// <summary>
    /// An epoch says that it follows, and nothing that the old key signed says so: after a restore or a theft it can't
    /// be otherwise.
    /// </summary>
    public sealed record NotAnnounced(EpochLeaf Leaf, NoteKey Key, Checkpoint Head) : Handover;

    /// <summary>No epoch says that it follows.</summary>
    public sealed record None : Handover;

    public sealed record Wrong(string Why) : Handover;
}

/// <summary>
/// How the epochs of a log follow each other, for those who have the key of one and no store: a
/// <c>c2sp.org/tlog-proof</c> of each epoch's first leaf and, where its end was planned, of its last one. They stand
/// one after the other in the order of epochs, each with the text of its leaf in <c>extra</c>.
/// </summary>
public sealed class EpochChain
{
    /// <summary>Far more than a log has, and few enough to look through for each step.</summary>
    public const int MaxLeaves = 2000;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<Leaf> _leaves = [];

    private EpochChain() { }

    /// <summary>The origin of the last epoch in it.</summary>
    public string LastOrigin => _leaves[^1].Head.Origin;

    /// <summary>
    /// Reads it, and checks all that can be checked without a key: each leaf is in the tree of its checkpoint, in the
    /// place that it must have.
    /// </summary>
    public static EpochChain? Parse(string text, out string why)
    {
        var chain = new EpochChain();
        why = "The chain of epochs doesn't begin with a proof, or has too many.";
        if (text.Split(TlogProof.Header + "\n") is not ["", .. { Length: > 0 and <= MaxLeaves } proofs])
            return null;
        foreach (var proof in proofs)
        {
            if (Read($"{TlogProof.Header}\n{proof}", out why) is not { } leaf)
            {
                why = $"The chain of epochs: {why}";
                return null;
            }
            chain._leaves.Add(leaf);
        }
        return chain;
    }

    /// <summary>The proof of one leaf, as the chain has it.</summary>
    internal static string Entry(string leaf, long index, IReadOnlyList<byte[]> hashes, string note) =>
        new TlogProof(index, hashes, note) { Extra = Encoding.UTF8.GetBytes(leaf) }.ToString();

    /// <summary>The number of an epoch; null where the chain doesn't have it.</summary>
    public long? NumberOf(string origin) => _leaves.Find(l => l.First?.Origin == origin)?.First!.Number;

    /// <summary>What follows the epoch of a key.</summary>
    public Handover After(NoteKey key)
    {
        var following = _leaves.FindAll(l => l.First?.Previous?.Origin == key.Name);
        if (following is not [{ First: { } leaf } first])
        {
            return following.Count == 0
                ? new Handover.None()
                : new Handover.Wrong($"More than one epoch says that it follows {key.Name}.");
        }
        if (!NoteKey.TryParse(leaf.Vkey, out var next, out var why))
            return new Handover.Wrong(why);
        if (next.Type != NoteKeyType.Ed25519 || next.Name != leaf.Origin || leaf.Origin == key.Name)
            return new Handover.Wrong($"The epoch that follows {key.Name} has no key of its origin.");
        if (first.Note.IsSignedBy(next, out _) != true)
            return new Handover.Wrong($"The checkpoint of {leaf.Origin} isn't signed with its key.");
        var ends = _leaves.FindAll(l => l.End is not null && l.Head.Origin == key.Name);
        if (ends.Count == 0)
            return new Handover.NotAnnounced(leaf, next, first.Head);
        var end = ends[^1];
        return ends.Count > 1 ? new Handover.Wrong($"{key.Name} ends more than once.")
            : end.Note.IsSignedBy(key, out _) != true
                ? new Handover.Wrong($"The last checkpoint of {key.Name} isn't signed with its key.")
            : end.End!.Value.NextVkey != leaf.Vkey || leaf.Reason != EpochReason.KeyRotation
                ? new Handover.Wrong($"{key.Name} announced another epoch than the one that follows.")
            : leaf.Previous!.ToString() != end.Head.ToString() || end.End.Value.Epoch >= leaf.Number
                ? new Handover.Wrong($"{leaf.Origin} follows another head of {key.Name} than its last one.")
            : new Handover.Announced(leaf, next, first.Head);
    }

    /// <summary>
    /// The key of a later epoch, from one that is trusted over changes that the old log announced, each time. Null
    /// where they don't lead there.
    /// </summary>
    /// <param name="why">What is wrong on the way, or null.</param>
    public NoteKey? KeyOf(string origin, NoteKey trusted, out string? why)
    {
        why = null;
        var key = trusted;
        for (var steps = 0; steps <= _leaves.Count && key.Name != origin; steps++)
        {
            switch (After(key))
            {
                case Handover.Announced step:
                    key = step.Key;
                    break;
                case Handover.Wrong wrong:
                    why = wrong.Why;
                    return null;
                default:
                    return null;
            }
        }
        return key.Name == origin ? key : null;
    }

    private static Leaf? Read(string text, out string why)
    {
        if (
            TlogProof.Parse(text, out why) is not { } proof
            || SignedNote.Parse(proof.Note, out why) is not { } note
            || Checkpoint.Parse(note.Text, out why) is not { } head
        )
        {
            return null;
        }
        var (size, index) = ((ulong)head.Size, (ulong)proof.Index);
        var leafText = Text(proof.Extra);
        if (!MerkleTree.IsIncluded(index, size, MerkleTree.LeafHash(proof.Extra ?? []), proof.Hashes, head.Root))
            why = $"A leaf is not in the tree of {head.Origin} that its checkpoint names.";
        else if (EpochLeaf.Parse(leafText) is { } first && first.Origin == head.Origin && index == 0)
            return new Leaf(note, head, first, null);
        else if (EpochLeaf.ParseEnd(leafText) is { } end && index == size - 1)
            return new Leaf(note, head, null, end);
        else
            why = $"A leaf of {head.Origin} is neither its first nor its last.";
        return null;
    }

    private static string Text(byte[]? bytes)
    {
        try
        {
            return Utf8.GetString(bytes ?? []);
        }
        catch (DecoderFallbackException)
        {
            return "";
        }
    }

    private sealed record Leaf(SignedNote Note, Checkpoint Head, EpochLeaf? First, (long Epoch, string NextVkey)? End);
}
