using System.Collections.Frozen;

namespace Countersign.Policies;

/// <summary>
/// The patterns that a file's policies compare one fact with, found by the literal text they begin with: a value looks
/// only at those that begin as it does. A pattern that begins with a wildcard is looked at by every value.
/// </summary>
/// <param name="patterns">Each once, with its number in the file.</param>
internal sealed class PatternIndex(IReadOnlyDictionary<string, int> patterns)
{
    private readonly FrozenDictionary<string, (Wildcard Pattern, int Number)[]>.AlternateLookup<
        ReadOnlySpan<char>
    > _byBeginning = patterns
        .Select(p => (Pattern: new Wildcard(p.Key), Number: p.Value))
        .GroupBy(p => p.Pattern.Beginning)
        .ToFrozenDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal)
        .GetAlternateLookup<ReadOnlySpan<char>>();
    private readonly int[] _lengths =
    [
        .. patterns.Keys.Select(p => new Wildcard(p).Beginning.Length).Distinct().Order(),
    ];

    public IReadOnlyCollection<int> Numbers { get; } = [.. patterns.Values];

    /// <summary>Marks the numbers of those that match.</summary>
    public void Mark(string folded, Span<bool> matched)
    {
        foreach (var length in _lengths)
        {
            if (length > folded.Length)
                return;
            if (!_byBeginning.TryGetValue(folded.AsSpan(0, length), out var some))
                continue;
            foreach (ref readonly var candidate in some.AsSpan())
            {
                if (!matched[candidate.Number])
                    matched[candidate.Number] = candidate.Pattern.Matches(folded);
            }
        }
    }
}
