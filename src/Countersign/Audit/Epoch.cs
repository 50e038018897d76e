using System.Globalization;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>Why a tree began, in the words of its first leaf.</summary>
public static class EpochReason
{
    public const string First = "first",
        KeyRotation = "rotation",
        Restore = "restore",
        Theft = "theft",
        Copy = "copy",
        Other = "other";

    /// <summary>Those that an operator may give.</summary>
    public static readonly IReadOnlyList<string> Given = [Restore, Theft, Copy, Other];
}

/// <summary>
/// One tree of the log, with one origin and one key. An origin never signs two histories: where the history of a store
/// can differ from what was published, another epoch begins, and its first leaf names the last head of the one before.
/// </summary>
public sealed record Epoch
{
    internal const string Columns = "e.number, e.origin, e.vkey, e.started_at, e.reason, e.after_seal, e.signature";

    public long Number { get; init; }

    /// <summary>The name of the log, in each of its checkpoints; also the name of its key.</summary>
    public required string Origin { get; init; }

    /// <summary>The key that verifies its checkpoints.</summary>
    public required string Vkey { get; init; }
    public required string StartedAt { get; init; }
    public required string Reason { get; init; }

    /// <summary>Events up to this seal are not in this tree.</summary>
    public long AfterSeal { get; init; }

    /// <summary>Of the first leaf's text, ECDSA on P-256 with SHA-256, by the key that signs seals.</summary>
    public required string Signature { get; init; }

    /// <summary>Null before the first.</summary>
    internal static ValueTask<Epoch?> Newest(Reader reader) =>
        reader.First<Epoch>($"SELECT {Columns} FROM epochs e ORDER BY e.number DESC LIMIT 1");

    internal static ValueTask<Epoch?> Find(Reader reader, long number) =>
        reader.First<Epoch>($"SELECT {Columns} FROM epochs e WHERE e.number = @number", new { number });
}

/// <summary>
/// The first leaf of an epoch: a text of thirteen lines, none of them about a person, and a line for each cosignature
/// of the last head of the epoch before it. It ties the tree to that epoch and to the seals of the log.
/// </summary>
/// <param name="Previous">The last head of the epoch before it; null for the first tree.</param>
/// <param name="SealKey">The public half of the key that signs seals: SubjectPublicKeyInfo in base64.</param>
public sealed record EpochLeaf(
    long Number,
    string Origin,
    string Vkey,
    string StartedAt,
    string Reason,
    Checkpoint? Previous,
    long Seal,
    string SealHash,
    string SealSignature,
    string SealKey
)
{
    internal const string Label = "countersign-epoch-v1";
    internal const string EndLabel = "countersign-epoch-end-v1";
    private const string Nothing = "-";

    /// <summary>Signature lines of witnesses under <see cref="Previous"/>, without their line feeds.</summary>
    public IReadOnlyList<string> Cosignatures { get; init; } = [];

    public override string ToString() =>
        string.Join(
            '\n',
            Label,
            Number.ToString(CultureInfo.InvariantCulture),
            Origin,
            Vkey,
            StartedAt,
            Reason,
            Previous?.Origin ?? Nothing,
            Previous?.Size.ToString(CultureInfo.InvariantCulture) ?? Nothing,
            Previous is null ? Nothing : Convert.ToBase64String(Previous.Root),
            Seal.ToString(CultureInfo.InvariantCulture),
            OrNothing(SealHash),
            OrNothing(SealSignature),
            SealKey
        ) + string.Concat(Cosignatures.Select(line => $"\n{line}"));

    /// <summary>Null where the text is not one that <see cref="ToString"/> writes.</summary>
    public static EpochLeaf? Parse(string text)
    {
        if (
            text.Split('\n') is not [Label, var number, var origin, var vkey, var at, var reason, .. var rest]
            || rest is not [var before, var size, var root, var seal, var hash, var signature, var key, .. var cosigned]
            || !Checkpoint.TryNumber(number, out var n)
            || !Checkpoint.TryNumber(seal, out var lastSeal)
        )
        {
            return null;
        }
        var previous = before == Nothing ? null : Checkpoint.Parse($"{before}\n{size}\n{root}\n", out _);
        var leaf = new EpochLeaf(
            n,
            origin,
            vkey,
            at,
            reason,
            previous,
            lastSeal,
            hash == Nothing ? "" : hash,
            signature == Nothing ? "" : signature,
            key
        )
        {
            Cosignatures = cosigned,
        };
        return
            leaf.ToString() == text
            && (cosigned.Length == 0 || SignedNote.Parse($"{previous}\n{string.Join('\n', cosigned)}\n", out _) != null)
            ? leaf
            : null;
    }

    /// <summary>The last leaf of an epoch whose end was planned: the key that takes over.</summary>
    internal static string EndOf(long epoch, string nextVkey) =>
        string.Create(CultureInfo.InvariantCulture, $"{EndLabel}\n{epoch}\n{nextVkey}");

    /// <summary>Reads what <see cref="EndOf"/> writes; null where it is not that.</summary>
    internal static (long Epoch, string NextVkey)? ParseEnd(string text) =>
        text.Split('\n') is [EndLabel, var number, var vkey] && Checkpoint.TryNumber(number, out var epoch)
            ? (epoch, vkey)
            : null;

    /// <summary>Whether a text is such a last leaf.</summary>
    internal static bool IsEndOf(long epoch, string text) =>
        text.Split('\n') is [.., var vkey] && text == EndOf(epoch, vkey) && NoteKey.TryParse(vkey, out _, out _);

    private static string OrNothing(string text) => text.Length == 0 ? Nothing : text;
}
