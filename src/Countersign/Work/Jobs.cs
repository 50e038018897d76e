using Countersign.Storage;

namespace Countersign.Work;

/// <summary>A piece of work to be done later or elsewhere. Twice the same kind and key is once.</summary>
/// <param name="Kind">Which <see cref="IJobHandler"/> does it.</param>
/// <param name="Key">What the handler finds its own rows by, such as a request's id.</param>
/// <param name="Subject">What it is about, for people: <c>request:01J…</c>, <c>person:7</c>; empty where that is not
/// known.</param>
public sealed record JobToAdd(string Kind, string Key, string Subject, DateTimeOffset Due)
{
    /// <summary>The subject of work on the hub itself; such a job's key says what it does.</summary>
    public const string OfHub = "hub";

    /// <summary>
    /// Whom it keeps busy: the limit of jobs at once is per receiver of a kind. Without one the kind has one limit.
    /// </summary>
    public string? Receiver { get; init; }

    /// <summary>
    /// Jobs of a kind with the same order run one after another, also over retries; one that is set aside lets the
    /// next go.
    /// </summary>
    public string? Order { get; init; }

    /// <summary>
    /// The place within the order; jobs with the same place run in the order in which they were added.
    /// </summary>
    public long OrderNumber { get; init; }
}

/// <summary>
/// The queue, as use cases and handlers write to it: always inside the transaction of the change from which the work
/// follows. Workers of this process wake when the transaction stands, and those of other nodes within two seconds.
/// </summary>
public static class Jobs
{
    /// <summary>The longest that a worker waits before it looks for what is due.</summary>
    internal static readonly TimeSpan IdleWait = TimeSpan.FromSeconds(2);

    /// <summary>Adds a job, unless one with its kind and key is there. True when it was added.</summary>
    public static ValueTask<bool> Add(Tx tx, JobToAdd job) => Insert(tx, job, "DO NOTHING");

    /// <summary>
    /// Adds a job, or makes the one with its kind and key due then, with all its attempts; a claim on that one ends.
    /// </summary>
    public static async ValueTask Put(Tx tx, JobToAdd job)
    {
        if (!await Reschedule(tx, job.Kind, job.Key, job.Due))
            await Insert(tx, job, "(kind, key) DO UPDATE SET due_at = @due, next_at = @due");
    }

    /// <summary>Makes a job due then, with all its attempts; a claim on it ends. False when it is not there.</summary>
    public static async ValueTask<bool> Reschedule(Tx tx, string kind, string key, DateTimeOffset due)
    {
        var moved = await tx.First<Line>(
            """
            UPDATE jobs SET due_at = @due, next_at = @due, holder = NULL, lost = 0, attempts = 0, error = NULL,
              state = CASE WHEN state = 'dead' AND order_key IS NOT NULL THEN 'behind'
              WHEN state = 'dead' THEN 'waiting' ELSE state END
            WHERE kind = @kind AND key = @key RETURNING kind, order_key
            """,
            new
            {
                kind,
                key,
                due,
            }
        );
        if (moved is null)
            return false;
        await Release(tx, moved.Kind, moved.OrderKey);
        tx.HasWork |= IsSoon(tx, due);
        return true;
    }

    /// <summary>Workers must look before they would by themselves, to wake in time.</summary>
    private static bool IsSoon(Tx tx, DateTimeOffset due) => due <= tx.Now + IdleWait;

    /// <summary>
    /// Brings a job forward to now, or to the time given, unless it runs at this moment, is due by then or is set
    /// aside.
    /// </summary>
    public static async ValueTask<bool> Hurry(Tx tx, string kind, string key, DateTimeOffset? to = null)
    {
        var due = to ?? tx.Now;
        var moved =
            await tx.Execute(
                """
                UPDATE jobs SET due_at = @due, next_at = @due
                WHERE kind = @kind AND key = @key AND state <> 'dead' AND holder IS NULL AND next_at > @due
                """,
                new
                {
                    kind,
                    key,
                    due,
                }
            ) == 1;
        tx.HasWork |= moved && IsSoon(tx, due);
        return moved;
    }

    /// <summary>Whether a node has claimed the job. While this transaction is open, none begins to.</summary>
    public static async ValueTask<bool> IsRunning(Tx tx, string kind, string key)
    {
        const string find = "SELECT holder, next_at FROM jobs WHERE kind = @kind AND key = @key";
        return await tx.First<Claimed>(find + tx.ForUpdate, new { kind, key }) is { Holder: not null } job
            && string.CompareOrdinal(job.NextAt, Instant.ToText(tx.Now)) >= 0;
    }

    /// <summary>
    /// Removes a job; if it runs at this moment, nothing of it is recorded. False when it is not there.
    /// </summary>
    public static async ValueTask<bool> Cancel(Tx tx, string kind, string key)
    {
        var gone = await tx.First<Line>(
            "DELETE FROM jobs WHERE kind = @kind AND key = @key RETURNING kind, order_key",
            new { kind, key }
        );
        if (gone is not null)
            await Release(tx, gone.Kind, gone.OrderKey);
        return gone is not null;
    }

    /// <summary>
    /// Makes all that waits for a receiver due now: something has changed there, and its handler decides what follows.
    /// </summary>
    public static async ValueTask HurryReceiver(Tx tx, string kind, string receiver)
    {
        await tx.Execute(
            """
            UPDATE jobs SET next_at = @now
            WHERE receiver = @receiver AND state = 'waiting' AND holder IS NULL AND next_at > @now
            """,
            new { receiver = $"{kind} {receiver}", now = tx.Now }
        );
        tx.HasWork = true;
    }

    /// <summary>
    /// Makes a job that failed due now, with all its attempts; when it was planned for stays as it is.
    /// </summary>
    internal static async ValueTask Retry(Tx tx, long id)
    {
        var retried = await tx.First<Line>(
            """
            UPDATE jobs SET next_at = @now, holder = NULL, lost = 0, attempts = 0,
              state = CASE WHEN state = 'dead' AND order_key IS NOT NULL THEN 'behind'
              WHEN state = 'dead' THEN 'waiting' ELSE state END
            WHERE id = @id RETURNING kind, order_key
            """,
            new { id, now = tx.Now }
        );
        if (retried is null)
            return;
        await Release(tx, retried.Kind, retried.OrderKey);
        tx.HasWork = true;
    }

    /// <summary>Lets the first job of an order go, unless one of them is on its way.</summary>
    internal static async ValueTask Release(Tx tx, string kind, string? order)
    {
        if (order is null)
            return;
        await tx.Execute(
            """
            UPDATE jobs SET state = 'waiting' WHERE state = 'behind'
              AND id = (SELECT id FROM jobs WHERE kind = @kind AND order_key = @order AND state <> 'dead' ORDER BY
              order_no,
              id LIMIT 1)
              AND NOT EXISTS (SELECT 1 FROM jobs w WHERE w.kind = @kind AND w.order_key = @order AND w.state =
              'waiting')
            """,
            new { kind, order }
        );
        tx.HasWork = true;
    }

    private static async ValueTask<bool> Insert(Tx tx, JobToAdd job, string onConflict)
    {
        var state = job.Order is not null && await IsAnyoneAhead(tx, job.Kind, job.Order) ? "behind" : "waiting";
        tx.HasWork |= IsSoon(tx, job.Due);
        return await tx.Execute(
                $"""
                INSERT INTO jobs (kind, key, subject, receiver, order_key, order_no, state, due_at, next_at, created_at)
                VALUES (@kind, @key, @subject, @receiver, @order, @number, @state, @due, @due, @now)
                ON CONFLICT {onConflict}
                """,
                new
                {
                    kind = job.Kind,
                    key = job.Key,
                    subject = job.Subject,
                    receiver = job.Receiver is null ? job.Kind : $"{job.Kind} {job.Receiver}",
                    order = job.Order,
                    number = job.OrderNumber,
                    state,
                    due = job.Due,
                    now = tx.Now,
                }
            ) == 1;
    }

    /// <summary>
    /// Locks the last of an order, so that a transaction that removes it at this moment either sees the new one or is
    /// seen by it. A last one that went meanwhile leaves the one before it to be locked.
    /// </summary>
    private static async ValueTask<bool> IsAnyoneAhead(Tx tx, string kind, string order)
    {
        const string last = """
            SELECT id FROM jobs WHERE kind = @kind AND order_key = @order AND state <> 'dead'
            ORDER BY order_no DESC, id DESC LIMIT 1
            """;
        while (await tx.Number(last, new { kind, order }) != 0)
        {
            if (await tx.Number(last + tx.ForUpdate, new { kind, order }) != 0)
                return true;
        }
        return false;
    }

    private sealed class Claimed
    {
        public string? Holder { get; init; }
        public required string NextAt { get; init; }
    }

    private sealed class Line
    {
        public required string Kind { get; init; }
        public string? OrderKey { get; init; }
    }
}
