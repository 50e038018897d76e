using System.Text;
using DiffPlex;
using DiffPlex.Chunkers;

namespace Countersign.Policies;

/// <param name="Mark"><c>-</c> before, <c>+</c> after, a space where both are the same.</param>
public readonly record struct DiffLine(char Mark, string Text);

/// <summary>What changed between two texts, line by line, as people read it.</summary>
public static class TextDiff
{
    /// <summary>Lines shown before and after each change.</summary>
    private const int Context = 2;

    /// <summary>A longer stretch is shown as replaced: comparing takes the square of its lines.</summary>
    private const int MaxCompared = 600;

    public static List<DiffLine> Lines(string before, string after)
    {
        var (a, b) = (Split(before), Split(after));
        var start = a.AsSpan().CommonPrefixLength(b);
        var end = 0;
        while (end < Math.Min(a.Length, b.Length) - start && a[^(end + 1)] == b[^(end + 1)])
            end++;
        var lines = Marked(' ', a[..start]).ToList();
        AddChanged(lines, a[start..^end], b[start..^end]);
        lines.AddRange(Marked(' ', a[^end..]));
        return lines;
    }

    /// <summary>Only what changed and a little around it, with each line's mark before it.</summary>
    public static string Excerpt(string before, string after)
    {
        var lines = Lines(before.TrimEnd('\n'), after.TrimEnd('\n'));
        var text = new StringBuilder();
        var shown = 0;
        for (var i = 0; i < lines.Count; i++)
        {
            if (!lines.Take(i + Context + 1).Skip(i - Context).Any(line => line.Mark != ' '))
                continue;
            if (shown < i && shown > 0)
                text.Append("…\n");
            text.Append(lines[i].Mark).Append(' ').Append(lines[i].Text).Append('\n');
            shown = i + 1;
        }
        return text.ToString();
    }

    private static string[] Split(string text) => text.Length == 0 ? [] : text.ReplaceLineEndings("\n").Split('\n');

    private static IEnumerable<DiffLine> Marked(char mark, IEnumerable<string> lines) =>
        lines.Select(line => new DiffLine(mark, line));

    private static void AddChanged(List<DiffLine> lines, string[] before, string[] after)
    {
        var at = 0;
        if (before.Length > 0 && after.Length > 0 && (long)before.Length * after.Length <= MaxCompared * MaxCompared)
        {
            var (old, current) = (string.Join('\n', before), string.Join('\n', after));
            var diff = Differ.Instance.CreateDiffs(
                old,
                current,
                ignoreWhiteSpace: false,
                ignoreCase: false,
                LineChunker.Instance
            );
            foreach (var block in diff.DiffBlocks)
            {
                lines.AddRange(Marked(' ', before[at..block.DeleteStartA]));
                at = block.DeleteStartA + block.DeleteCountA;
                lines.AddRange(Marked('-', before[block.DeleteStartA..at]));
                lines.AddRange(Marked('+', after[block.InsertStartB..(block.InsertStartB + block.InsertCountB)]));
            }
            lines.AddRange(Marked(' ', before[at..]));
        }
        else
        {
            lines.AddRange(Marked('-', before));
            lines.AddRange(Marked('+', after));
        }
    }
}
