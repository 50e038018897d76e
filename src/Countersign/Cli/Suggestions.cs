namespace Countersign.Cli;

/// <summary>Which word was probably meant.</summary>
internal static class Suggestions
{
    /// <summary>" Did you mean source?", or nothing where no word is near.</summary>
    public static string For(string typed, IEnumerable<string> words)
    {
        var (nearest, distance) = words
            .Select(word => (word, Distance(typed, word)))
            .DefaultIfEmpty(("", int.MaxValue))
            .MinBy(candidate => candidate.Item2);
        return distance <= Math.Max(1, typed.Length / 3) ? $" Did you mean {nearest}?" : "";
    }

    /// <summary>Letters to add, leave out, replace or swap with their neighbor.</summary>
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 3)
            return int.MaxValue;
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced =
                    rows[i - 1, j - 1] + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                rows[i, j] = Math.Min(replaced, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[a.Length, b.Length];
    }
}
