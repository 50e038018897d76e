using System.Diagnostics;
using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>
/// Sends one delivery: a number of calls at once per endpoint, one at a time where it keeps failing, none while it is
/// held.
/// </summary>
public sealed partial class SendDelivery(
    Store store,
    IEnumerable<IChannel> channels,
    RecordAttempt record,
    OutcomeOptions options,
    EgressOptions egress,
    ILogger<SendDelivery> log
) : IJobHandler
{
    /// <summary>What waits for an endpoint that was switched off only needs to be written down.</summary>
    private const int AtOnceWhereStopped = 50;

    private readonly Dictionary<string, IChannel> _channels = channels.ToDictionary(c => c.Name);

    public string Kind => DeliveryJob.JobKind;

    /// <summary>Channels bound their calls themselves; this is for what hangs all the same.</summary>
    public TimeSpan MaxRun => egress.Patience + TimeSpan.FromSeconds(30);

    public async ValueTask<int> AtOnce(Reader reader, string receiver)
    {
        var most = Math.Min(
            options.CallsPerReceiver,
            _channels.TryGetValue(receiver.Split(':')[0], out var channel) ? channel.MaxAtOnce : int.MaxValue
        );
        var endpoint = await reader.First<EndpointRow>(
            "SELECT failures, held_until, stopped_at FROM endpoints WHERE name = @receiver",
            new { receiver }
        );
        return endpoint is null ? most
            : endpoint.StoppedAt is not null ? AtOnceWhereStopped
            : endpoint.HeldUntil is { } held && string.CompareOrdinal(held, Instant.ToText(store.Now)) > 0 ? 0
            : endpoint.Failures == 0 ? most
            : (int)Math.Clamp(RecordAttempt.FailuresUntilHeld - endpoint.Failures, 1, most);
    }

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = long.Parse(job.Key, CultureInfo.InvariantCulture);
        var (delivery, isStopped) = await store.Read(
            async reader =>
                (
                    await reader.First<Delivery>(
                        $"SELECT {Delivery.Columns} FROM deliveries WHERE id = @id AND state IN ('due', 'failed')",
                        new { id }
                    ),
                    await reader.Number(
                        """
                        SELECT count(*) FROM endpoints e JOIN deliveries d ON d.endpoint = e.name
                        WHERE d.id = @id AND e.stopped_at IS NOT NULL
                        """,
                        new { id }
                    ) > 0
                ),
            cancel
        );
        if (delivery is null)
            return new JobResult.Done();
        if (isStopped)
            return new JobResult.Done(tx => Settle(tx, id, "failed"));
        var attempt = await Send(delivery, cancel);
        if (attempt.Outcome is SendOutcome.NotYet later)
            return new JobResult.Again(store.Now + later.Wait);
        if (attempt.Outcome is SendOutcome.Failed failed)
            Log.Failed(log, id, delivery.Kind, delivery.Endpoint, failed.Failure, delivery.Tries + 1);
        else
            Log.Sent(log, id, delivery.Kind, delivery.Endpoint, (long)attempt.Took.TotalMilliseconds);
        var plan = record.PlanFor(attempt);
        if (plan.Wait is not { } wait)
            return new JobResult.Done(tx => record.Write(tx, plan));
        var why = ((SendOutcome.Failed)attempt.Outcome).Failure.Word();
        return new JobResult.Again(store.Now + wait, why) { Write = tx => record.Write(tx, plan) };
    }

    /// <summary>It was sent, or not, and that could not be recorded again and again.</summary>
    public ValueTask WhenSetAside(Tx tx, Job job) =>
        Settle(tx, long.Parse(job.Key, CultureInfo.InvariantCulture), "failed");

    public ValueTask WhenDiscarded(Tx tx, string key) =>
        Settle(tx, long.Parse(key, CultureInfo.InvariantCulture), "dropped");

    private static async ValueTask Settle(Tx tx, long id, string state) =>
        await tx.Execute(
            "UPDATE deliveries SET state = @state, settled_at = @now WHERE id = @id AND state = 'due'",
            new
            {
                id,
                state,
                now = tx.Now,
            }
        );

    private async Task<Attempt> Send(Delivery delivery, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        SendOutcome outcome;
        try
        {
            outcome = _channels.TryGetValue(delivery.Channel, out var channel)
                ? await channel.Send(delivery, cancel)
                : new SendOutcome.Failed(Failure.NotConfigured) { Answer = "This node doesn't support the channel." };
        }
        catch (Exception fault) when (JobWorker.IsItsOwn(fault))
        {
            // A mistake of ours in one message is kept as an attempt like any other failure.
            Log.Fault(log, fault, delivery.Id, delivery.Channel);
            var answer = $"It couldn't be created: {fault.GetType().Name}.";
            outcome = new SendOutcome.Failed(Failure.NotConfigured) { Answer = answer };
        }
        return new Attempt(delivery, outcome, Stopwatch.GetElapsedTime(began));
    }

    private sealed class EndpointRow
    {
        public long Failures { get; init; }
        public string? HeldUntil { get; init; }
        public string? StoppedAt { get; init; }
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Debug,
            Message = "Delivery {Id} ({Kind}) arrived at {Endpoint} after {Milliseconds} ms"
        )]
        public static partial void Sent(ILogger log, long id, string kind, string endpoint, long milliseconds);

        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "Delivery {Id} ({Kind}) to {Endpoint} failed: {Failure}, attempt {Attempt}"
        )]
        public static partial void Failed(
            ILogger log,
            long id,
            string kind,
            string endpoint,
            Failure failure,
            long attempt
        );

        [LoggerMessage(Level = LogLevel.Error, Message = "Delivery {Id} through {Channel} couldn't be created")]
        public static partial void Fault(ILogger log, Exception fault, long id, string channel);
    }
}
