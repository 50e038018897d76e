using System.Collections.Concurrent;
using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>
/// Environments by a number. A source may name any, so only the first few hundred are counted by name.
/// </summary>
internal sealed class SummaryEnvironments
{
    /// <summary>The request names none.</summary>
    public const long None = 0;

    /// <summary>It names one that came too late to be counted by name.</summary>
    public const long Other = -1;

    internal const int Max = 200;

    /// <summary>Those that are in the store for good.</summary>
    private readonly ConcurrentDictionary<string, long> _known = new(StringComparer.Ordinal);

    /// <param name="made">Those that this transaction made, which may still be undone.</param>
    public async ValueTask<long> IdOf(Tx tx, string name, Dictionary<string, long> made)
    {
        var folded = name.Trim().ToLowerInvariant();
        if (folded.Length == 0)
            return None;
        if (_known.TryGetValue(folded, out var known) || made.TryGetValue(folded, out known))
            return known;
        var key = Hashes.Sha256(folded);
        if (await Find(tx, key) is not 0 and var found)
            return _known[folded] = found;
        if (await tx.Number("SELECT count(*) FROM summary_environments") >= Max)
            return Other;
        await tx.Execute(
            "INSERT INTO summary_environments (key, name) VALUES (@key, @name)",
            new { key, name = name.Trim() }
        );
        return made[folded] = await Find(tx, key);
    }

    private static ValueTask<long> Find(Tx tx, string key) =>
        tx.Number("SELECT id FROM summary_environments WHERE key = @key", new { key });
}
