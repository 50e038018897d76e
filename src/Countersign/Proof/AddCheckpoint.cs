using System.Globalization;
using System.Text;

namespace Countersign.Proof;

/// <summary>
/// What a log sends to a witness (<c>c2sp.org/tlog-witness</c>): the size that the witness cosigned last, a consistency
/// proof from there, and the signed checkpoint.
/// </summary>
public sealed record AddCheckpoint(long Old, IReadOnlyList<byte[]> Proof, string Note)
{
    /// <summary>The last part of the address that it is sent to.</summary>
    public const string Path = "add-checkpoint";

    /// <summary>The content type of an answer that says which size the witness cosigned last.</summary>
    public const string SizeType = "text/x.tlog.size";

    private const string First = "old ";
    private const int MaxHashes = 63;

    public static AddCheckpoint? Parse(string body, out string why)
    {
        var end = body.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = end < 0 ? [] : body[..end].Split('\n');
        if (
            lines.Length == 0
            || !lines[0].StartsWith(First, StringComparison.Ordinal)
            || !Checkpoint.TryNumber(lines[0][First.Length..], out var old)
        )
        {
            why = "The body begins with \"old\" and a size, and has an empty line before the checkpoint.";
            return null;
        }
        var proof = new List<byte[]>();
        foreach (var line in lines[1..])
        {
            if (!StrictBase64.TryDecode(line, MerkleTree.HashSize, out var hash) || proof.Count == MaxHashes)
            {
                why = $"The proof has a line that is not a hash in base64, or more than {MaxHashes} lines.";
                return null;
            }
            proof.Add(hash);
        }
        why = "";
        return new AddCheckpoint(old, proof, body[(end + 2)..]);
    }

    /// <summary>The size that the witness cosigned last, as it answers; null where the answer is not one.</summary>
    public static long? SizeIn(string answer) =>
        answer.EndsWith('\n') && Checkpoint.TryNumber(answer[..^1], out var size) ? size : null;

    public override string ToString()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{First}{Old}\n");
        foreach (var hash in Proof)
            text.Append(Convert.ToBase64String(hash)).Append('\n');
        return text.Append('\n').Append(Note).ToString();
    }
}
