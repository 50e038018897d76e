using System.Text;

namespace Countersign.Policies;

/// <summary>What changed between two texts, line by line, as people read it: <c>- before</c>, <c>+ after</c>, two lines around.</summary>
public static class Lines
{
    private const int Around = 2;

    /// <summary>Texts that differ in more lines than this are told apart as a whole; nobody reads such a difference.</summary>
    private const int MostEdits = 600;

    public static string Diff(string before, string after)
    {
        var (a, b) = (Split(before), Split(after));
        var start = 0;
        while (start < a.Length && start < b.Length && a[start] == b[start])
            start++;
        var end = 0;
        while (end < a.Length - start && end < b.Length - start && a[^(end + 1)] == b[^(end + 1)])
            end++;
        var edits = Edits(a.AsSpan(start, a.Length - start - end), b.AsSpan(start, b.Length - start - end));
        List<(char Mark, string Line)> all = [.. a.Take(start).Select(l => (' ', l)), .. edits, .. a.Skip(a.Length - end).Select(l => (' ', l))];
        var text = new StringBuilder();
        var gap = false;
        for (var i = 0; i < all.Count; i++)
        {
            var near = false;
            for (var j = Math.Max(0, i - Around); j <= Math.Min(all.Count - 1, i + Around) && !near; j++)
                near = all[j].Mark != ' ';
            if (near)
                text.Append(gap && text.Length > 0 ? "…\n" : "").Append(all[i].Mark).Append(' ').Append(all[i].Line).Append('\n');
            gap = !near;
        }
        return text.ToString();
    }

    private static string[] Split(string text) => text.Length == 0 ? [] : text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');

    /// <summary>The shortest way from one to the other by longest common subsequence.</summary>
    private static List<(char, string)> Edits(ReadOnlySpan<string> a, ReadOnlySpan<string> b)
    {
        if ((long)a.Length * b.Length > (long)MostEdits * MostEdits)
            return [.. a.ToArray().Select(l => ('-', l)), .. b.ToArray().Select(l => ('+', l))];
        var common = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
        {
            for (var j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }
        var edits = new List<(char, string)>(a.Length + b.Length);
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            if (i < a.Length && j < b.Length && a[i] == b[j])
                (edits, i, j) = (Add(edits, ' ', a[i]), i + 1, j + 1);
            else if (i < a.Length && (j == b.Length || common[i + 1, j] >= common[i, j + 1]))
                (edits, i) = (Add(edits, '-', a[i]), i + 1);
            else
                (edits, j) = (Add(edits, '+', b[j]), j + 1);
        }
        return edits;

        static List<(char, string)> Add(List<(char, string)> to, char mark, string line)
        {
            to.Add((mark, line));
            return to;
        }
    }
}
