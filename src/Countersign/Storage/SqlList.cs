namespace Countersign.Storage;

/// <summary>
/// Values as the list of an IN. Long lists come in a few lengths only: each length is a statement of its own, and
/// prepared ones are kept.
/// </summary>
internal static class SqlList
{
    private const int Long = 32;
    private const int Short = 4;

    /// <summary>A short list as it is, in one statement.</summary>
    public static (string List, Dictionary<string, object?> Arguments) Whole<TValue>(IEnumerable<TValue> values)
    {
        var arguments = values
            .Select((value, i) => (Name: $"i{i}", Value: (object?)value))
            .ToDictionary(a => a.Name, a => a.Value);
        return (string.Join(", ", arguments.Keys.Select(name => "@" + name)), arguments);
    }

    /// <summary>A list of any length, in as many statements as it takes.</summary>
    public static IEnumerable<(string List, Dictionary<string, object?> Arguments)> Of<TValue>(
        IEnumerable<TValue> values
    ) =>
        Chunks(values)
            .Select(chunk =>
                (
                    string.Join(", ", chunk.Select((_, i) => $"@a{i}")),
                    chunk.Select((value, i) => (value, i)).ToDictionary(v => $"a{v.i}", object? (v) => v.value)
                )
            );

    /// <summary>The same as the rows of a VALUES.</summary>
    public static IEnumerable<(string List, Dictionary<string, object?> Arguments)> RowsOf(
        IEnumerable<string> values
    ) => Of(values).Select(v => ($"({v.List.Replace(", ", "), (", StringComparison.Ordinal)})", v.Arguments));

    /// <summary>The same of pairs, as the rows of a VALUES.</summary>
    public static IEnumerable<(string List, Dictionary<string, object?> Arguments)> OfPairs(
        IEnumerable<(string A, string B)> values
    )
    {
        foreach (var chunk in Chunks(values))
        {
            var arguments = new Dictionary<string, object?>(2 * chunk.Length);
            for (var i = 0; i < chunk.Length; i++)
                (arguments[$"a{i}"], arguments[$"b{i}"]) = chunk[i];
            yield return (string.Join(", ", chunk.Select((_, i) => $"(@a{i}, @b{i})")), arguments);
        }
    }

    /// <summary>The last value of a chunk stands for those that are missing.</summary>
    private static IEnumerable<TValue[]> Chunks<TValue>(IEnumerable<TValue> values) =>
        values
            .Distinct()
            .Chunk(Long)
            .Select(chunk =>
            {
                var length =
                    chunk.Length > Short ? Long
                    : chunk.Length > 1 ? Short
                    : 1;
                return Enumerable.Range(0, length).Select(i => chunk[Math.Min(i, chunk.Length - 1)]).ToArray();
            });
}
