using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>Proves the chain of seals against the key and against the events it covers.</summary>
internal sealed class SealCheck(Reader reader, SealKey key, ProblemList problems, CancellationToken cancel)
{
    /// <summary>An event older than this beside the last seal has had its chance to be sealed, also across nodes whose clocks differ.</summary>
    private static readonly TimeSpan Chance = Sealer.GapLife * 2;

    public IdRanges Covered { get; } = new();

    public async ValueTask Run(SealHead? earlier)
    {
        Seal? last = null;
        var found = earlier is null or { N: 0 };
        var before = problems.Count;
        await foreach (var seal in Pages.Each<Seal, NumberKey>(
            reader, $"SELECT {Seal.Columns} FROM seals WHERE n > @N ORDER BY n", new NumberKey(long.MinValue), s => new NumberKey(s.N), 500, cancel))
        {
            problems.Add(await ProblemOf(seal, last));
            found |= earlier is not null && seal.N == earlier.N && seal.Hash == earlier.Hash;
            last = seal;
        }
        // Of a seal that is not right, nobody can say what it covers.
        if (problems.Count == before)
            await SlippedIn(last);
        if (!found)
        {
            problems.Add(
                $"Seal {earlier!.N} with the hash that was given is not there: the record was cut or replaced before seal {earlier.N}.");
        }
    }

    private async ValueTask<string?> ProblemOf(Seal seal, Seal? previous)
    {
        var expected = (previous?.N ?? 0) + 1;
        if (seal.N != expected)
            return $"Seal {expected} is missing: the next one there is seal {seal.N}.";
        if (IdRanges.Parse(seal.Events) is not { } ranges || ranges.Count != seal.Count || ranges.Count > Seal.MostEvents)
            return $"Seal {seal.N} does not say what it covers in the way seals do: it was changed.";
        if (!key.IsSignatureOf(seal.Hash, seal.Signature))
            return $"Seal {seal.N} is not signed with this hub's key: it was changed or forged, or RootKeyFile is not the file it was.";
        foreach (var range in ranges.Ranges)
        {
            if (!Covered.TryAdd(range))
                return $"Seal {seal.N} covers an event among {range.From} to {range.To} that an earlier seal covers already.";
        }
        var events = await Seal.Covered<SealedEvent>(reader, ranges, SealedEvent.Columns, e => e.Id);
        if (events.Count != seal.Count)
            return $"Event {FirstMissing(ranges, events)} is gone: seal {seal.N} covers it.";
        var hash = Seal.HashOf(previous?.Hash ?? "", seal.N, seal.At, seal.Events, seal.Count, events.Select(e => e.Hash));
        return hash == seal.Hash ? null
            : $"Seal {seal.N} does not match what it covers: an event among {seal.Events} was changed or moved since, or the seal was.";
    }

    private static long FirstMissing(IdRanges ranges, List<SealedEvent> events)
    {
        var there = events.Select(e => e.Id).ToHashSet();
        return ranges.Ranges.SelectMany(r => Enumerable.Range(0, (int)r.Count).Select(i => r.From + i)).First(id => !there.Contains(id));
    }

    /// <summary>
    /// Events below the highest sealed that no seal covers. One that has just been committed is waiting for the next seal;
    /// an old one was put there by somebody who is not Countersign.
    /// </summary>
    private async ValueTask SlippedIn(Seal? last)
    {
        if (last is null || await reader.Number("SELECT count(*) FROM events WHERE id <= @highest", new { highest = Covered.Highest }) == Covered.Count)
            return;
        var oldest = Instant.ToText(Instant.Parse(last.At) - Chance);
        foreach (var (from, to) in Covered.Gaps(long.MinValue))
        {
            var slipped = await reader.All<StoredEvent>(
                $"SELECT {StoredEvent.Columns} FROM events WHERE id BETWEEN @from AND @to AND at < @oldest ORDER BY id LIMIT {ProblemList.MaxNamed}", new { from, to, oldest });
            foreach (var e in slipped)
            {
                problems.Add(
                    $"Event {e.Id} ({e.Subject}, number {e.N}) lies among sealed events, but no seal covers it: it was put there later.");
            }
        }
    }

    private sealed record NumberKey(long N);
}
