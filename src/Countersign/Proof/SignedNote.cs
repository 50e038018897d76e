using System.Buffers.Binary;

namespace Countersign.Proof;

/// <param name="Bytes">Behind the key's ID.</param>
public sealed record NoteSignature(string Name, uint KeyId, byte[] Bytes)
{
    /// <summary>The line under a note, with its line feed.</summary>
    public override string ToString()
    {
        var id = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(id, KeyId);
        return $"{SignedNote.Dash} {Name} {Convert.ToBase64String([.. id, .. Bytes])}\n";
    }
}

/// <summary>
/// A text with signatures under it (<c>c2sp.org/signed-note</c>). The text ends with a line feed, at the last empty
/// line.
/// </summary>
public sealed class SignedNote
{
    /// <summary>U+2014, which begins each signature line.</summary>
    internal const char Dash = '\u2014';

    private const int MaxSignatures = 100;

    private SignedNote(string text, IReadOnlyList<NoteSignature> signatures) => (Text, Signatures) = (text, signatures);

    public string Text { get; }
    public IReadOnlyList<NoteSignature> Signatures { get; }

    public static SignedNote? Parse(string note, out string why)
    {
        why = Damage(note);
        if (why.Length > 0)
            return null;
        var end = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || !note.EndsWith('\n'))
        {
            why = "A note ends with an empty line, signature lines and a line feed.";
            return null;
        }
        var signatures = new List<NoteSignature>();
        var lines = note[(end + 2)..];
        if (lines.Length == 0)
        {
            why = "The note has no signature.";
            return null;
        }
        foreach (var line in lines[..^1].Split('\n'))
        {
            var parts = line.Split(' ');
            if (
                parts is not ["\u2014", var name, var text]
                || !NoteKey.IsName(name)
                || !StrictBase64.TryDecode(text, out var bytes)
                || bytes.Length <= sizeof(uint)
            )
            {
                why =
                    line.Length > 0 && line[0] is '-' or '\u2013'
                        ? "A signature line begins with another dash than U+2014: the note was changed by an editor."
                        : "A signature line is not valid.";
                return null;
            }
            signatures.Add(new NoteSignature(name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[sizeof(uint)..]));
        }
        if (signatures.Count > MaxSignatures)
        {
            why = $"The note has more than {MaxSignatures} signatures.";
            return null;
        }
        return new SignedNote(note[..(end + 1)], signatures);
    }

    /// <summary>
    /// Whether a key signed it: null where it did not. Name and ID must both be the key's, and a wrong signature of a
    /// known key spoils the note.
    /// </summary>
    /// <param name="times">Of each of its good signatures, in seconds since 1970; 0 where the type has no time.</param>
    public bool? IsSignedBy(NoteKey key, out IReadOnlyList<ulong> times)
    {
        var found = new List<ulong>();
        times = found;
        foreach (var signature in Signatures)
        {
            if (signature.Name != key.Name || signature.KeyId != key.Id)
                continue;
            if (!key.IsSignatureOf(Text, signature.Bytes, out var time))
                return false;
            found.Add(time);
        }
        return found.Count > 0 ? true : null;
    }

    /// <summary>What mail and editors do to texts is named, because it is the usual cause.</summary>
    private static string Damage(string note) =>
        note.StartsWith('\uFEFF') ? "The note begins with a byte order mark: it was changed by an editor."
        : note.Contains('\r', StringComparison.Ordinal)
            ? "The note has carriage returns: its line ends were changed by mail or an editor."
        : note.Any(c => c < ' ' && c != '\n') || !NoteKey.IsUtf8(note)
            ? "The note has characters that notes don't have."
        : "";
}
