using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Appends seals: each fixes the next batch of the log. It follows the log by a cursor like every other consumer, and
/// nobody waits for it. It reads and signs outside of any transaction and then writes two rows, so writers hardly
/// notice it, and it never touches an event. A seal goes:
/// <code>
///   1  where the chain stands: the last seal, and the position up to which the log is sealed
///   2  the next events of the log
///   3  hash, sign; in one transaction move the cursor from there and insert seal n + 1;
///      a cursor that has moved meanwhile means that another node was first: begin again at 1
/// </code>
/// </summary>
public sealed partial class Sealer : BackgroundService
{
    internal const string CursorName = "sealer";

    /// <summary>How long events are gathered for one seal.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AfterUnavailable = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterDamage = TimeSpan.FromSeconds(30);

    private readonly Store _store;
    private readonly SealKey _key;
    private readonly TimeProvider _time;
    private readonly ILogger<Sealer> _log;
    private readonly SemaphoreSlim _one = new(1);
    private readonly WakeSignal _news = new();
    private Chain? _known;

    public Sealer(Store store, SealKey key, TimeProvider time, ILogger<Sealer> log)
    {
        (_store, _key, _time, _log) = (store, key, time, log);
        store.LogGrew += _news.Set;
    }

    /// <summary>
    /// Seals the next batch and says how many events that were; 0 when everything is sealed. Two at once make one
    /// chain.
    /// </summary>
    public async Task<int> SealOnce(CancellationToken cancel = default)
    {
        await _one.WaitAsync(cancel);
        try
        {
            await _store.GivePositions(cancel);
            while (true)
            {
                var chain = _known = await Follow(_known, cancel);
                var batch = await _store.Read(
                    r => EventLog.Next<SealedEvent>(r, SealedEvent.Columns, chain.Position, Seal.MaxEvents),
                    cancel
                );
                if (batch.Count == 0)
                    return 0;
                var to = batch[^1].Position;
                batch.Sort((a, b) => a.Id.CompareTo(b.Id));
                var (n, at) = (chain.Head.N + 1, Instant.ToText(_store.Now));
                var events = IdRanges.Of(batch.Select(e => e.Id)).ToString();
                var hash = Seal.HashOf(chain.Head.Hash, n, at, events, batch.Count, batch.Select(e => e.Hash));
                var signature = _key.Sign(hash);
                var isFirst = await _store.InTransaction(
                    async tx =>
                    {
                        if (
                            await tx.Execute(
                                "UPDATE cursors SET position = @to WHERE name = @name AND position = @from",
                                new
                                {
                                    to,
                                    name = CursorName,
                                    from = chain.Position,
                                }
                            ) == 0
                        )
                        {
                            return false;
                        }
                        return
                            await tx.Execute(
                                """
                                INSERT INTO seals (n, at, events, count, hash, signature)
                                VALUES (@n, @at, @events, @count, @hash, @signature)
                                ON CONFLICT (n) DO NOTHING
                                """,
                                new
                                {
                                    n,
                                    at,
                                    events,
                                    count = (long)batch.Count,
                                    hash,
                                    signature,
                                }
                            ) == 1
                            ? true
                            : throw new InvalidDataException(
                                $"There is a seal {n} already, past the cursor \"{CursorName}\". The store "
                                    + "was changed outside Countersign."
                            );
                    },
                    cancel
                );
                if (!isFirst)
                    continue;
                _known = new Chain(new SealHead(n, hash), to);
                Log.Sealed(_log, n, batch.Count);
                return batch.Count;
            }
        }
        catch
        {
            // Whether the seal stands is unknown; the store is asked again.
            _known = null;
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
        while (await SealOnce(cancel) > 0) { }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await SealAll(cancellationToken);
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
        _store.LogGrew -= _news.Set;
        _news.Dispose();
        _one.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var wait = Gather;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(wait, _time, stoppingToken);
                wait = Gather;
                // One look at an index, so that an idle hub costs no more.
                if (_known is { } known && await _store.Read(EventLog.End, stoppingToken) == known.Position)
                {
                    await _news.WaitAsync(_store.IdleWait, stoppingToken);
                    continue;
                }
                while (await SealOnce(stoppingToken) == Seal.MaxEvents) { }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (StoreUnavailable unavailable)
            {
                Log.Delayed(_log, unavailable.Message);
                wait = AfterUnavailable;
            }
            catch (InvalidDataException damage)
            {
                // Requests go on being decided and told; what is missing is the proof, and that is said loudly.
                Log.Damaged(_log, damage.Message);
                wait = AfterDamage;
            }
            catch (Exception failure)
            {
                Log.Failed(_log, failure);
                wait = AfterDamage;
            }
        }
    }

    /// <summary>The chain as remembered if it still ends where the store's does, else as the store tells it.</summary>
    private async ValueTask<Chain> Follow(Chain? known, CancellationToken cancel) =>
        await _store.ReadSnapshot(
            async reader =>
            {
                var head = await Last(reader);
                var cursor = await reader.First<CursorRow>(
                    "SELECT position FROM cursors WHERE name = @name",
                    new { name = CursorName }
                );
                var position =
                    cursor?.Position
                    ?? throw new InvalidDataException(
                        $"The store has lost the cursor \"{CursorName}\". Restore a backup."
                    );
                var chain = new Chain(head, position);
                if (chain == known)
                    return chain;
                // Sealing on would bury the damage, and with a wrong key no later seal could be told from a forgery.
                var signature = await reader.Text("SELECT signature FROM seals WHERE n = @n", new { n = head.N });
                if (head.N > 0 && !_key.IsSignatureOfSeal(head.N, head.Hash, signature ?? ""))
                {
                    throw new InvalidDataException(
                        $"Seal {head.N} is not signed with this hub's key. Either RootKeyFile is not the file "
                            + "it was, or the store was changed outside Countersign."
                    );
                }
                if (known is not null && head.N > known.Head.N && position > known.Position)
                    return chain;
                if (known is not null)
                    Log.ChainReplaced(_log, known.Head.N, head.N);
                // Once when a node takes up the chain: the seals cover as many events as there are up to the cursor.
                var covered = await reader.Number("SELECT sum(count) FROM seals");
                var there = await EventLog.Count(reader, position);
                return covered == there
                    ? chain
                    : throw new InvalidDataException(
                        $"The seals cover {covered} events, but {there} are in the log up to position "
                            + $"{position}, where the cursor \"{CursorName}\" stands. The store was changed outside "
                            + "Countersign."
                    );
            },
            cancel
        );

    internal static async ValueTask<SealHead> Last(Reader reader)
    {
        var last = await reader.First<HeadRow>("SELECT n, hash FROM seals ORDER BY n DESC LIMIT 1");
        return last is null ? SealHead.None : new SealHead(last.N, last.Hash);
    }

    /// <summary>The last seal, and the position up to which the log is sealed.</summary>
    private sealed record Chain(SealHead Head, long Position);

    private sealed class CursorRow
    {
        public long Position { get; init; }
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

        [LoggerMessage(Level = LogLevel.Debug, Message = "Events wait to be sealed: {Reason}")]
        public static partial void Delayed(ILogger log, string reason);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Events couldn't be sealed yet and will be retried: {Reason}"
        )]
        public static partial void CannotSeal(ILogger log, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Events couldn't be sealed yet and will be retried")]
        public static partial void Failed(ILogger log, Exception failure);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "The log ended with seal {Known} and now ends with seal {Found} and another hash: it was cut, "
                + "replaced or restored from a backup"
        )]
        public static partial void ChainReplaced(ILogger log, long known, long found);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "Sealing has stopped until an operator checks the store: {Damage}"
        )]
        public static partial void Damaged(ILogger log, string damage);
    }
}
