using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Countersign.People;
using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>
/// News as it happens, on every node: follows the log while anyone listens. Every listener hears all events in the
/// order of the log, so the last one heard is all that is needed to go on later.
/// </summary>
public sealed partial class EventFeed : BackgroundService
{
    /// <summary>A listener this far behind is let go; it comes back with the id of its last event.</summary>
    private const int MaxBehind = 2_000;
    private const int PageSize = 1_000;

    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(250);

    private readonly Store _store;
    private readonly PeopleDirectory _directory;
    private readonly ILogger<EventFeed> _log;
    private readonly ConcurrentDictionary<Subscription, bool> _listeners = new();
    private readonly WakeSignal _doorbell = new();
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>The position up to which every event was given to the listeners; null while there are none.</summary>
    private long? _delivered;

    public EventFeed(Store store, PeopleDirectory directory, ILogger<EventFeed> log)
    {
        (_store, _directory, _log) = (store, directory, log);
        store.LogGrew += Ring;
    }

    /// <summary>How many listen now.</summary>
    public int Listeners => _listeners.Count;

    /// <summary>How many began to listen since the server started.</summary>
    public long Subscriptions { get; private set; }

    /// <summary>What happens from this call on, until the subscription is disposed or the server stops.</summary>
    /// <param name="subject">Only the events of this subject; null for all.</param>
    public async Task<Subscription> Subscribe(CancellationToken cancel, string? subject = null)
    {
        await _one.WaitAsync(cancel);
        try
        {
            // What is committed but has no position yet is no news to those who want to hear what happens from now on.
            await _store.GivePositions(cancel);
            var end = await _store.Read(EventLog.End, cancel);
            _delivered ??= end;
            var subscription = new Subscription(this, subject, MaxBehind, end);
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

    /// <summary>Everything after the event with this id: first what was missed, then what happens.</summary>
    public async IAsyncEnumerable<StoredEvent> From(long id, [EnumeratorCancellation] CancellationToken until)
    {
        using var subscription = await Subscribe(until);
        var after = await _store.Read(r => EventLog.PositionOf(r, id), until);
        while (after < subscription.After)
        {
            var missed = await _store.Read(r => EventLog.Next(r, after, 500), until);
            if (missed.Count == 0)
                break;
            await _directory.Refresh(until);
            foreach (var known in missed)
                yield return known;
            after = missed[^1].Position;
        }
        await foreach (var fresh in subscription.News.ReadAllAsync(until))
        {
            if (fresh.Position > after)
                yield return fresh;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                // When nothing rings, because a notification may be lost.
                await _doorbell.WaitAsync(
                    _listeners.IsEmpty ? Timeout.InfiniteTimeSpan : _store.IdleWait,
                    stoppingToken
                );
                try
                {
                    await LookOnce(stoppingToken);
                }
                catch (StoreUnavailable unavailable)
                {
                    Log.CannotFollow(_log, unavailable.Message);
                    await Task.Delay(AfterFailure, stoppingToken);
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    // Listeners who wait for news that cannot be read come back and say what they have.
                    Log.Failed(_log, failure);
                    LetAllGo();
                    await Task.Delay(AfterFailure, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            LetAllGo();
        }
    }

    private async Task LookOnce(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (_listeners.IsEmpty)
                _delivered = null;
            while (_delivered is { } delivered)
            {
                var found = await _store.Read(r => EventLog.Next(r, delivered, PageSize), cancel);
                if (found.Count == 0)
                    return;
                // So that whoever was shut out before one of these events is known to be shut out when it is delivered.
                await _directory.Refresh(cancel);
                foreach (var fresh in found)
                {
                    foreach (var listener in _listeners.Keys)
                        listener.Tell(fresh);
                }
                _delivered = found[^1].Position;
            }
        }
        finally
        {
            _one.Release();
        }
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
            _doorbell.Set();
    }

    public override void Dispose()
    {
        base.Dispose();
        _doorbell.Dispose();
        _one.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Events can't be followed: {Reason}")]
        public static partial void CannotFollow(ILogger log, string reason);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "Following events failed; open streams end and will be reopened"
        )]
        public static partial void Failed(ILogger log, Exception failure);
    }
}

/// <summary>
/// One listener's news. Dispose it when nobody reads it any more; nothing is kept for it from then on.
/// </summary>
public sealed class Subscription : IDisposable
{
    private readonly EventFeed _feed;
    private readonly string? _subject;
    private readonly Channel<StoredEvent> _channel;

    internal Subscription(EventFeed feed, string? subject, int maxBehind, long after)
    {
        (_feed, _subject, After) = (feed, subject, after);
        _channel = Channel.CreateBounded<StoredEvent>(new BoundedChannelOptions(maxBehind) { SingleReader = true });
    }

    /// <summary>Ends when the server stops, or when the reader is too far behind.</summary>
    public ChannelReader<StoredEvent> News => _channel.Reader;

    /// <summary>Only events above this position are told; those up to it are all in the store.</summary>
    internal long After { get; }

    internal void Tell(StoredEvent fresh)
    {
        if (fresh.Position <= After || (_subject is not null && fresh.Subject != _subject))
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
