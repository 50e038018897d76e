using System.Collections.Concurrent;
using Countersign.Destinations.Links;
using Countersign.Storage;
using Countersign.Work;

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

    private readonly Store _store;
    private readonly DestinationBook _book;
    private readonly ClaimDue _claim;
    private readonly TakeTurn _turn;
    private readonly DestinationCalls _calls;
    private readonly DestinationOptions _options;
    private readonly ILogger<Forwarder> _log;
    private readonly ConcurrentDictionary<long, (Lane Lane, Task Running)> _lanes = new();
    private readonly Doorbell _doorbell = new();
    private readonly CancellationTokenSource _farewell = new();
    private bool _hasDestinations = true;

    public Forwarder(Store store, DestinationBook book, ClaimDue claim, TakeTurn turn, DestinationCalls calls, DestinationOptions options, ILogger<Forwarder> log)
    {
        (_store, _book, _claim, _turn, _calls, _options, _log) = (store, book, claim, turn, calls, options, log);
    }

    /// <summary>There may be something to do at once.</summary>
    public void Ring() => _doorbell.Ring();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var stopping = stoppingToken.Register(() => _farewell.CancelAfter(Farewell));
        try
        {
            // While there are no destinations, nobody's writing makes work here.
            await new WorkLoop("destinations", _log).Run(
                cancel => _hasDestinations ? _doorbell.Heard(Tick, cancel) : Task.Delay(Idle, cancel), Look, stoppingToken);
        }
        finally
        {
            await Task.WhenAll(Running());
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
            await Task.WhenAll(Running());
        }
    }

    private IEnumerable<Task> Running() => _lanes.Values.Select(l => l.Running);

    private async Task Look(CancellationToken cancel)
    {
        try
        {
            var destinations = await _book.All(cancel);
            _hasDestinations = destinations.Count > 0;
            if (!_hasDestinations)
                return;
            foreach (var (id, (running, _)) in _lanes)
            {
                if (destinations.TryGetValue(id, out var destination))
                    running.Ring(destination);
            }
            // Only where nobody is at it: a busy lane finds out for itself, and its claims would have to be gone through.
            var resting = destinations.Values.Where(d => !d.IsPaused && !_lanes.ContainsKey(d.Id)).Select(d => d.Id).ToList();
            foreach (var id in resting.Count > 0 ? await _claim.Due(resting, cancel) : [])
            {
                var destination = destinations[id];
                var (lane, started) = (new Lane(_store, _turn, _calls, _options.BaseUrl, _log, _farewell.Token), new TaskCompletionSource());
                lane.Ring(destination);
                _lanes[id] = (lane, Run(lane, id, started.Task, cancel));
                started.SetResult();
            }
        }
        catch (StoreUnavailable unavailable)
        {
            Log.PutOff(_log, unavailable.Message);
        }
    }

    private async Task Run(Lane lane, long destination, Task started, CancellationToken cancel)
    {
        await started;
        try
        {
            await lane.Run(cancel);
        }
        catch (Exception fault)
        {
            // This destination is left alone for a moment, and the others do not notice.
            Log.LaneFailed(_log, fault, destination);
            await Task.Delay(Idle, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            _lanes.TryRemove(destination, out _);
            lane.Dispose();
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
        [LoggerMessage(Level = LogLevel.Error, Message = "Destination {Destination} failed and will be tried again")]
        public static partial void LaneFailed(ILogger log, Exception fault, long destination);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Destinations are put off: {Reason}")]
        public static partial void PutOff(ILogger log, string reason);
    }
}
