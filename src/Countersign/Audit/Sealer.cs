using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Appends seals: each fixes the next batch of events in the order of the whole hub. It reads outside of any transaction
/// and writes one row, so writers hardly notice it, and it never touches an event. A seal goes:
/// <code>
///   1  where the chain stands: the last seal, the highest id it reached, the gaps below
///   2  the events above, and those that have meanwhile appeared in a gap
///   3  hash, sign, insert as seal n + 1; somebody else's seal n + 1 in the way means: begin again at 1
/// </code>
/// Gaps: on PostgreSQL an id is given out before its transaction commits, so a lower id can appear after a higher one was
/// sealed. It goes into the next seal. Ids of transactions that were undone never appear; they are looked for during
/// <see cref="GapLife"/>, which no transaction of ours outlives. On SQLite there are none.
/// </summary>
public sealed partial class Sealer : BackgroundService
{
    internal static readonly TimeSpan GapLife = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LeaseLength = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LeaseRest = TimeSpan.FromSeconds(2);

    /// <summary>How far back a sealer that takes over looks for gaps: at least so long, and at least so many seals, should a clock have jumped.</summary>
    private const int LookBack = 1_000;
    private const int Margin = 100;

    private readonly Store _store;
    private readonly SealKey _key;
    private readonly TimeProvider _time;
    private readonly ILogger<Sealer> _log;
    private readonly Lease _lease;
    private readonly SemaphoreSlim _one = new(1);
    private long _leaseTakenAt;
    private bool _leaseHeld;
    private Chain? _chain;

    public Sealer(Store store, SealKey key, TimeProvider time, ILogger<Sealer> log)
    {
        (_store, _key, _time, _log) = (store, key, time, log);
        _lease = new Lease(store, "sealer", Lease.NewHolder(), LeaseLength);
    }

    /// <summary>
    /// Seals the next batch, whoever holds the lease, and says how many events that were; 0 when everything is sealed.
    /// Two at once do no harm: both build seal n + 1, the store takes one.
    /// </summary>
    public async Task<int> SealOnce(CancellationToken cancel = default)
    {
        await _one.WaitAsync(cancel);
        try
        {
            while (true)
            {
                var chain = _chain = await Follow(_chain, cancel);
                var batch = await _store.Read(reader => Next(reader, chain), cancel);
                ForgetGaps(chain);
                if (batch.Count == 0)
                    return 0;
                var ranges = IdRanges.Of(batch.Select(e => e.Id));
                var (n, at, events) = (chain.Head.N + 1, Instant.ToText(_store.Now), ranges.ToString());
                var hash = Seal.HashOf(chain.Head.Hash, n, at, events, batch.Count, batch.Select(e => e.Hash));
                var signature = _key.Sign(hash);
                var won = await _store.InTransaction(async tx => await tx.Execute(
                    """
                    INSERT INTO seals (n, at, events, count, hash, signature) VALUES (@n, @at, @events, @count, @hash, @signature)
                    ON CONFLICT (n) DO NOTHING
                    """,
                    new { n, at, events, count = (long)batch.Count, hash, signature }) == 1, cancel);
                if (!won)
                {
                    _chain = null;
                    continue;
                }
                Advance(chain, ranges);
                chain.Head = new SealHead(n, hash);
                Log.Sealed(_log, n, batch.Count);
                return batch.Count;
            }
        }
        catch
        {
            // Whether the seal stands is unknown; the store is asked again.
            _chain = null;
            throw;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Seals until nothing is left.</summary>
    public async Task SealAll(CancellationToken cancel = default)
    {
        while (await SealOnce(cancel) > 0)
        {
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (!_leaseHeld)
            return;
        try
        {
            await SealAll(cancellationToken);
            await _lease.Release(cancellationToken);
        }
        catch (Exception failure)
        {
            // The server stops all the same, and the next one to run seals what is left.
            Log.CannotSeal(_log, failure.Message);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _one.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var wait = Look;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(wait, _time, stoppingToken);
                wait = Look;
                if (!await MayBeBehind(stoppingToken))
                    continue;
                if (!await HoldLease(stoppingToken))
                {
                    // Somebody else seals, and should they die, their lease takes longer than this to end.
                    wait = TimeSpan.FromSeconds(1);
                    continue;
                }
                while (await SealOnce(stoppingToken) == Seal.MostEvents && await HoldLease(stoppingToken))
                {
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (StoreUnavailable unavailable)
            {
                Log.CannotSeal(_log, unavailable.Message);
                wait = TimeSpan.FromSeconds(1);
            }
            catch (InvalidDataException damage)
            {
                // Requests go on being decided; what is missing is the proof, and that is said loudly.
                Log.Damaged(_log, damage.Message);
                wait = LeaseLength * 6;
            }
            catch (Exception failure)
            {
                Log.Failed(_log, failure);
                wait = LeaseLength * 6;
            }
        }
    }

    /// <summary>One look at an index, so that an idle hub writes nothing, not even leases.</summary>
    private async ValueTask<bool> MayBeBehind(CancellationToken cancel)
    {
        var highest = await _store.Read(reader => reader.Number("SELECT max(id) FROM events"), cancel);
        return highest != 0 && (_chain is not { } chain || chain.Highest != highest || chain.Gaps.Count > 0);
    }

    private async Task<bool> HoldLease(CancellationToken cancel)
    {
        if (_leaseHeld && _time.GetElapsedTime(_leaseTakenAt) < LeaseLength - LeaseRest)
            return true;
        var asked = _time.GetTimestamp();
        var held = await _lease.TryHold(cancel);
        (_leaseHeld, _leaseTakenAt) = (held, asked);
        return held;
    }

    /// <summary>The chain as remembered if it still ends where the store's does, else as the store tells it.</summary>
    private async ValueTask<Chain> Follow(Chain? known, CancellationToken cancel)
    {
        if (known is not null)
        {
            var head = await _store.Read(Last, cancel);
            if (head == known.Head)
                return known;
            if (head.N <= known.Head.N)
                Log.ChainReplaced(_log, known.Head.N, head.N);
        }
        return await _store.ReadSnapshot(Recall, cancel);
    }

    internal static async ValueTask<SealHead> Last(Reader reader)
    {
        var last = await reader.First<HeadRow>("SELECT n, hash FROM seals ORDER BY n DESC LIMIT 1");
        return last is null ? SealHead.None : new SealHead(last.N, last.Hash);
    }

    /// <summary>Where the chain stands, from its last seals. Gaps older than those were looked for long enough.</summary>
    private async ValueTask<Chain> Recall(Reader reader)
    {
        var seals = new List<Seal>();
        var (upTo, enough) = (long.MaxValue, false);
        while (!enough)
        {
            var page = await reader.All<Seal>($"SELECT {Seal.Columns} FROM seals WHERE n <= @upTo ORDER BY n DESC LIMIT {Margin}", new { upTo });
            seals.AddRange(page);
            enough = page.Count < Margin
                || (seals.Count >= LookBack + Margin && string.CompareOrdinal(page[^1].At, Instant.ToText(Instant.Parse(seals[0].At) - GapLife)) < 0);
            upTo = page.Count == 0 ? 0 : page[^1].N - 1;
        }
        if (seals.Count == 0)
            return new Chain(SealHead.None);
        // Sealing on would bury the damage, and with a wrong key no later seal could be told from a forgery.
        if (!_key.IsSignatureOf(seals[0].Hash, seals[0].Signature))
            throw new InvalidDataException($"Seal {seals[0].N} is not signed with this hub's key. Either RootKeyFile is not the file it was, or somebody wrote into the store.");

        var chain = new Chain(SealHead.None);
        var fromTheFirst = seals[^1].N == 1;
        seals.Reverse();
        for (var i = 0; i < seals.Count; i++)
        {
            var ranges = IdRanges.Parse(seals[i].Events)
                ?? throw new InvalidDataException($"Seal {seals[i].N} does not say in our way what it covers. Somebody wrote into the store.");
            // The first seals read only tell how high ids had got: one alone might cover nothing but late events.
            if (i < Margin && !fromTheFirst)
                chain.Highest = Math.Max(chain.Highest, ranges.Highest);
            else
                Advance(chain, ranges);
        }
        chain.Head = new SealHead(seals[^1].N, seals[^1].Hash);
        return chain;
    }

    private static async ValueTask<List<SealedEvent>> Next(Reader reader, Chain chain)
    {
        var batch = new List<SealedEvent>();
        foreach (var some in chain.Gaps.Chunk(GapsPerQuery))
        {
            // Always the same text: the last gap fills the places that are left.
            var arguments = new Dictionary<string, object?>();
            for (var i = 0; i < GapsPerQuery; i++)
            {
                var gap = some[Math.Min(i, some.Length - 1)].Ids;
                (arguments[$"from{i}"], arguments[$"to{i}"]) = (gap.From, gap.To);
            }
            batch.AddRange(await reader.All<SealedEvent>(LateText, arguments));
            if (batch.Count >= Seal.MostEvents)
                break;
        }
        batch.AddRange(await reader.All<SealedEvent>(
            $"SELECT {SealedEvent.Columns} FROM events WHERE id > @highest ORDER BY id LIMIT @limit",
            new { highest = chain.Highest, limit = Math.Max(0, Seal.MostEvents - batch.Count) }));
        batch.Sort((a, b) => a.Id.CompareTo(b.Id));
        return batch.Count > Seal.MostEvents ? batch[..Seal.MostEvents] : batch;
    }

    /// <summary>Takes a seal's events from the gaps, and notes those that it left below its highest.</summary>
    private void Advance(Chain chain, IdRanges sealedNow)
    {
        var now = _time.GetTimestamp();
        var gaps = new List<Gap>();
        foreach (var gap in chain.Gaps)
            gaps.AddRange(Without(gap, sealedNow));
        if (sealedNow.Highest > chain.Highest)
            gaps.AddRange(Without(new Gap(new IdRange(chain.Highest + 1, sealedNow.Highest), now), sealedNow));
        chain.Gaps.Clear();
        chain.Gaps.AddRange(gaps);
        chain.Highest = Math.Max(chain.Highest, sealedNow.Highest);
    }

    private static IEnumerable<Gap> Without(Gap gap, IdRanges ids)
    {
        var from = gap.Ids.From;
        foreach (var range in ids.Ranges.Where(r => r.To >= gap.Ids.From && r.From <= gap.Ids.To))
        {
            if (range.From > from)
                yield return gap with { Ids = new IdRange(from, range.From - 1) };
            from = range.To + 1;
        }
        if (from <= gap.Ids.To)
            yield return gap with { Ids = new IdRange(from, gap.Ids.To) };
    }

    /// <summary>Called after a look at every gap, so that none is dropped unlooked-at, however long nothing was sealed.</summary>
    private void ForgetGaps(Chain chain) => chain.Gaps.RemoveAll(gap => _time.GetElapsedTime(gap.NoticedAt) > GapLife);

    private const int GapsPerQuery = 20;

    private static readonly string LateText =
        $"SELECT {SealedEvent.Columns} FROM events WHERE {string.Join(" OR ", Enumerable.Range(0, GapsPerQuery).Select(i => $"id BETWEEN @from{i} AND @to{i}"))} ORDER BY id";

    /// <summary>Ids below the highest sealed that no seal covers yet, and when that was noticed.</summary>
    private sealed record Gap(IdRange Ids, long NoticedAt);

    private sealed class Chain(SealHead head)
    {
        public SealHead Head { get; set; } = head;
        public long Highest { get; set; }
        public List<Gap> Gaps { get; } = [];
    }

    private sealed class HeadRow
    {
        public long N { get; init; }
        public required string Hash { get; init; }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Seal {Number} covers {Events} events")]
        public static partial void Sealed(ILogger log, long number, int events);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Events could not be sealed and will be later: {Reason}")]
        public static partial void CannotSeal(ILogger log, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Events could not be sealed and will be later")]
        public static partial void Failed(ILogger log, Exception failure);

        [LoggerMessage(Level = LogLevel.Error, Message = "The record ended with seal {Known}, and now with seal {Found} of another hash: it was cut, replaced or restored from a backup")]
        public static partial void ChainReplaced(ILogger log, long known, long found);

        [LoggerMessage(Level = LogLevel.Error, Message = "Nothing is sealed until somebody has looked into the store: {Damage}")]
        public static partial void Damaged(ILogger log, string damage);
    }
}
