using System.Globalization;

namespace Countersign.Proof;

/// <summary>
/// The head of a log (<c>c2sp.org/tlog-checkpoint</c>): three lines and nothing else, since signatures of some types
/// don't cover further ones.
/// </summary>
public sealed record Checkpoint(string Origin, long Size, byte[] Root)
{
    public static Checkpoint? Parse(string text, out string why)
    {
        why = "";
        var lines = text.Split('\n');
        if (lines is not [var origin, var size, var root, ""])
        {
            why = "A checkpoint has three lines: origin, size and root hash.";
            return null;
        }
        if (origin.Length == 0)
            why = "The checkpoint names no origin.";
        else if (!TryNumber(size, out var count))
            why = "The checkpoint's size is not a number.";
        else if (!StrictBase64.TryDecode(root, MerkleTree.HashSize, out var hash))
            why = "The checkpoint's root is not a hash in base64.";
        else if (count == 0 && !hash.AsSpan().SequenceEqual(MerkleTree.EmptyRoot))
            why = "The checkpoint's root is not that of an empty tree.";
        else
            return new Checkpoint(origin, count, hash);
        return null;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");

    /// <summary>Decimal as it is written: no sign, no leading zero.</summary>
    internal static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
        && number.ToString(CultureInfo.InvariantCulture) == text;
}
