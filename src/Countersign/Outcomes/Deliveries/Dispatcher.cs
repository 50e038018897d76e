using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>
/// Sends what is due, on any node. Each endpoint has a pump of its own while something is due there: a bounded number of
/// calls at once, never more in memory than that, and nobody waits for anybody else's receiver.
/// </summary>
public sealed partial class Dispatcher(Store store, IEnumerable<IChannel> channels, RecordAttempt record, OutcomeOptions options, EgressOptions egress, ILogger<Dispatcher> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Shortly = TimeSpan.FromMilliseconds(5);

    /// <summary>What was under way when the server stops has so long to end.</summary>
    private static readonly TimeSpan LastCalls = TimeSpan.FromSeconds(8);

    /// <summary>Claims begin at this many times the calls at once, and grow while all goes well: a claim is a write, whatever its size.</summary>
    private const int FirstClaim = 2, LargestClaim = 16;

    /// <summary>Rows given up per transaction when an endpoint is switched off.</summary>
    private const int Chunk = 100;

    private readonly FailedWork _failed = new(store);
    private readonly Dictionary<string, IChannel> _channels = channels.ToDictionary(c => c.Name);
    private readonly Dictionary<string, Task> _pumps = [];
    private readonly Lock _pumping = new();
    private readonly Doorbell _doorbell = new();
    private readonly CancellationTokenSource _calls = new();
    private readonly string _node = Lease.NewHolder();
    private long _claims;

    /// <summary>No send takes longer; what cannot be sent before its claim ends is given back.</summary>
    private TimeSpan LongestSend => egress.Patience * 2;

    /// <summary>So that a claim that ended belongs to a node that died.</summary>
    private TimeSpan LeaseLength => LongestSend + TimeSpan.FromSeconds(30);

    /// <summary>Something may be due now.</summary>
    public void Ring() => _doorbell.Ring();

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

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new WorkLoop("deliveries", log).Run(cancel => _doorbell.Heard(Look, cancel), Start, stoppingToken);

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
        catch (Exception fault)
        {
            // The endpoint is left alone for a moment, and the others do not notice.
            Log.PumpFailed(log, fault, endpoint.Name);
            await Task.Delay(AfterFault, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            lock (_pumping)
                _pumps.Remove(endpoint.Name);
            Ring();
        }
    }

    /// <summary>
    /// Claims, calls and marks go on side by side: a call's place is free as soon as it has ended, while what became of it is
    /// still being written, and what is claimed next is fetched meanwhile. All three are bounded.
    /// </summary>
    private async Task Send(EndpointRow endpoint, CancellationToken stopping)
    {
        var probing = endpoint.Failures >= RecordAttempt.FailuresUntilHeld;
        var most = probing ? 1 : Math.Min(options.CallsPerReceiver, MostAtOnce(endpoint.Name));
        var flow = new Flow(this, most);
        var callers = Enumerable.Range(0, most).Select(_ => Task.Run(flow.Work, CancellationToken.None)).ToArray();
        var marker = Task.Run(flow.Mark, CancellationToken.None);
        try
        {
            var wait = Shortly;
            var size = FirstClaim;
            while (!flow.Stops && !stopping.IsCancellationRequested)
            {
                var claimed = await Claim(endpoint.Name, probing ? 1 : most * size);
                if (claimed.Count == 0)
                {
                    if (flow.IsEmpty)
                        break;
                    // What becomes due meanwhile, by what is being marked or by the clock, does not wait until a slow call ends.
                    await Task.Delay(wait, CancellationToken.None);
                    wait = wait * 2 < Look ? wait * 2 : Look;
                    continue;
                }
                wait = Shortly;
                size = Math.Min(size * 2, LargestClaim);
                await flow.Take(claimed);
                if (probing)
                    break;
            }
        }
        finally
        {
            await flow.End(callers, marker);
        }
        if (flow.NotSent.Count > 0)
            await Line.LetGo(store, flow.NotSent);
    }

    private void NotMarked(Exception fault) => Log.PumpFailed(log, fault, "marks");

    private Task<List<Delivery>> Claim(string endpoint, int most) => Line.Claim(
        store, endpoint, most, $"{_node}:{Interlocked.Increment(ref _claims).ToString(CultureInfo.InvariantCulture)}", LeaseLength, CancellationToken.None);

    /// <summary>An endpoint's name begins with its channel's.</summary>
    private int MostAtOnce(string endpoint) => _channels.TryGetValue(endpoint.Split(':')[0], out var channel) ? channel.MostAtOnce : int.MaxValue;

    /// <summary>What is under way at one endpoint: claimed, being sent, being marked.</summary>
    private sealed class Flow(Dispatcher dispatcher, int most)
    {
        /// <summary>So many may be sent and not yet marked: a mark waits for the disk, a call need not.</summary>
        private const int MarksPerCall = 16;

        private readonly Channel<Delivery> _ready = Channel.CreateBounded<Delivery>(most);
        private readonly Channel<Attempt> _sent = Channel.CreateBounded<Attempt>(new BoundedChannelOptions(most * MarksPerCall) { SingleReader = true });
        private readonly List<Delivery> _notSent = [];
        private StoreUnavailable? _unavailable;
        private int _under;
        private volatile bool _stops;

        /// <summary>A call failed, or calls take long: whoever comes next looks first how the endpoint does, and claims less.</summary>
        public bool Stops => _stops;

        public bool IsEmpty => Volatile.Read(ref _under) == 0;

        public List<Delivery> NotSent => _notSent;

        public async Task Take(List<Delivery> claimed)
        {
            Interlocked.Add(ref _under, claimed.Count);
            foreach (var delivery in claimed)
                await _ready.Writer.WriteAsync(delivery);
        }

        public async Task Work()
        {
            await foreach (var delivery in _ready.Reader.ReadAllAsync())
            {
                _stops |= dispatcher.EndsTooSoon(delivery);
                if (_stops)
                {
                    lock (_notSent)
                        _notSent.Add(delivery);
                    Interlocked.Decrement(ref _under);
                    continue;
                }
                try
                {
                    var attempt = await dispatcher.SendOne(delivery);
                    _stops |= attempt.Outcome is SendOutcome.Failed;
                    await _sent.Writer.WriteAsync(attempt);
                }
                catch (Exception ended) when (ended is OperationCanceledException or StoreUnavailable)
                {
                    // Its claim ends by itself.
                    _unavailable = ended as StoreUnavailable ?? _unavailable;
                    _stops = true;
                    Interlocked.Decrement(ref _under);
                }
            }
        }

        /// <summary>Writes down together what ended while the last writing lasted.</summary>
        public async Task Mark()
        {
            var attempts = new List<Attempt>();
            while (await _sent.Reader.WaitToReadAsync())
            {
                attempts.Clear();
                while (_sent.Reader.TryRead(out var attempt))
                    attempts.Add(attempt);
                try
                {
                    await dispatcher.Mark(attempts);
                }
                catch (StoreUnavailable unavailable)
                {
                    (_unavailable, _stops) = (unavailable, true);
                }
                catch (Exception fault)
                {
                    // Their claims end by themselves; what is behind them is still marked.
                    dispatcher.NotMarked(fault);
                    _stops = true;
                }
                Interlocked.Add(ref _under, -attempts.Count);
            }
        }

        /// <summary>Sends and marks what is under way, and nothing more.</summary>
        public async Task End(Task[] callers, Task marker)
        {
            _ready.Writer.TryComplete();
            await Task.WhenAll(callers);
            _sent.Writer.TryComplete();
            await marker;
            if (_unavailable is not null)
                throw _unavailable;
        }
    }

    private async Task<Attempt> SendOne(Delivery delivery)
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
            outcome = new SendOutcome.Failed(Failure.NotConfigured) { Answer = $"It could not be made: {fault.GetType().Name}." };
        }
        return new Attempt(delivery, outcome, Stopwatch.GetElapsedTime(began));
    }

    private bool EndsTooSoon(Delivery delivery) => Later(Instant.ToText(store.Now + LongestSend), delivery.DueAt);

    /// <summary>
    /// Several together; where one of them cannot be recorded, each by itself. That one is sent again when its claim ends,
    /// and fails for good after <see cref="FailedWork.MaxAttempts"/>.
    /// </summary>
    private async Task Mark(List<Attempt> attempts)
    {
        try
        {
            await MarkTogether(attempts);
        }
        catch (Exception fault) when (FailedWork.IsItsOwn(fault))
        {
            if (attempts is not [var one])
            {
                foreach (var attempt in attempts)
                    await Mark([attempt]);
                return;
            }
            var delivery = one.Delivery;
            Log.NotRecorded(log, fault, delivery.Id, delivery.Channel);
            await _failed.Record(FailedWork.Delivery, delivery.Id.ToString(CultureInfo.InvariantCulture), delivery.Subject, fault, whenSetAside: async tx =>
            {
                await tx.Execute("UPDATE deliveries SET state = 'failed', claim = NULL, settled_at = @now WHERE id = @id AND state = 'due'", new { id = delivery.Id, now = tx.Now });
                await Line.Release(tx, delivery.Receiver, delivery.Channel, delivery.Subject);
            });
        }
    }

    private async Task MarkTogether(List<Attempt> attempts)
    {
        var ended = await record.Run(attempts, CancellationToken.None);
        foreach (var attempt in attempts)
        {
            var delivery = attempt.Delivery;
            if (ended.Contains(attempt))
                Log.ClaimEnded(log, delivery.Id);
            else if (attempt.Outcome is SendOutcome.Failed failed)
                Log.Failed(log, delivery.Id, delivery.Kind, delivery.Endpoint, failed.Failure, delivery.Tries + 1);
            else
                Log.Sent(log, delivery.Id, delivery.Kind, delivery.Endpoint, (long)attempt.Took.TotalMilliseconds);
        }
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
                    RETURNING id, event_id, kind, subject, receiver, channel, endpoint, attempts, tries, digest, sent, created_at, '' AS claim, due_at
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

        [LoggerMessage(Level = LogLevel.Error, Message = "Delivery {Id} through {Channel} was sent, and could not be recorded")]
        public static partial void NotRecorded(ILogger log, Exception fault, long id, string channel);

        [LoggerMessage(Level = LogLevel.Error, Message = "Sending to {Endpoint} failed and will be tried again")]
        public static partial void PumpFailed(ILogger log, Exception fault, string endpoint);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Nothing can be sent for now: {Reason}")]
        public static partial void CannotSend(ILogger log, string reason);
    }
}
