using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>Proves the chain of seals against the key and against the events it covers.</summary>
internal sealed class SealCheck(Reader reader, SealKey key, ProblemList problems, CancellationToken cancel)
{
    /// <summary>
    /// An event older than this beside the last seal has had its chance to be sealed, also across nodes whose clocks
    /// differ.
    /// </summary>
    private static readonly TimeSpan Chance = TimeSpan.FromMinutes(20);

    public IdRanges Covered { get; } = new();

    public async ValueTask Run(SealHead? earlier)
    {
        await using var trees = await TreeCheck.Begin(reader, key, cancel);
        var found = earlier is null or { N: 0 };
        var before = problems.Count;
        var last = await Each(
            long.MinValue,
            null,
            trees,
            seal => found |= earlier is not null && seal.N == earlier.N && seal.Hash == earlier.Hash
        );
        // Of a seal that is not right, nobody can say what it covers.
        if (problems.Count == before)
        {
            foreach (var problem in await trees.End())
                problems.Add(problem);
            await SlippedIn(last);
            await Passed();
        }
        await Order();
        if (!found)
        {
            problems.Add(
                $"Seal {earlier!.N} with the hash that was given is not there: the log was cut or replaced "
                    + $"before seal {earlier.N}."
            );
        }
    }

    /// <summary>The seals after one, which is taken as it is, and the trees from a head of it on.</summary>
    public async ValueTask RunAfter(long n, TreeCheck trees)
    {
        var last = await reader.First<Seal>($"SELECT {Seal.Columns} FROM seals WHERE n = @n", new { n });
        if (n > 0 && (last is null || !key.IsSignatureOfSeal(n, last.Hash, last.Signature)))
        {
            problems.Add($"Seal {n}, which the checkpoint is of, is gone or not signed with this hub's key.");
            return;
        }
        var before = problems.Count;
        await Each(n, last, trees, _ => { });
        if (problems.Count > before)
            return;
        foreach (var problem in await trees.End())
            problems.Add(problem);
    }

    private async ValueTask<Seal?> Each(long after, Seal? last, TreeCheck trees, Action<Seal> seen)
    {
        await foreach (
            var seal in Pages.Each<Seal, NumberKey>(
                reader,
                $"SELECT {Seal.Columns} FROM seals WHERE n > @N ORDER BY n",
                new NumberKey(after),
                s => new NumberKey(s.N),
                500,
                cancel
            )
        )
        {
            problems.Add(await ProblemOf(seal, last, trees));
            seen(seal);
            last = seal;
        }
        return last;
    }

    private async ValueTask<string?> ProblemOf(Seal seal, Seal? previous, TreeCheck trees)
    {
        var expected = (previous?.N ?? 0) + 1;
        if (seal.N != expected)
            return $"Seal {expected} is missing: the next one there is seal {seal.N}.";
        if (
            IdRanges.Parse(seal.Events) is not { } ranges
            || ranges.Count != seal.Count
            || ranges.Count > Seal.MaxEvents
        )
        {
            return $"Seal {seal.N} does not say what it covers in the way seals do: it was changed.";
        }
        if (!key.IsSignatureOfSeal(seal.N, seal.Hash, seal.Signature))
        {
            return $"Seal {seal.N} is not signed with this hub's key: it was changed or forged, or RootKeyFile is "
                + "not the file it was.";
        }
        foreach (var range in ranges.Ranges)
        {
            if (!Covered.TryAdd(range))
            {
                return $"Seal {seal.N} covers an event among {range.From} to {range.To} "
                    + "that an earlier seal covers already.";
            }
        }
        var events = await Seal.Covered<SealedEvent>(reader, ranges, SealedEvent.Columns, e => e.Id);
        if (events.Count != seal.Count)
            return $"Event {FirstMissing(ranges, events)} is gone: seal {seal.N} covers it.";
        var hash = Seal.HashOf(
            previous?.Hash ?? "",
            seal.N,
            seal.At,
            seal.Events,
            seal.Count,
            events.Select(e => e.Hash)
        );
        if (hash == seal.Hash)
        {
            await trees.Add(seal, events);
            return null;
        }
        return $"Seal {seal.N} does not match what it covers: an event among {seal.Events} was changed or moved "
            + "since, or the seal was.";
    }

    private static long FirstMissing(IdRanges ranges, List<SealedEvent> events)
    {
        var there = events.Select(e => e.Id).ToHashSet();
        return ranges
            .Ranges.SelectMany(r => Enumerable.Range(0, (int)r.Count).Select(i => r.From + i))
            .First(id => !there.Contains(id));
    }

    /// <summary>
    /// Events below the highest sealed that no seal covers. One that has just been committed is waiting for the next
    /// seal; an old one was put there by somebody who is not Countersign.
    /// </summary>
    private async ValueTask SlippedIn(Seal? last)
    {
        if (
            last is null
            || await reader.Number(
                "SELECT count(*) FROM events WHERE id <= @highest",
                new { highest = Covered.Highest }
            ) == Covered.Count
        )
        {
            return;
        }
        var oldest = Instant.ToText(Instant.Parse(last.At) - Chance);
        foreach (var (from, to) in Covered.Gaps(long.MinValue))
        {
            var slipped = await reader.All<StoredEvent>(
                $"""
                SELECT {StoredEvent.Columns} FROM events WHERE id BETWEEN @from AND @to AND at < @oldest
                ORDER BY id LIMIT {ProblemList.MaxNamed}
                """,
                new
                {
                    from,
                    to,
                    oldest,
                }
            );
            foreach (var e in slipped)
            {
                problems.Add(
                    $"Event {e.Id} ({e.Subject}, number {e.N}) lies among sealed events, but no seal covers "
                        + "it: it was put there later."
                );
            }
        }
    }

    /// <summary>
    /// The sealed events are those up to the sealer's cursor: none was passed over, and the cursor is where it was
    /// left.
    /// </summary>
    private async ValueTask Passed()
    {
        const string one = "SELECT name, position FROM cursors WHERE name = @name";
        if (await reader.First<CursorRow>(one, new { name = Sealer.CursorName }) is not { Position: var cursor })
        {
            problems.Add($"The cursor \"{Sealer.CursorName}\" is gone.");
            return;
        }
        var covered = 0L;
        foreach (var (from, to) in Covered.Ranges)
            covered += await EventLog.Count(reader, cursor, from, to);
        var upTo = $"in the log up to position {cursor}, where the cursor \"{Sealer.CursorName}\" stands";
        const string why = "it was moved, or their positions were changed.";
        if (covered < Covered.Count)
            problems.Add($"Seals cover {Covered.Count} events, but only {covered} of them are {upTo}: {why}");
        if (await EventLog.Count(reader, cursor) is var there && there > covered)
            problems.Add($"Of the {there} events {upTo}, no seal covers {there - covered}: {why}");
    }

    /// <summary>
    /// Positions go from 1 to the end of the log, so that no event was moved to where consumers had passed already, and
    /// no cursor stands above the end, where it would pass over what comes next.
    /// </summary>
    private async ValueTask Order()
    {
        var end = await EventLog.End(reader);
        if (await EventLog.Count(reader, end) is var there && there != end)
        {
            problems.Add(
                $"The log ends at position {end} and holds {there} events up to there: one was removed or its "
                    + "position was changed."
            );
        }
        if (await EventLog.Count(reader, 0) is > 0 and var below)
            problems.Add($"{below} events are at positions below 1, which are never given.");
        foreach (
            var cursor in await reader.All<CursorRow>(
                "SELECT name, position FROM cursors WHERE position > @end ORDER BY name",
                new { end }
            )
        )
        {
            problems.Add(
                $"The cursor \"{cursor.Name}\" stands at position {cursor.Position}, and the log ends at "
                    + $"{end}: the log was cut or the cursor was moved."
            );
        }
    }

    private sealed record NumberKey(long N);

    private sealed class CursorRow
    {
        public required string Name { get; init; }
        public long Position { get; init; }
    }
}
