using System.Globalization;
using System.Text;

namespace Countersign.Audit.Receipts;

/// <summary>
/// Text from a receipt, made fit for a terminal: what can't be seen, or turns the direction of writing, stands as its
/// number, so that nothing looks like something else.
/// </summary>
internal static class Visible
{
    public static string Text(string text)
    {
        StringBuilder? made = null;
        var length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var isHidden =
                Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.Control
                    or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator
                    or UnicodeCategory.PrivateUse
                    or UnicodeCategory.OtherNotAssigned;
            if (isHidden)
                made ??= new StringBuilder(text, 0, length, text.Length + 16);
            length += rune.Utf16SequenceLength;
            if (made is null)
                continue;
            if (isHidden)
                made.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x4}}}");
            else
                made.Append(rune.ToString());
        }
        return made?.ToString() ?? text;
    }
}
