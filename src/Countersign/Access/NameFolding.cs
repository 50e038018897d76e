using System.Globalization;
using System.Net;
using System.Text;

namespace Countersign.Access;

/// <summary>
/// Brings names and email addresses that other systems wrote to one form, so that a different spelling does not hide who
/// is meant. Only for finding out who may not decide: who signs in is looked up by <see cref="EmailAddress.KeyOf"/>.
/// </summary>
public static class NameFolding
{
    /// <summary>
    /// Entities decoded, compatibility forms composed, case folded, what nobody sees removed, white space single, and no
    /// punctuation at the end.
    /// </summary>
    public static string Name(string text)
    {
        var name = Folded(text);
        while (name.Length > 0 && (char.IsPunctuation(name[^1]) || name[^1] == ' '))
            name = name[..^1];
        return name;
    }

    /// <summary>As a name, and without what follows a plus in front of the at sign.</summary>
    public static string Email(string text)
    {
        var address = Name(text).Replace(" ", "", StringComparison.Ordinal);
        var at = address.LastIndexOf('@');
        var plus = address.IndexOf('+', StringComparison.Ordinal);
        return at > 0 && plus > 0 && plus < at ? string.Concat(address.AsSpan(0, plus), address.AsSpan(at)) : address;
    }

    private static string Folded(string text)
    {
        // Twice, since a system that escapes what was escaped already writes &amp;amp;.
        var decoded = WebUtility.HtmlDecode(WebUtility.HtmlDecode(text));
        var folded = CaseFolded(Composed(decoded));
        var kept = new StringBuilder(folded.Length);
        foreach (var rune in folded.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune))
            {
                if (kept.Length > 0 && kept[^1] != ' ')
                    kept.Append(' ');
            }
            else if (!IsInvisible(rune))
            {
                kept.Append(rune);
            }
        }
        // What was taken away may have kept a letter from its accent.
        return Composed(kept.ToString()).TrimEnd(' ');
    }

    /// <summary>Lone surrogates, which cannot be composed, become U+FFFD first.</summary>
    private static string Composed(string text) =>
        string.Concat(text.EnumerateRunes().Select(r => r.ToString())).Normalize(NormalizationForm.FormKC);

    /// <summary>To capitals and back, because letters such as the final sigma have one capital; the rest has no pair here.</summary>
    private static string CaseFolded(string text) => Composed(text.ToUpperInvariant().ToLowerInvariant()
        .Replace("ẞ", "ss", StringComparison.Ordinal).Replace("ß", "ss", StringComparison.Ordinal)
        .Replace('İ', 'i').Replace('ı', 'i'));

    /// <summary>Format and control characters, variation selectors, joiners and the fillers of the Korean script.</summary>
    private static bool IsInvisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.Control
        || rune.Value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x2800 or 0x3164
            or (>= 0x180B and <= 0x180F) or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0000 and <= 0xE0FFF);
}
