using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Appends seals: each fixes the next batch of the log, and adds it to the log's tree. It follows the log by a cursor
/// like every other consumer, and no one waits for it. It reads and signs outside of any transaction and then writes a
/// few rows, so writers hardly notice it, and it never touches an event. A seal goes:
/// <code>
///   1  where the chain and the tree stand: the last seal, and the position up to which the log is sealed
///   2  the next events of the log, each hashed again as it was read
///   3  hash, sign; in one transaction move the cursor from there and insert seal n + 1, the tree's new head and its
///      full tiles; a cursor that has moved meanwhile means that another node was first: begin again at 1
///   4  once that stands, sign the tree's head
/// </code>
/// </summary>
public sealed partial class Sealer : BackgroundService
{
    internal const string CursorName = "sealer";

    /// <summary>How long events are gathered for one seal.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(250);

    /// <summary>Events are read whole, so not too many of them at a time.</summary>
    private const int ReadAtOnce = 500;
    private static readonly TimeSpan AfterUnavailable = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterDamage = TimeSpan.FromSeconds(30);

    private readonly Store _store;
    private readonly SealKey _key;
    private readonly LogTree _tree;
    private readonly TimeProvider _time;
    private readonly ILogger<Sealer> _log;
    private readonly SemaphoreSlim _one = new(1);
    private readonly WakeSignal _news = new();
    private Chain? _known;

    public Sealer(Store store, SealKey key, LogTree tree, TimeProvider time, ILogger<Sealer> log)
    {
        (_store, _key, _tree, _time, _log) = (store, key, tree, time, log);
        store.LogGrew += _news.Set;
    }

    /// <summary>Why nothing is sealed until an operator has looked; null where all is well.</summary>
    public string? Trouble { get; private set; }

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
                var (chain, tree) = await Follow(_known, cancel);
                _known = chain;
                if (tree is not null && tree.Head.Seal > chain.Head.N)
                {
                    throw new InvalidDataException(
                        $"The log's tree has events up to seal {tree.Head.Seal}, but the last seal is "
                            + $"{chain.Head.N}. The store was changed outside Countersign."
                    );
                }
                if (tree is not null && tree.Head.Seal < chain.Head.N)
                {
                    await CatchUp(chain, tree, cancel);
                    continue;
                }
                var batch = await Next(chain.Position, cancel);
                // Events of the earlier form are no leaves, so the first tree begins after them.
                if (tree is null && batch.TrueForAll(e => e.IsLeaf) && await _tree.BeginFirst(cancel))
                    continue;
                if (batch.Count == 0)
                {
                    await _tree.SignNewest(cancel);
                    return 0;
                }
                if (await SealBatch(chain, tree, batch, cancel) is not { } sealedChain)
                    continue;
                _known = sealedChain;
                await _tree.SignNewest(cancel);
                return batch.Count;
            }
        }
        catch
        {
            // Whether the seal stands is unknown; the store is asked again.
            _known = null;
            _tree.Forget();
            throw;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The seal over a batch and the tree with it; null when another node was first.</summary>
    private async Task<Chain?> SealBatch(
        Chain chain,
        LogTree.State? tree,
        List<BatchEvent> batch,
        CancellationToken cancel
    )
    {
        var to = batch[^1].Position;
        batch.Sort((a, b) => a.Id.CompareTo(b.Id));
        var (n, at) = (chain.Head.N + 1, Instant.ToText(_store.Now));
        var events = IdRanges.Of(batch.Select(e => e.Id)).ToString();
        var hash = Seal.HashOf(chain.Head.Hash, n, at, events, batch.Count, batch.Select(e => e.Hash));
        var signature = _key.Sign(hash);
        var growth = tree is null
            ? null
            : LogTree.Grow(tree, n, tree.Head.Position + batch.Count, batch.Select(e => Convert.FromHexString(e.Hash)));
        var isFirst = await _store.InTransaction(
            async tx =>
            {
                if (await LogTree.LockSealing(tx) != chain.Position || !await LogTree.IsStill(tx, tree))
                    return false;
                await tx.Execute("UPDATE cursors SET position = @to WHERE name = @name", new { to, name = CursorName });
                var written = await tx.Execute(
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
                );
                if (written == 0)
                {
                    throw new InvalidDataException(
                        $"There is a seal {n} already, past the cursor \"{CursorName}\". The store "
                            + "was changed outside Countersign."
                    );
                }
                if (growth is not null)
                    await LogTree.Write(tx, growth);
                return true;
            },
            cancel
        );
        if (!isFirst)
        {
            _tree.Forget();
            return null;
        }
        if (growth is not null)
            _tree.Stands(tree!, growth);
        Log.Sealed(_log, n, batch.Count);
        return new Chain(new SealHead(n, hash), to);
    }

    /// <summary>
    /// Adds a seal to the tree that it isn't in: where another epoch began, after its last signed head. The seal is
    /// what proves the hashes then, since requests may have been archived meanwhile.
    /// </summary>
    private async Task CatchUp(Chain chain, LogTree.State tree, CancellationToken cancel)
    {
        var n = tree.Head.Seal + 1;
        var (seal, before, hashes) = await _store.ReadSnapshot(
            async reader =>
            {
                var found = await reader.First<Seal>($"SELECT {Seal.Columns} FROM seals WHERE n = @n", new { n });
                var ranges = IdRanges.Parse(found?.Events ?? "") ?? new IdRanges();
                return (
                    found,
                    await reader.Text("SELECT hash FROM seals WHERE n = @before", new { before = n - 1 }) ?? "",
                    (await Seal.Covered<SealedEvent>(reader, ranges, SealedEvent.Columns, e => e.Id)).ConvertAll(e =>
                        e.Hash
                    )
                );
            },
            cancel
        );
        if (
            seal is null
            || Seal.HashOf(before, n, seal.At, seal.Events, seal.Count, hashes) != seal.Hash
            || !_key.IsSignatureOfSeal(n, seal.Hash, seal.Signature)
        )
        {
            throw new InvalidDataException(
                $"Seal {n} doesn't fit its events, so they can't be added to the log's tree. The store was changed "
                    + "outside Countersign."
            );
        }
        var growth = LogTree.Grow(tree, n, tree.Head.Position + seal.Count, hashes.Select(Convert.FromHexString));
        var isFirst = await _store.InTransaction(
            async tx =>
            {
                if (await LogTree.LockSealing(tx) != chain.Position || !await LogTree.IsStill(tx, tree))
                    return false;
                await LogTree.Write(tx, growth);
                return true;
            },
            cancel
        );
        if (isFirst)
            _tree.Stands(tree, growth);
        else
            _tree.Forget();
    }

    /// <summary>
    /// The next events of the log, read whole and hashed again: what is sealed is what lies in the store, and not what
    /// a writer meant to put there.
    /// </summary>
    private Task<List<BatchEvent>> Next(long position, CancellationToken cancel) =>
        Next(_store, position, _key, cancel);

    /// <summary>Why the next events can't be sealed; null where they can.</summary>
    internal static async Task<string?> Damage(Store store, SealKey key, CancellationToken cancel)
    {
        var position = await store.Read(
            r => r.Number("SELECT position FROM cursors WHERE name = @name", new { name = CursorName }),
            cancel
        );
        try
        {
            await Next(store, position, key, cancel);
            return null;
        }
        catch (InvalidDataException damage)
        {
            return damage.Message;
        }
    }

    private static async Task<List<BatchEvent>> Next(Store store, long position, SealKey key, CancellationToken cancel)
    {
        var batch = new List<BatchEvent>();
        DamagedEvents? damaged = null;
        while (batch.Count < Seal.MaxEvents)
        {
            var most = Math.Min(ReadAtOnce, Seal.MaxEvents - batch.Count);
            var page = await store.Read(
                r => EventLog.Next<ChainedEvent>(r, ChainedEvent.Columns, position, most),
                cancel
            );
            foreach (var e in page)
            {
                if (
                    e.HashAfter(e.Previous ?? "") != e.Hash
                    && !(damaged ??= await store.Read(r => DamagedEvents.Read(r, key), cancel)).Has(e)
                )
                {
                    throw new InvalidDataException(
                        $"Event {e.Id} ({e.Subject}, number {e.N}) doesn't hash to its hash as it lies in the store: "
                            + "it was changed outside Countersign, or the disk is damaged. If it can't be repaired, "
                            + $"run: countersign audit damaged {e.Id} --reason <text>"
                    );
                }
                batch.Add(new BatchEvent(e.Id, e.Position, e.Hash, e.Salts is not null));
            }
            if (page.Count < most)
                break;
            position = page[^1].Position;
        }
        return batch;
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
                    // What kept the newest head from being signed may have ended, such as a witness's alarm.
                    if (_tree.Trouble is not null)
                        await SealOnce(stoppingToken);
                    continue;
                }
                while (await SealOnce(stoppingToken) == Seal.MaxEvents) { }
                Trouble = null;
            }
            catch (Exception ended)
                when (stoppingToken.IsCancellationRequested
                    && ended is (OperationCanceledException or ObjectDisposedException)
                )
            {
                // A server that couldn't start disposes of what it had begun.
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
                Trouble = damage.Message;
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
    private async ValueTask<(Chain, LogTree.State?)> Follow(Chain? known, CancellationToken cancel) =>
        await _store.ReadSnapshot(async reader => (await Follow(reader, known), await _tree.Follow(reader)), cancel);

    private async ValueTask<Chain> Follow(Reader reader, Chain? known)
    {
        var head = await Last(reader);
        var cursor = await reader.First<CursorRow>(
            "SELECT position FROM cursors WHERE name = @name",
            new { name = CursorName }
        );
        var position =
            cursor?.Position
            ?? throw new InvalidDataException($"The store has lost the cursor \"{CursorName}\". Restore a backup.");
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
    }

    internal static async ValueTask<SealHead> Last(Reader reader)
    {
        var last = await reader.First<HeadRow>("SELECT n, hash FROM seals ORDER BY n DESC LIMIT 1");
        return last is null ? SealHead.None : new SealHead(last.N, last.Hash);
    }

    /// <summary>The last seal, and the position up to which the log is sealed.</summary>
    private sealed record Chain(SealHead Head, long Position);

    private sealed record BatchEvent(long Id, long Position, string Hash, bool IsLeaf);

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

/// <summary>An event with the hash of the one before it in its history.</summary>
internal sealed class ChainedEvent : StoredEvent
{
    public new const string Columns =
        StoredEvent.Columns
        + ", (SELECT p.hash FROM events p WHERE p.subject = events.subject AND p.n = events.n - 1) AS previous";

    public string? Previous { get; init; }
}
