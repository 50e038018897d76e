using System.Globalization;
using System.Text;

namespace Countersign.Policies;

/// <summary>
/// How texts that people or systems wrote are compared: what looks the same to a reader, or differs in case, width or
/// white space only, is the same. Characters that show nothing are left out, all white space counts as one space and
/// none at the ends, compatibility forms (fullwidth, ligatures, superscripts, the long s) are their plain letters.
/// </summary>
public static class Folding
{
    /// <summary>The text in the form that is compared, ordinally.</summary>
    public static string Fold(string text) => IsPlain(text) ? text.ToLowerInvariant() : Trimmed(Folded(text));

    /// <summary>The same for a piece of a longer text: white space at its ends stays, as one space.</summary>
    public static string FoldPiece(string text) => Folded(text);

    /// <summary>Printable ASCII whose white space is as it shall be: nearly every text.</summary>
    private static bool IsPlain(string text)
    {
        var before = ' ';
        foreach (var c in text)
        {
            if (c is < ' ' or > '~' || (c == ' ' && before == ' '))
                return false;
            before = c;
        }
        return text.Length == 0 || before != ' ';
    }

    private static string Folded(string text)
    {
        // Twice, since lowering a letter may take its mark apart, and a form of compatibility may hide a capital.
        var plain = Lowered(Visible(text).Normalize(NormalizationForm.FormKC));
        return OneSpace(Visible(plain.Normalize(NormalizationForm.FormKC)));
    }

    /// <summary>
    /// Without what shows nothing. A half of a surrogate pair is no character, and nothing that can be normalized.
    /// </summary>
    private static string Visible(string text)
    {
        var visible = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
                continue;
            i += rune.Utf16SequenceLength - 1;
            if (Rune.IsWhiteSpace(rune))
                visible.Append(' ');
            else if (!ShowsNothing(rune))
                visible.Append(rune);
        }
        return visible.ToString();
    }

    private static bool ShowsNothing(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.Control
        // Code points that are no characters, at which normalization throws.
        || (rune.Value & 0xFFFE) == 0xFFFE
        || rune.Value is >= 0xFDD0 and <= 0xFDEF
        // Marks and letters that Unicode calls ignorable by default (joiners, fillers, selectors of a variant), and the
        // empty Braille cell.
        || rune.Value
            is 0x034F
                or 0x115F
                or 0x1160
                or 0x17B4
                or 0x17B5
                or 0x2800
                or (>= 0x180B and <= 0x180F)
                or 0x3164
                or (>= 0xFE00 and <= 0xFE0F)
                or 0xFFA0
                or (>= 0xE0000 and <= 0xE0FFF);

    /// <summary>Also where case is more than a letter for a letter: ß is SS, and the Turkish i's are i's.</summary>
    private static string Lowered(string text) =>
        text.ToUpperInvariant()
            .ToLowerInvariant()
            .Replace("ß", "ss", StringComparison.Ordinal)
            .Replace('İ', 'i')
            .Replace('ı', 'i')
            .Replace('ς', 'σ');

    private static string OneSpace(string text)
    {
        if (!text.Contains("  ", StringComparison.Ordinal))
            return text;
        var one = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (c != ' ' || one.Length == 0 || one[^1] != ' ')
                one.Append(c);
        }
        return one.ToString();
    }

    private static string Trimmed(string text) => text.Trim(' ');
}
