using System.Buffers;
using Countersign.Pages.Layout;

namespace Countersign.Pages.Request;

/// <summary>Text that people or systems wrote, shown as it was meant and never as markup.</summary>
internal static class MessageText
{
    private static readonly SearchValues<char> EndsAddress = SearchValues.Create(" \t\r\n<>\"'`|\\^{}");

    public static void Write(Html html, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var beginsDiff = BeginningsOfDiffs(lines);
        for (var at = 0; at < lines.Length; )
        {
            if (beginsDiff[at] && DiffLength(lines, at) is var length)
            {
                Diff(html, lines.AsSpan(at, length));
                at += length;
                continue;
            }
            var end = at + 1;
            while (end < lines.Length && !beginsDiff[end])
                end++;
            Prose(html, lines.AsSpan(at, end - at));
            at = end;
        }
    }

    /// <summary>Addresses become links; everything else is text.</summary>
    public static void Links(Html html, ReadOnlySpan<char> text)
    {
        while (true)
        {
            var at = text.IndexOf("http", StringComparison.OrdinalIgnoreCase);
            if (at < 0)
            {
                html.Text(text);
                return;
            }
            var rest = text[at..];
            html.Text(text[..at]);
            if (
                rest.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
                || rest.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
            )
            {
                var length = rest.IndexOfAny(EndsAddress) is >= 0 and var end ? end : rest.Length;
                // What closes the sentence does not belong to the address.
                var address = rest[..length].TrimEnd(".,;:!?)]*");
                html.LinkOut(address.ToString(), address.ToString());
                text = rest[address.Length..];
            }
            else
            {
                html.Text(rest[..4]);
                text = rest[4..];
            }
        }
    }

    private static void Prose(Html html, ReadOnlySpan<string> lines)
    {
        for (var at = 0; at < lines.Length; )
        {
            var isList = IsItem(lines[at]);
            var end = at + 1;
            while (end < lines.Length && IsItem(lines[end]) == isList)
                end++;
            if (isList)
            {
                html.Add($"<ul>");
                foreach (var line in lines[at..end])
                {
                    html.Add($"<li>");
                    Links(html, line.AsSpan().TrimStart()[2..]);
                    html.Add($"</li>");
                }
                html.Add($"</ul>");
            }
            else if (string.Join('\n', lines[at..end]!).Trim('\n') is { Length: > 0 } prose)
            {
                html.Add($"<p>");
                Links(html, prose);
                html.Add($"</p>");
            }
            at = end;
        }
    }

    private static bool IsItem(string line) => line.AsSpan().TrimStart() is ['*' or '-' or '•', ' ', _, ..];

    /// <summary>
    /// At which lines a unified diff may begin: at a hunk, and at each line of the heads right before one.
    /// </summary>
    private static bool[] BeginningsOfDiffs(string[] lines)
    {
        var begins = new bool[lines.Length];
        for (var at = lines.Length - 1; at >= 0; at--)
            begins[at] = IsHunk(lines[at]) || (at + 1 < lines.Length && begins[at + 1] && IsDiffHead(lines[at]));
        return begins;
    }

    /// <summary>How many lines from here on are a unified diff, when one begins here.</summary>
    private static int DiffLength(string[] lines, int from)
    {
        var at = from;
        while (
            at < lines.Length
            && (
                IsHunk(lines[at])
                || IsDiffHead(lines[at])
                || lines[at] is ['+' or '-' or ' ' or '\\', ..]
                || (lines[at].Length == 0 && Continues(lines, at))
            )
        )
        {
            at++;
        }
        return at - from;
    }

    /// <summary>Many programs trim an empty line of a diff to nothing.</summary>
    private static bool Continues(string[] lines, int empty) =>
        empty + 1 < lines.Length
        && (lines[empty + 1] is ['+' or '-' or ' ', ..] || IsHunk(lines[empty + 1]) || IsDiffHead(lines[empty + 1]));

    private static bool IsHunk(string line) =>
        line.StartsWith("@@ -", StringComparison.Ordinal) && line.AsSpan(4).Contains("@@", StringComparison.Ordinal);

    private static bool IsDiffHead(string line) =>
        line.StartsWith("--- ", StringComparison.Ordinal)
        || line.StartsWith("+++ ", StringComparison.Ordinal)
        || line.StartsWith("diff ", StringComparison.Ordinal)
        || line.StartsWith("index ", StringComparison.Ordinal);

    private static void Diff(Html html, ReadOnlySpan<string> lines)
    {
        html.Add($"<pre class=\"diff\" tabindex=\"0\">");
        foreach (var line in lines)
        {
            Line(
                html,
                IsDiffHead(line) ? "file"
                    : IsHunk(line) ? "hunk"
                    : line is ['+', ..] ? "add"
                    : line is ['-', ..] ? "del"
                    : null,
                line
            );
        }
        html.Add($"</pre>");
    }

    /// <summary>One line of a diff; what is added or gone is marked up as that, not only coloured.</summary>
    public static void Line(Html html, string? kind, string line)
    {
        switch (kind)
        {
            case "add":
                html.Add($"<ins>{line}\n</ins>");
                break;
            case "del":
                html.Add($"<del>{line}\n</del>");
                break;
            case null:
                html.Add($"<span>{line}\n</span>");
                break;
            default:
                html.Add($"<span class=\"{kind}\">{line}\n</span>");
                break;
        }
    }
}
