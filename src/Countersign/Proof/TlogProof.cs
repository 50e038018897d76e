using System.Globalization;
using System.Text;

namespace Countersign.Proof;

/// <summary>
/// One file that shows a leaf in a signed tree (<c>c2sp.org/tlog-proof</c>): index, hashes and the checkpoint with all
/// its signatures.
/// </summary>
/// <param name="Hashes">The leaf's sibling first.</param>
/// <param name="Note">The checkpoint and its signatures, as they were published.</param>
public sealed record TlogProof(long Index, IReadOnlyList<byte[]> Hashes, string Note)
{
    internal const string Header = "c2sp.org/tlog-proof@v1";
    private const int MaxHashes = 63;

    /// <summary>What its maker added. Nothing authenticates it but what the reader does with it.</summary>
    public byte[]? Extra { get; init; }

    public static TlogProof? Parse(string text, out string why)
    {
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = end < 0 ? [] : text[..end].Split('\n');
        if (lines.Length < 2 || lines[0] != Header)
        {
            why = $"A proof begins with \"{Header}\".";
            return null;
        }
        var next = 1;
        byte[]? extra = null;
        if (lines[next].StartsWith("extra ", StringComparison.Ordinal))
        {
            if (!StrictBase64.TryDecode(lines[next]["extra ".Length..], out extra) || ++next == lines.Length)
            {
                why = "The proof's line \"extra\" is not valid.";
                return null;
            }
        }
        if (
            !lines[next].StartsWith("index ", StringComparison.Ordinal)
            || !Checkpoint.TryNumber(lines[next]["index ".Length..], out var index)
        )
        {
            why = "The proof's line \"index\" is missing or not a number.";
            return null;
        }
        var hashes = new List<byte[]>();
        foreach (var line in lines[(next + 1)..])
        {
            if (!StrictBase64.TryDecode(line, MerkleTree.HashSize, out var hash) || hashes.Count == MaxHashes)
            {
                why = "The proof has a line that is not a hash, or too many hashes.";
                return null;
            }
            hashes.Add(hash);
        }
        why = "";
        return new TlogProof(index, hashes, text[(end + 2)..]) { Extra = extra };
    }

    public override string ToString()
    {
        var text = new StringBuilder(Header).Append('\n');
        if (Extra is not null)
            text.Append("extra ").Append(Convert.ToBase64String(Extra)).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"index {Index}\n");
        foreach (var hash in Hashes)
            text.Append(Convert.ToBase64String(hash)).Append('\n');
        return text.Append('\n').Append(Note).ToString();
    }
}
