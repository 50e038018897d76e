using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>
/// News as it happens, on every node: follows the event log while anyone listens. Writers of this process wake it at
/// once; others are noticed within a quarter of a second. On PostgreSQL an event may appear after one with a higher
/// number, so numbers left out are looked for again until no transaction can still bring them.
/// </summary>
public sealed partial class EventFeed : BackgroundService
{
    /// <summary>A listener this far behind is let go; it comes back with the number of its last event.</summary>
    private const int FarthestBehind = 2_000;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestTransaction = TimeSpan.FromMinutes(1);

    private readonly Store _store;
    private readonly ILogger<EventFeed> _log;
    private readonly ConcurrentDictionary<Channel<StoredEvent>, bool> _listeners = new();
    private readonly Doorbell _doorbell = new();
    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<long, long> _leftOut = [];
    private bool _following;
    private long _last;

    public EventFeed(Store store, ILogger<EventFeed> log)
    {
        (_store, _log) = (store, log);
        store.EventsCommitted += _ => Ring();
    }

    /// <summary>What happens from this call on, until the token ends it or the server stops.</summary>
    public async Task<ChannelReader<StoredEvent>> Subscribe(CancellationToken until)
    {
        var channel = Channel.CreateBounded<StoredEvent>(new BoundedChannelOptions(FarthestBehind) { SingleReader = true });
        await _one.WaitAsync(until);
        try
        {
            if (!_following)
            {
                _last = await _store.Read(r => r.Number("SELECT max(id) FROM events"), until);
                _leftOut.Clear();
                _following = true;
            }
            _listeners[channel] = true;
        }
        finally
        {
            _one.Release();
        }
        until.UnsafeRegister(_ => Leave(channel), null);
        Ring();
        return channel.Reader;
    }

    /// <summary>Everything after event <paramref name="after"/>: first what was missed, then what happens.</summary>
    public async IAsyncEnumerable<StoredEvent> From(long after, [EnumeratorCancellation] CancellationToken until)
    {
        var news = await Subscribe(until);
        var sent = new HashSet<long>();
        List<StoredEvent> missed;
        do
        {
            missed = await _store.Read(r => r.All<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events WHERE id > @after ORDER BY id LIMIT 500", new { after }), until);
            foreach (var known in missed)
            {
                yield return known;
                sent.Add(after = known.Id);
            }
        }
        while (missed.Count > 0);
        await foreach (var fresh in news.ReadAllAsync(until))
        {
            if (!sent.Remove(fresh.Id))
                yield return fresh;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await _doorbell.Heard(_listeners.IsEmpty ? Timeout.InfiniteTimeSpan : Look, stoppingToken);
                try
                {
                    await LookOnce(stoppingToken);
                }
                catch (StoreUnavailable unavailable)
                {
                    Log.CannotFollow(_log, unavailable.Message);
                    await Task.Delay(Look, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            foreach (var channel in _listeners.Keys)
                Leave(channel);
        }
    }

    private async Task LookOnce(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            _following = !_listeners.IsEmpty;
            if (!_following)
                return;
            foreach (var fresh in await Fresh(cancel))
            {
                foreach (var channel in _listeners.Keys)
                {
                    if (!channel.Writer.TryWrite(fresh))
                        Leave(channel);
                }
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<List<StoredEvent>> Fresh(CancellationToken cancel)
    {
        var now = Environment.TickCount64;
        foreach (var (id, noticed) in _leftOut)
        {
            if (now - noticed > LongestTransaction.TotalMilliseconds)
                _leftOut.Remove(id);
        }
        var late = _leftOut.Count == 0 ? "" : $" OR id IN ({string.Join(',', _leftOut.Keys)})";
        var fresh = await _store.Read(r => r.All<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events WHERE id > @last{late} ORDER BY id LIMIT 1000", new { last = _last }), cancel);
        foreach (var found in fresh)
        {
            _leftOut.Remove(found.Id);
            // A gap wider than this is a restored backup or a skipped sequence, not transactions under way.
            for (var id = Math.Max(_last + 1, found.Id - 1_000); id < found.Id; id++)
                _leftOut.TryAdd(id, now);
            _last = Math.Max(_last, found.Id);
        }
        return fresh;
    }

    private void Leave(Channel<StoredEvent> channel)
    {
        _listeners.TryRemove(channel, out _);
        channel.Writer.TryComplete();
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

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Events cannot be followed: {Reason}")]
        public static partial void CannotFollow(ILogger log, string reason);
    }
}
