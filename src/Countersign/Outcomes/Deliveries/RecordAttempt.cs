using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>
/// Writes down how an attempt went, and what follows from it: done, again later, or given up; the next in line goes;
/// an endpoint that fails again and again is left alone for a while, so that its troubles cost nobody else anything.
/// </summary>
public sealed class RecordAttempt(OutcomeOptions options, IEnumerable<IChannel> channels)
{
    /// <summary>
    /// So many failures in a row, and an endpoint is held: it is called by one probe at a time, each later than the
    /// last.
    /// </summary>
    internal const int FailuresUntilHeld = 3;

    private static readonly TimeSpan FirstHold = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxHold = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromDays(1);

    private readonly Dictionary<string, IChannel> _channels = channels.ToDictionary(c => c.Name);

    /// <summary>What becomes of a delivery after this attempt.</summary>
    public AttemptPlan PlanFor(Attempt attempt)
    {
        var tries = (int)attempt.Delivery.Tries + 1;
        var wait = options.Schedule.WaitAfter(tries, options.Jitter());
        if (attempt.Outcome is SendOutcome.Failed { RetryAfter: { } asked } && wait is { } planned)
        {
            wait =
                asked > MaxRetryAfter ? MaxRetryAfter
                : asked > planned ? asked
                : planned;
        }
        return attempt.Outcome switch
        {
            SendOutcome.Delivered => new AttemptPlan(attempt, "delivered", tries, null, GaveUp: false),
            SendOutcome.Dropped => new AttemptPlan(attempt, "dropped", tries, null, GaveUp: false),
            SendOutcome.Failed { Final: false, Gone: false } when wait is not null => new AttemptPlan(
                attempt,
                "due",
                tries,
                wait,
                GaveUp: false
            ),
            _ => new AttemptPlan(attempt, "failed", tries, null, GaveUp: wait is null),
        };
    }

    /// <summary>
    /// In the transaction that records the job: the attempt, what becomes of the delivery, how its endpoint does.
    /// </summary>
    public async ValueTask Write(Tx tx, AttemptPlan plan)
    {
        var (delivery, outcome, took) = plan.Attempt;
        var n = delivery.Attempts + 1;
        await tx.Execute(
            """
            UPDATE deliveries
            SET state = @state, attempts = @n, tries = @tries, sent = COALESCE(sent, @sent), settled_at = @settled
            WHERE id = @id
            """,
            new
            {
                state = plan.State,
                n,
                tries = plan.Tries,
                sent = outcome.Sent,
                settled = plan.State == "due" ? (DateTimeOffset?)null : tx.Now,
                id = delivery.Id,
            }
        );
        await tx.Execute(
            """
            INSERT INTO attempts (delivery_id, n, at, took, failure, status, answer, call)
            VALUES (@id, @n, @at, @took, @failure, @status, @answer, @call)
            """,
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
            }
        );
        switch (outcome)
        {
            case SendOutcome.Delivered delivered:
                await tx.Execute(
                    """
                    UPDATE endpoints SET failures = 0, failing_since = NULL, held_until = NULL
                    WHERE name = @name AND failures > 0
                    """,
                    new { name = delivery.Endpoint }
                );
                if (delivered.Also is { } also)
                    await also(tx);
                break;
            case SendOutcome.Failed { Final: false } failed:
                await EndpointFailed(tx, delivery, failed, plan.GaveUp);
                break;
        }
    }

    private async ValueTask EndpointFailed(Tx tx, Delivery delivery, SendOutcome.Failed failed, bool gaveUp)
    {
        var name = delivery.Endpoint;
        if (
            await tx.First<EndpointRow>(
                $"SELECT failures, failing_since, held_until FROM endpoints WHERE name = @name{tx.ForUpdate}",
                new { name }
            )
            is not { } endpoint
        )
        {
            return;
        }
        var since = endpoint.FailingSince is { } text ? Instant.Parse(text) : tx.Now;
        var failing = tx.Now - since;
        // Jitter may make the whole a tenth shorter or longer.
        var dead = failing >= options.Schedule.Whole * (gaveUp ? 0.85 : 1.2) && (gaveUp || failing > TimeSpan.Zero);
        if (failed.Gone || dead)
        {
            await _channels[delivery.Channel]
                .SwitchOff(
                    tx,
                    name,
                    failed.Gone
                        ? "It responded with 410: it's gone."
                        : $"No delivery has succeeded since {Instant.ToText(since)}. The last failure was: "
                            + $"{failed.Failure.Word()}."
                );
            return;
        }
        // What was under way when the hold began says nothing new.
        if (endpoint.HeldUntil is { } held && Instant.Parse(held) > tx.Now)
            return;
        var failures = endpoint.Failures + 1;
        TimeSpan? hold =
            failures < FailuresUntilHeld ? null : FirstHold * Math.Pow(2, Math.Min(10, failures - FailuresUntilHeld));
        DateTimeOffset? until = hold is { } length ? tx.Now + (length < MaxHold ? length : MaxHold) : null;
        await tx.Execute(
            "UPDATE endpoints SET failures = @failures, failing_since = @since, held_until = @until WHERE name = @name",
            new
            {
                failures,
                since,
                until,
                name,
            }
        );
    }

    private sealed class EndpointRow
    {
        public long Failures { get; init; }
        public string? FailingSince { get; init; }
        public string? HeldUntil { get; init; }
    }
}

/// <summary>
/// What becomes of a delivery after an attempt; <see cref="Wait"/> is null when there is no further one.
/// </summary>
/// <param name="GaveUp">It was the last of the schedule.</param>
public sealed record AttemptPlan(Attempt Attempt, string State, int Tries, TimeSpan? Wait, bool GaveUp);
