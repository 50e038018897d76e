using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>
/// Writes down how an attempt went, and what follows from it: done, again later, or given up; the next in line goes; an
/// endpoint that fails again and again is left alone for a while, so that its troubles cost nobody else anything.
/// </summary>
public sealed class RecordAttempt(Store store, OutcomeOptions options, IEnumerable<IChannel> channels)
{
    /// <summary>So many failures in a row, and an endpoint is held: it is called by one probe at a time, each later than the last.</summary>
    internal const int FailuresUntilHeld = 3;

    private static readonly TimeSpan FirstHold = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestHold = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    private readonly Dictionary<string, IChannel> _channels = channels.ToDictionary(c => c.Name);

    /// <summary>False when the claim had ended, and somebody else has it now: nothing is written.</summary>
    public async Task<bool> Run(Attempt attempt, CancellationToken cancel) => (await Run([attempt], cancel)).Count == 0;

    /// <summary>Several in one transaction, which costs hardly more than one.</summary>
    /// <returns>Those whose claim had ended; of them nothing is written.</returns>
    public Task<List<Attempt>> Run(IReadOnlyList<Attempt> attempts, CancellationToken cancel)
    {
        var plans = attempts.Select(Plan.For(options)).ToList();
        return store.InTransaction(async tx =>
        {
            var ended = new List<Attempt>();
            string? well = null;
            foreach (var plan in plans)
            {
                var (delivery, outcome, _) = plan.Attempt;
                if (!await Write(tx, plan))
                {
                    ended.Add(plan.Attempt);
                    continue;
                }
                switch (outcome)
                {
                    case SendOutcome.Delivered delivered:
                        // Said once of many that arrived one after the other.
                        if (well != delivery.Endpoint)
                            await tx.Execute("UPDATE endpoints SET failures = 0, failing_since = NULL, held_until = NULL WHERE name = @name AND failures > 0", new { name = delivery.Endpoint });
                        well = delivery.Endpoint;
                        if (delivered.Also is { } also)
                            await also(tx);
                        break;
                    case SendOutcome.Failed { Final: false } failed:
                        well = null;
                        await EndpointFailed(tx, delivery, failed, gaveUp: plan.Wait is null);
                        break;
                }
            }
            return ended;
        }, cancel);
    }

    /// <summary>The attempt itself, what becomes of the delivery, and the next in its line. False when the claim had ended.</summary>
    private static async ValueTask<bool> Write(Tx tx, Plan plan)
    {
        var (delivery, outcome, took) = plan.Attempt;
        var settled = plan.State != "due";
        var n = delivery.Attempts + 1;
        var written = await tx.Execute(
            """
            UPDATE deliveries SET state = @state, due_at = @due, claim = NULL, attempts = @n, tries = @tries, sent = COALESCE(sent, @sent), settled_at = @settled
            WHERE id = @id AND claim = @claim AND state = 'due'
            """,
            new
            {
                state = plan.State,
                due = tx.Now + (plan.Wait ?? TimeSpan.Zero),
                n,
                tries = plan.Tries,
                sent = outcome.Sent,
                settled = settled ? tx.Now : (DateTimeOffset?)null,
                id = delivery.Id,
                claim = delivery.Claim,
            });
        if (written == 0)
            return false;
        await tx.Execute(
            "INSERT INTO attempts (delivery_id, n, at, took, failure, status, answer, call) VALUES (@id, @n, @at, @took, @failure, @status, @answer, @call)",
            new
            {
                id = delivery.Id,
                n,
                at = tx.Now,
                took = (long)took.TotalMilliseconds,
                failure = (outcome as SendOutcome.Failed)?.Failure.Word(),
                status = outcome.Status,
                answer = SendOutcome.Beginning(outcome is SendOutcome.Dropped dropped ? dropped.Why : outcome.Answer),
                call = outcome.Call is { } call ? SendOutcome.Beginning(call) : null,
            });
        if (settled)
            await Line.Release(tx, delivery.Receiver, delivery.Channel, delivery.Subject);
        return true;
    }

    private async ValueTask EndpointFailed(Tx tx, Delivery delivery, SendOutcome.Failed failed, bool gaveUp)
    {
        var name = delivery.Endpoint;
        if (await tx.First<EndpointRow>($"SELECT failures, failing_since, held_until FROM endpoints WHERE name = @name{tx.ForUpdate}", new { name }) is not { } endpoint)
            return;
        var since = endpoint.FailingSince is { } text ? Instant.Parse(text) : tx.Now;
        var failing = tx.Now - since;
        // Jitter may make the whole a tenth shorter or longer.
        var dead = failing >= options.Schedule.Whole * (gaveUp ? 0.85 : 1.2) && (gaveUp || failing > TimeSpan.Zero);
        if (failed.Gone || dead)
        {
            await _channels[delivery.Channel].SwitchOff(tx, name, failed.Gone
                ? "It answered 410: it is gone and wants to hear no more."
                : $"Nothing arrived there since {Instant.ToText(since)}; the last failure was: {failed.Failure.Word()}.");
            return;
        }
        // What was under way when the hold began says nothing new.
        if (endpoint.HeldUntil is { } held && Instant.Parse(held) > tx.Now)
            return;
        var failures = endpoint.Failures + 1;
        TimeSpan? hold = failures < FailuresUntilHeld ? null : FirstHold * Math.Pow(2, Math.Min(10, failures - FailuresUntilHeld));
        await tx.Execute(
            "UPDATE endpoints SET failures = @failures, failing_since = @since, held_until = @until WHERE name = @name",
            new { failures, since, until = hold is { } length ? tx.Now + (length < LongestHold ? length : LongestHold) : (DateTimeOffset?)null, name });
    }

    private sealed class EndpointRow
    {
        public long Failures { get; init; }
        public string? FailingSince { get; init; }
        public string? HeldUntil { get; init; }
    }

    /// <summary>What becomes of a delivery after an attempt; <see cref="Wait"/> is null when there is no further one.</summary>
    private sealed record Plan(Attempt Attempt, string State, int Tries, TimeSpan? Wait)
    {
        public static Func<Attempt, Plan> For(OutcomeOptions options) => attempt =>
        {
            var tries = (int)attempt.Delivery.Tries + 1;
            var wait = options.Schedule.WaitAfter(tries, options.Jitter());
            if (attempt.Outcome is SendOutcome.Failed { RetryAfter: { } asked } && wait is { } planned)
                wait = asked > LongestRetryAfter ? LongestRetryAfter : asked > planned ? asked : planned;
            var state = attempt.Outcome switch
            {
                SendOutcome.Delivered => "delivered",
                SendOutcome.Dropped => "dropped",
                SendOutcome.Failed { Final: false, Gone: false } when wait is not null => "due",
                _ => "failed",
            };
            return new Plan(attempt, state, tries, wait);
        };
    }
}
