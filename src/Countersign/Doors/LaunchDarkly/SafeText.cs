using System.Buffers;
using System.Text;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>Text from outside, made fit to keep and to show. What was sent stays as it was in the body.</summary>
internal static class SafeText
{
    private const char Unreadable = '\uFFFD';
    private static readonly SearchValues<char> Controls = SearchValues.Create([
        .. Enumerable.Range(0, 256).Select(c => (char)c).Where(char.IsControl),
    ]);

    /// <summary>Without NUL, which PostgreSQL keeps in no text.</summary>
    public static string Text(string text) => text.Replace('\0', Unreadable);

    /// <summary>One line of at most this number of characters.</summary>
    public static string Line(string text, int longest)
    {
        var end =
            text.Length <= longest ? text.Length
            : char.IsHighSurrogate(text[longest - 2]) ? longest - 2
            : longest - 1;
        if (end == text.Length && !text.ContainsAny(Controls))
            return text;
        var line = new StringBuilder(end + 1);
        foreach (var c in text.AsSpan(0, end))
        {
            line.Append(
                c == '\0' ? Unreadable
                : char.IsControl(c) || c is '\u2028' or '\u2029' ? ' '
                : c
            );
        }
        return end == text.Length ? line.ToString() : line.Append('…').ToString();
    }
}
