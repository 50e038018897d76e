using System.Collections.Concurrent;
using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>
/// Sets of parties by a number, such as the groups that a request asks. Requests are counted by such a set, so that
/// those which ask several groups of one reader are counted once.
/// </summary>
internal sealed class SummarySets
{
    /// <summary>The audience that counts every request.</summary>
    public const long Everything = 0;

    private const int MaxKnown = 10_000;

    /// <summary>Sets that are in the store for good: they are never changed or deleted.</summary>
    private readonly ConcurrentDictionary<string, long> _known = new(StringComparer.Ordinal);

    /// <param name="made">Those that this transaction made, which may still be undone.</param>
    public async ValueTask<long> IdOf(Tx tx, IEnumerable<string> parties, Dictionary<string, long> made)
    {
        string[] sorted = [.. parties.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var members = string.Join(' ', sorted);
        if (_known.TryGetValue(members, out var known) || made.TryGetValue(members, out known))
            return known;
        if (await Find(tx, members) is not 0 and var found)
        {
            if (_known.Count >= MaxKnown)
                _known.Clear();
            return _known[members] = found;
        }
        await tx.Execute("INSERT INTO summary_sets (members) VALUES (@members)", new { members });
        var id = made[members] = await Find(tx, members);
        foreach (var party in sorted)
        {
            await tx.Execute("INSERT INTO summary_set_members (party, set_id) VALUES (@party, @id)", new { party, id });
        }
        return id;
    }

    private static ValueTask<long> Find(Tx tx, string members) =>
        tx.Number("SELECT id FROM summary_sets WHERE members = @members", new { members });
}
