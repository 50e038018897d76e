using Countersign.Policies;

namespace Countersign.Pages.Request;

/// <summary>A line of two texts that are shown beside each other; null: that side has no line here.</summary>
/// <param name="Skipped">More than 0: this many lines are the same and not shown.</param>
public sealed record ComparedLine(string? Before, string? After, bool IsSame, int Skipped = 0);

/// <summary>Two texts as rows in which what changed stands beside each other.</summary>
public static class SideBySide
{
    /// <summary>Lines that are shown around a change.</summary>
    private const int Context = 3;

    public static IReadOnlyList<ComparedLine> Of(string before, string after)
    {
        var rows = new List<ComparedLine>();
        var (gone, come) = (new Queue<string>(), new Queue<string>());
        foreach (var (mark, text) in TextDiff.Lines(before, after))
        {
            switch (mark)
            {
                case '-':
                    gone.Enqueue(text);
                    break;
                case '+':
                    come.Enqueue(text);
                    break;
                default:
                    Pair();
                    rows.Add(new ComparedLine(text, text, IsSame: true));
                    break;
            }
        }
        Pair();
        return WithoutLongStretches(rows);

        void Pair()
        {
            while (gone.Count > 0 || come.Count > 0)
            {
                gone.TryDequeue(out var old);
                come.TryDequeue(out var current);
                rows.Add(new ComparedLine(old, current, IsSame: false));
            }
        }
    }

    private static List<ComparedLine> WithoutLongStretches(List<ComparedLine> rows)
    {
        var shown = new List<ComparedLine>(rows.Count);
        for (var at = 0; at < rows.Count; )
        {
            var end = at;
            while (end < rows.Count && rows[end].IsSame)
                end++;
            var (first, last) = (at == 0 ? at : at + Context, end == rows.Count ? end : end - Context);
            if (last - first > 1)
            {
                shown.AddRange(rows[at..first]);
                shown.Add(new ComparedLine(null, null, IsSame: true, last - first));
                shown.AddRange(rows[last..end]);
            }
            else
            {
                shown.AddRange(rows[at..end]);
            }
            if (end < rows.Count)
                shown.Add(rows[end]);
            at = end + 1;
        }
        return shown;
    }
}
