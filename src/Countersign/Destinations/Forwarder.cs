using System.Collections.Concurrent;
using System.Security.Cryptography;
using Countersign.Destinations.Links;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>
/// Hands questions over and looks after them, on every node. Each destination has a lane of its own that runs while
/// something is due there, so a slow one holds up nobody else; what a lane works on it has claimed before.
/// </summary>
internal sealed partial class Forwarder : BackgroundService
{
    /// <summary>Looks for due links when nothing rings.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(300);

    /// <summary>While there are no destinations.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);

    /// <summary>How long calls under way may still take when the server stops.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(8);

    /// <summary>A call that could not begin this soon after its claim is left to whoever claims it next.</summary>
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(1);

    private readonly Store _store;
    private readonly DestinationBook _book;
    private readonly ClaimDue _claim;
    private readonly RecordExchange _record;
    private readonly DestinationCalls _calls;
    private readonly DestinationOptions _options;
    private readonly ILogger<Forwarder> _log;
    private readonly string _holder = Lease.NewHolder();
    private readonly ConcurrentDictionary<long, Task> _lanes = new();
    private readonly Doorbell _doorbell = new();
    private readonly CancellationTokenSource _farewell = new();
    private bool _hasDestinations;

    public Forwarder(Store store, DestinationBook book, ClaimDue claim, RecordExchange record, DestinationCalls calls, DestinationOptions options, ILogger<Forwarder> log)
    {
        (_store, _book, _claim, _record, _calls, _options, _log) = (store, book, claim, record, calls, options, log);
        store.EventsCommitted += _ => Ring();
    }

    /// <summary>There may be something to do at once.</summary>
    public void Ring() => _doorbell.Ring();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var stopping = stoppingToken.Register(() => _farewell.CancelAfter(Farewell));
        try
        {
            while (true)
            {
                await Look(stoppingToken);
                // While there are no destinations, nobody's writing makes work here.
                if (_hasDestinations)
                    await _doorbell.Heard(Tick, stoppingToken);
                else
                    await Task.Delay(Idle, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        finally
        {
            await Task.WhenAll(_lanes.Values);
        }
    }

    /// <summary>Works off everything that is due, and returns when nothing is; what the tests call instead of waiting.</summary>
    internal async Task Drain(CancellationToken cancel)
    {
        while (true)
        {
            await Look(cancel);
            if (_lanes.IsEmpty)
                return;
            await Task.WhenAll(_lanes.Values);
        }
    }

    private async Task Look(CancellationToken cancel)
    {
        try
        {
            var destinations = await _book.All(cancel);
            _hasDestinations = destinations.Count > 0;
            if (!_hasDestinations)
                return;
            foreach (var id in await _claim.Destinations(cancel))
            {
                if (!destinations.TryGetValue(id, out var destination) || _lanes.ContainsKey(id))
                    continue;
                var started = new TaskCompletionSource();
                _lanes[id] = Lane(destination, started.Task, cancel);
                started.SetResult();
            }
        }
        catch (StoreUnavailable unavailable)
        {
            Log.PutOff(_log, unavailable.Message);
        }
    }

    private async Task Lane(Destination destination, Task started, CancellationToken cancel)
    {
        await started;
        var running = new List<Task>();
        try
        {
            while (true)
            {
                running.RemoveAll(t => t.IsCompleted);
                var room = ClaimDue.MostAtATime - running.Count;
                // A few at a time, so that one claim serves several.
                if (room >= ClaimDue.MostAtATime / 4)
                {
                    var claims = await _claim.Run(destination.Id, _holder, room, cancel);
                    var since = Environment.TickCount64;
                    var questions = claims.Count == 0 ? [] : await Questions.Of(_store, destination, [.. claims.Select(c => c.Link)], _options.BaseUrl, cancel);
                    running.AddRange(claims.Select(c => One(destination, c.Link, questions.GetValueOrDefault(c.Link.Id), since, cancel)));
                    if (running.Count == 0)
                        return;
                }
                await Task.WhenAny(running);
            }
        }
        catch (StoreUnavailable unavailable)
        {
            Log.PutOff(_log, unavailable.Message);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
        finally
        {
            await Task.WhenAll(running);
            _lanes.TryRemove(destination.Id, out _);
        }
    }

    private async Task One(Destination destination, Link link, Manifest.Question? question, long since, CancellationToken cancel)
    {
        await Task.Yield();
        try
        {
            if (question is null || Environment.TickCount64 - since > Stale.TotalMilliseconds)
                return;
            var (exchanged, shown) = await _calls.Proceed(destination, link, question, _farewell.Token);
            Log.Exchanged(_log, destination.Id, link.Id, exchanged.GetType().Name);
            if (exchanged is Exchanged.Told { Heard.MatchedBoth: true } or Exchanged.Opened { Heard.MatchedBoth: true })
                Log.Both(_log, destination.Id, link.Id);
            // Taken down also while the server stops: what was opened must not be forgotten.
            await _record.Run(destination, link, _holder, exchanged, shown, RandomNumberGenerator.GetInt32(1000) / 1000.0, CancellationToken.None);
        }
        catch (OperationCanceledException) when (_farewell.IsCancellationRequested)
        {
            // The claim runs out, and whoever finds it knows that the call may have arrived.
        }
        catch (StoreUnavailable unavailable)
        {
            Log.PutOff(_log, unavailable.Message);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _doorbell.Dispose();
        _farewell.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Destination {Destination}, link {Link}: {Outcome}")]
        public static partial void Exchanged(ILogger log, long destination, long link, string outcome);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Destination {Destination}, link {Link}: the status matches both patterns of the manifest and counts as declined")]
        public static partial void Both(ILogger log, long destination, long link);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Destinations are put off: {Reason}")]
        public static partial void PutOff(ILogger log, string reason);
    }
}
