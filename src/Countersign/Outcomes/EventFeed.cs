using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Countersign.Storage;
using Directory = Countersign.Access.Directory;

namespace Countersign.Outcomes;

/// <summary>
/// News as it happens, on every node: follows the event log while anyone listens. Writers of this process wake it at
/// once; others are noticed within a quarter of a second.
/// <para>
/// Every listener hears events in the order of their ids and misses none, so the id of the last one heard is all that is
/// needed to go on later. On PostgreSQL an id is given out before its transaction commits, so events above a missing id
/// are held back until every transaction that may still bring it has ended (docs/decisions/0026).
/// </para>
/// </summary>
public sealed partial class EventFeed : BackgroundService
{
    /// <summary>A listener this far behind is let go; it comes back with the id of its last event.</summary>
    private const int MaxBehind = 2_000;
    private const int PageSize = 1_000;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>While events are held back, because the transaction waited for ends without telling this process.</summary>
    private static readonly TimeSpan HeldBackInterval = TimeSpan.FromMilliseconds(20);

    private readonly Store _store;
    private readonly Directory _directory;
    private readonly ILogger<EventFeed> _log;
    private readonly ConcurrentDictionary<Subscription, bool> _listeners = new();
    private readonly Doorbell _doorbell = new();
    private readonly SemaphoreSlim _one = new(1);
    private bool _following;

    /// <summary>Every event up to here was given to the listeners, and no other will ever appear at or below it.</summary>
    private long _delivered;

    /// <summary>No event that is missing up to here will appear any more.</summary>
    private long _complete;

    /// <summary>The transactions that may still bring an event missing up to this id; null when nothing is waited for.</summary>
    private (long UpTo, IReadOnlySet<string> Writers)? _awaited;

    public EventFeed(Store store, Directory directory, ILogger<EventFeed> log)
    {
        (_store, _directory, _log) = (store, directory, log);
        store.EventsCommitted += _ => Ring();
    }

    /// <summary>How many listen now.</summary>
    public int Listeners => _listeners.Count;

    /// <summary>How many began to listen since the server started.</summary>
    public long Subscriptions { get; private set; }

    /// <summary>What happens from this call on, until the subscription is disposed or the server stops.</summary>
    /// <param name="subject">Only the events of this subject; null for all.</param>
    public Task<Subscription> Subscribe(CancellationToken cancel, string? subject = null) =>
        Subscribe(subject, onlyNew: true, cancel);

    /// <summary>Everything after event <paramref name="after"/>: first what was missed, then what happens.</summary>
    public async IAsyncEnumerable<StoredEvent> From(long after, [EnumeratorCancellation] CancellationToken until)
    {
        using var subscription = await Subscribe(subject: null, onlyNew: false, until);
        while (after < subscription.After)
        {
            var missed = await _store.Read(r => r.All<StoredEvent>(
                $"SELECT {StoredEvent.Columns} FROM events WHERE id > @after AND id <= @upTo ORDER BY id LIMIT 500",
                new { after, upTo = subscription.After }), until);
            if (missed.Count == 0)
                break;
            await _directory.Refresh(until);
            foreach (var known in missed)
                yield return known;
            after = missed[^1].Id;
        }
        await foreach (var fresh in subscription.News.ReadAllAsync(until))
        {
            if (fresh.Id > after)
                yield return fresh;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                var wait = _awaited is null ? PollInterval : HeldBackInterval;
                await _doorbell.Heard(_listeners.IsEmpty ? Timeout.InfiniteTimeSpan : wait, stoppingToken);
                try
                {
                    await LookOnce(stoppingToken);
                }
                catch (StoreUnavailable unavailable)
                {
                    Log.CannotFollow(_log, unavailable.Message);
                    await Task.Delay(PollInterval, stoppingToken);
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    // Listeners who wait for news that cannot be read come back and say what they have.
                    Log.Failed(_log, failure);
                    LetAllGo();
                    await Task.Delay(PollInterval, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            LetAllGo();
        }
    }

    private async Task<Subscription> Subscribe(string? subject, bool onlyNew, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (!_following)
                await Begin(cancel);
            // What stands already but is held back is no news to those who want to hear what happens from now on.
            var known = onlyNew
                ? await _store.Read(r => r.All<IdRow>(
                    "SELECT id FROM events WHERE id > @delivered", new { delivered = _delivered }), cancel)
                : [];
            var subscription = new Subscription(this, subject, MaxBehind, _delivered, known.Select(k => k.Id));
            _listeners[subscription] = true;
            Subscriptions++;
            Ring();
            return subscription;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Starts behind the highest event, once no transaction under way can bring another one at or below it.</summary>
    private async Task Begin(CancellationToken cancel)
    {
        var highest = await _store.Read(r => r.Number("SELECT max(id) FROM events"), cancel);
        var writers = await _store.EventWriters(cancel);
        while (writers.Count > 0 && writers.Overlaps(await _store.EventWriters(cancel)))
            await Task.Delay(HeldBackInterval, cancel);
        (_delivered, _complete, _awaited, _following) = (highest, highest, null, true);
    }

    private async Task LookOnce(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            _following = !_listeners.IsEmpty;
            if (!_following)
            {
                _awaited = null;
                return;
            }
            while (await DeliverNext(cancel))
            {
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Gives the listeners what can be given; true when there may be more at once.</summary>
    private async Task<bool> DeliverNext(CancellationToken cancel)
    {
        // Asked before the events are read: who is not writing any more has committed what is then seen, or nothing.
        if (_awaited is { } awaited && !awaited.Writers.Overlaps(await _store.EventWriters(cancel)))
            (_complete, _awaited) = (awaited.UpTo, null);
        var found = await _store.Read(r => r.All<StoredEvent>(
            $"SELECT {StoredEvent.Columns} FROM events WHERE id > @delivered ORDER BY id LIMIT {PageSize}",
            new { delivered = _delivered }), cancel);
        if (found.Count == 0)
            return false;
        // So that whoever was shut out before one of these events is known to be shut out when it is delivered.
        await _directory.Refresh(cancel);
        foreach (var fresh in found)
        {
            if (fresh.Id > _delivered + 1 && fresh.Id - 1 > _complete)
                break;
            foreach (var listener in _listeners.Keys)
                listener.Tell(fresh);
            _delivered = fresh.Id;
        }
        if (_delivered == found[^1].Id)
            return found.Count == PageSize;
        if (_awaited is not null)
            return false;
        var writers = await _store.EventWriters(cancel);
        _awaited = (found[^1].Id, writers);
        return writers.Count == 0;
    }

    internal void Leave(Subscription subscription) => _listeners.TryRemove(subscription, out _);

    private void LetAllGo()
    {
        foreach (var listener in _listeners.Keys)
            listener.Dispose();
    }

    private void Ring()
    {
        if (!_listeners.IsEmpty)
            _doorbell.Ring();
    }

    public override void Dispose()
    {
        base.Dispose();
        _doorbell.Dispose();
        _one.Dispose();
    }

    private sealed class IdRow
    {
        public long Id { get; init; }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Events cannot be followed: {Reason}")]
        public static partial void CannotFollow(ILogger log, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Following the events failed; open streams end and will be opened again")]
        public static partial void Failed(ILogger log, Exception failure);
    }
}

/// <summary>One listener's news. Dispose it when nobody reads it any more; nothing is kept for it from then on.</summary>
public sealed class Subscription : IDisposable
{
    private readonly EventFeed _feed;
    private readonly string? _subject;
    private readonly HashSet<long> _known;
    private readonly Channel<StoredEvent> _channel;

    internal Subscription(EventFeed feed, string? subject, int maxBehind, long after, IEnumerable<long> known)
    {
        (_feed, _subject, After, _known) = (feed, subject, after, [.. known]);
        _channel = Channel.CreateBounded<StoredEvent>(new BoundedChannelOptions(maxBehind) { SingleReader = true });
    }

    /// <summary>Ends when the server stops, or when the reader is too far behind.</summary>
    public ChannelReader<StoredEvent> News => _channel.Reader;

    /// <summary>Only events above this id are told; those up to it are all in the store.</summary>
    internal long After { get; }

    internal void Tell(StoredEvent fresh)
    {
        if (_known.Remove(fresh.Id) || (_subject is not null && fresh.Subject != _subject))
            return;
        if (!_channel.Writer.TryWrite(fresh))
            Dispose();
    }

    public void Dispose()
    {
        _feed.Leave(this);
        _channel.Writer.TryComplete();
    }
}
