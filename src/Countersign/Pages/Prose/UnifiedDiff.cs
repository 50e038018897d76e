namespace Countersign.Pages.Prose;

/// <summary>Finds unified diffs in a text, and says what each of their lines is.</summary>
public static class UnifiedDiff
{
    public static bool IsOne(string[] lines) => Beginnings(lines)[0] && Length(lines, 0) == lines.Length;

    /// <summary>
    /// At which lines a diff may begin: at a hunk, and at each line of the heads right before one. Not in fenced code,
    /// which is shown as a whole.
    /// </summary>
    public static bool[] Beginnings(string[] lines)
    {
        var begins = new bool[lines.Length];
        for (var at = lines.Length - 1; at >= 0; at--)
            begins[at] = IsHunk(lines[at]) || (at + 1 < lines.Length && begins[at + 1] && IsHead(lines[at]));
        var isFenced = false;
        for (var at = 0; at < lines.Length; at++)
        {
            if (lines[at].AsSpan().TrimStart(' ') is ['`', '`', '`', ..] or ['~', '~', '~', ..])
                isFenced = !isFenced;
            begins[at] &= !isFenced;
        }
        return begins;
    }

    /// <summary>How many lines from here on are a diff, when one begins here.</summary>
    public static int Length(string[] lines, int from)
    {
        var at = from;
        while (
            at < lines.Length
            && (
                IsHunk(lines[at])
                || IsHead(lines[at])
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
        && (lines[empty + 1] is ['+' or '-' or ' ', ..] || IsHunk(lines[empty + 1]) || IsHead(lines[empty + 1]));

    public static bool IsHunk(string line) =>
        line.StartsWith("@@ -", StringComparison.Ordinal) && line.AsSpan(4).Contains("@@", StringComparison.Ordinal);

    public static bool IsHead(string line) =>
        line.StartsWith("--- ", StringComparison.Ordinal)
        || line.StartsWith("+++ ", StringComparison.Ordinal)
        || line.StartsWith("diff ", StringComparison.Ordinal)
        || line.StartsWith("index ", StringComparison.Ordinal);
}
