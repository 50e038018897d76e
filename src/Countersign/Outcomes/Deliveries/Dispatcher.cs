using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>
/// Sends what is due, on any node. Each endpoint has a pump of its own while something is due there: a bounded number of
/// calls at once, never more in memory than that, and nobody waits for anybody else's receiver.
/// </summary>
public sealed partial class Dispatcher(Store store, IEnumerable<IChannel> channels, RecordAttempt record, OutcomeOptions options, EgressOptions egress, ILogger<Dispatcher> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    /// <summary>What was under way when the server stops has so long to end.</summary>
    private static readonly TimeSpan LastCalls = TimeSpan.FromSeconds(8);

    /// <summary>Rows given up per transaction when an endpoint is switched off.</summary>
    private const int Chunk = 100;

    private readonly Dictionary<string, IChannel> _channels = channels.ToDictionary(c => c.Name);
    private readonly Dictionary<string, Task> _pumps = [];
    private readonly Lock _pumping = new();
    private readonly SemaphoreSlim _doorbell = new(0, 1);
    private readonly CancellationTokenSource _calls = new();
    private readonly string _node = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private long _claims;

    /// <summary>Longer than any send can take, so that a claim that ended belongs to a node that died.</summary>
    private TimeSpan LeaseLength => (egress.Patience * 2) + TimeSpan.FromSeconds(30);

    /// <summary>Something may be due now.</summary>
    public void Ring()
    {
        try
        {
            if (_doorbell.CurrentCount == 0)
                _doorbell.Release();
        }
        catch (SemaphoreFullException)
        {
        }
    }

    /// <summary>Sends all that is due now, and what becomes due by that, and returns when it is recorded.</summary>
    public async Task Drain(CancellationToken cancel = default)
    {
        while (true)
        {
            await Start(cancel);
            var running = Running();
            if (running.Length == 0)
                return;
            await Task.WhenAll(running).WaitAsync(cancel);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                try
                {
                    await Start(stoppingToken);
                }
                catch (StoreUnavailable unavailable)
                {
                    Log.CannotSend(log, unavailable.Message);
                }
                await _doorbell.WaitAsync(Look, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Pumps start no further calls once this is set to end; those under way are recorded if they end in time.
        _calls.CancelAfter(LastCalls);
        await Task.WhenAll(Running()).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>A pump for each endpoint that has something due and none yet.</summary>
    private async Task Start(CancellationToken cancel)
    {
        var endpoints = await store.Read(reader => reader.All<EndpointRow>(
            """
            SELECT e.name, e.failures, e.held_until, e.stopped_at,
              (SELECT min(d.due_at) FROM deliveries d WHERE d.endpoint = e.name AND d.state = 'due') AS next
            FROM endpoints e
            """), cancel);
        var now = Instant.ToText(store.Now);
        foreach (var endpoint in endpoints)
        {
            if (endpoint.Next is null || (endpoint.StoppedAt is null && (Later(endpoint.Next, now) || (endpoint.HeldUntil is { } held && Later(held, now)))))
                continue;
            lock (_pumping)
            {
                if (!_pumps.ContainsKey(endpoint.Name))
                    _pumps[endpoint.Name] = Task.Run(() => Pump(endpoint, cancel), CancellationToken.None);
            }
        }
    }

    private Task[] Running()
    {
        lock (_pumping)
            return [.. _pumps.Values];
    }

    private static bool Later(string time, string now) => string.CompareOrdinal(time, now) > 0;

    private async Task Pump(EndpointRow endpoint, CancellationToken stopping)
    {
        try
        {
            if (endpoint.StoppedAt is not null)
                await GiveUp(endpoint.Name, stopping);
            else
                await Send(endpoint, stopping);
        }
        catch (StoreUnavailable unavailable)
        {
            Log.CannotSend(log, unavailable.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested || _calls.IsCancellationRequested)
        {
        }
        finally
        {
            lock (_pumping)
                _pumps.Remove(endpoint.Name);
            Ring();
        }
    }

    private async Task Send(EndpointRow endpoint, CancellationToken stopping)
    {
        var probing = endpoint.Failures >= RecordAttempt.FailuresUntilHeld;
        var most = probing ? 1 : Math.Min(options.CallsPerReceiver, MostAtOnce(endpoint.Name));
        var running = new List<Task>(most);
        var stop = false;
        while (true)
        {
            var none = false;
            // Claimed some at a time: a transaction per call would cost as much as the call.
            if (!stop && !stopping.IsCancellationRequested && (running.Count == 0 || most - running.Count >= most / 2))
            {
                var claim = $"{_node}:{Interlocked.Increment(ref _claims).ToString(CultureInfo.InvariantCulture)}";
                var claimed = await Line.Claim(store, endpoint.Name, most - running.Count, claim, LeaseLength, CancellationToken.None);
                running.AddRange(claimed.Select(SendOne));
                stop = probing;
                none = claimed.Count == 0;
            }
            if (running.Count == 0)
                return;
            // What becomes due meanwhile does not wait until a slow call ends.
            await Task.WhenAny(none ? [.. running, Task.Delay(Look, CancellationToken.None)] : running);
            foreach (var done in running.Where(r => r.IsCompleted).ToList())
            {
                running.Remove(done);
                // Whoever fails is looked at anew, with what its row says by now.
                stop |= !await (Task<bool>)done;
            }
        }
    }

    /// <summary>An endpoint's name begins with its channel's.</summary>
    private int MostAtOnce(string endpoint) => _channels.TryGetValue(endpoint.Split(':')[0], out var channel) ? channel.MostAtOnce : int.MaxValue;

    /// <summary>False when it failed.</summary>
    private async Task<bool> SendOne(Delivery delivery)
    {
        var began = Stopwatch.GetTimestamp();
        SendOutcome outcome;
        try
        {
            outcome = _channels.TryGetValue(delivery.Channel, out var channel)
                ? await channel.Send(delivery, _calls.Token)
                : new SendOutcome.Failed(Failure.NotConfigured) { Answer = "This node does not know the channel." };
        }
        catch (Exception fault) when (fault is not OperationCanceledException and not StoreUnavailable)
        {
            // A mistake of ours in one message must not stop those behind it for ever: it is recorded like any failure.
            Log.Fault(log, fault, delivery.Id, delivery.Channel);
            outcome = new SendOutcome.Failed(Failure.NotConfigured) { Answer = $"It could not be made: {fault.GetType().Name}.", Final = false };
        }
        var took = Stopwatch.GetElapsedTime(began);
        if (!await record.Run(delivery, outcome, took, CancellationToken.None))
            Log.ClaimEnded(log, delivery.Id);
        else if (outcome is SendOutcome.Failed failed)
            Log.Failed(log, delivery.Id, delivery.Kind, delivery.Endpoint, failed.Failure, delivery.Tries + 1);
        else
            Log.Sent(log, delivery.Id, delivery.Kind, delivery.Endpoint, (long)took.TotalMilliseconds);
        return outcome is not SendOutcome.Failed;
    }

    /// <summary>What waits for an endpoint that was switched off is kept as failed; it can be sent again by hand.</summary>
    private async Task GiveUp(string endpoint, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            var given = await store.InTransaction(async tx =>
            {
                var some = await tx.All<Delivery>(
                    $"""
                    UPDATE deliveries SET state = 'failed', claim = NULL, settled_at = @now WHERE id IN (
                      SELECT id FROM deliveries WHERE endpoint = @endpoint AND state = 'due' LIMIT {Chunk}{tx.SkipLocked})
                    RETURNING id, event_id, kind, subject, receiver, channel, endpoint, attempts, tries, digest, sent, created_at, '' AS claim
                    """,
                    new { endpoint, now = tx.Now });
                foreach (var one in some)
                    await Line.Release(tx, one.Receiver, one.Channel, one.Subject);
                return some.Count;
            }, cancel);
            if (given == 0)
                return;
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _doorbell.Dispose();
        _calls.Dispose();
    }

    private sealed class EndpointRow
    {
        public required string Name { get; init; }
        public long Failures { get; init; }
        public string? HeldUntil { get; init; }
        public string? StoppedAt { get; init; }
        public string? Next { get; init; }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Delivery {Id} ({Kind}) arrived at {Endpoint} after {Milliseconds} ms")]
        public static partial void Sent(ILogger log, long id, string kind, string endpoint, long milliseconds);

        [LoggerMessage(Level = LogLevel.Information, Message = "Delivery {Id} ({Kind}) to {Endpoint} failed: {Failure}, attempt {Attempt}")]
        public static partial void Failed(ILogger log, long id, string kind, string endpoint, Failure failure, long attempt);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Delivery {Id} took longer than its claim; another node sends it")]
        public static partial void ClaimEnded(ILogger log, long id);

        [LoggerMessage(Level = LogLevel.Error, Message = "Delivery {Id} through {Channel} could not be made")]
        public static partial void Fault(ILogger log, Exception fault, long id, string channel);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Nothing can be sent for now: {Reason}")]
        public static partial void CannotSend(ILogger log, string reason);
    }
}
