using System.ComponentModel.DataAnnotations;
using Countersign.Storage;

namespace Countersign.Work;

/// <summary>A job as pages, the API and the command line show it.</summary>
public sealed class WorkItem
{
    public long Id { get; init; }
    public required string Kind { get; init; }
    public required string Key { get; init; }

    /// <summary>What it is about, such as <c>request:01J…</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>
    /// What tells it from others of its kind: of work about the hub itself the key says what it does.
    /// </summary>
    internal string About => Subject is "" or JobToAdd.OfHub ? Key : Subject;

    /// <summary>One of <see cref="WorkList.States"/>.</summary>
    [AllowedValues("waiting", "running", "behind", "failing", "set_aside")]
    public required string State { get; init; }
    public required string DueAt { get; init; }

    /// <summary>When it is tried next, or, while it runs, when the claim of its node ends.</summary>
    public required string NextAt { get; init; }
    public long Attempts { get; init; }
    public string? Error { get; init; }
    public required string CreatedAt { get; init; }
}

/// <summary>How much of a kind there is.</summary>
public sealed class WorkCount
{
    public required string Kind { get; init; }

    [AllowedValues("waiting", "running", "behind", "failing", "set_aside")]
    public required string State { get; init; }
    public long Count { get; init; }

    /// <summary>When the oldest of them was due.</summary>
    public required string OldestDueAt { get; init; }
}

/// <param name="Next">What to pass as <c>before</c> for the page after this one; null at the end.</param>
public sealed record WorkPage(IReadOnlyList<WorkCount> Counts, IReadOnlyList<WorkItem> Jobs, long? Next);

/// <summary>What became of a wish about a job.</summary>
public abstract record WorkOutcome
{
    private WorkOutcome() { }

    public sealed record Done(WorkItem Job) : WorkOutcome;

    public sealed record NotFound : WorkOutcome;

    /// <summary>It is not in a state for that, or must not be.</summary>
    public sealed record Refused(string Why) : WorkOutcome;
}

/// <summary>The queue as admins see it: what waits, runs, fails and is set aside. They retry and discard.</summary>
public sealed class WorkList(Store store, IEnumerable<IJobHandler> handlers)
{
    public const int PageSize = 50;

    /// <summary>
    /// A page looks at no more jobs than this: an unusual mixture may answer a short page that goes on.
    /// </summary>
    private const int MaxLookedAt = 2_000;

    /// <summary>
    /// Waiting for its time; running; behind another of its order; failed and tried again; waiting for an admin.
    /// </summary>
    public static readonly IReadOnlyList<string> States = ["waiting", "running", "behind", "failing", "set_aside"];

    private const string State = """
        CASE WHEN state = 'dead' THEN 'set_aside' WHEN holder IS NOT NULL AND next_at > @now THEN 'running'
          WHEN error IS NOT NULL THEN 'failing' ELSE state END
        """;

    private static readonly string Columns =
        $"id, kind, key, subject, {State} AS state, due_at, next_at, attempts, error, created_at";

    private readonly Dictionary<string, IJobHandler> _handlers = handlers.ToDictionary(h => h.Kind);

    /// <summary>
    /// The newest first, from below <paramref name="before"/>; or only those set aside, the newest first.
    /// </summary>
    public ValueTask<WorkPage> List(string? state, string? kind, long? before, CancellationToken cancel) =>
        store.Read(
            async reader =>
            {
                var arguments = new
                {
                    now = store.Now,
                    state = state ?? "",
                    kind = kind ?? "",
                    before = before ?? long.MaxValue,
                    looked = MaxLookedAt,
                    most = PageSize,
                };
                var range = $"""
                    SELECT * FROM jobs WHERE id < @before{(state == "set_aside" ? " AND state = 'dead'" : "")}
                    ORDER BY id DESC LIMIT @looked
                    """;
                var jobs = await reader.All<WorkItem>(
                    $"""
                    SELECT {Columns} FROM ({range}) j
                    WHERE (@state = '' OR {State} = @state) AND (@kind = '' OR kind = @kind)
                    ORDER BY id DESC LIMIT @most
                    """,
                    arguments
                );
                var next =
                    jobs.Count == PageSize
                        ? jobs[^1].Id
                        : await reader.Number(
                            $"SELECT CASE WHEN count(*) = @looked THEN min(id) ELSE 0 END FROM ({range}) j",
                            arguments
                        );
                var counts = await reader.All<WorkCount>(
                    $"""
                    SELECT kind, state, count(*) AS count, min(due_at) AS oldest_due_at
                    FROM (SELECT kind, {State} AS state, due_at FROM jobs) j GROUP BY kind, state ORDER BY kind, state
                    """,
                    new { now = store.Now }
                );
                return new WorkPage(counts, jobs, next > 0 ? next : null);
            },
            cancel
        );

    /// <summary>An admin has removed the cause: the job is tried again at once, with all its attempts.</summary>
    public Task<WorkOutcome> Retry(long id, Origin origin, CancellationToken cancel) =>
        Change(
            id,
            origin,
            "work.retried",
            async (tx, job) =>
            {
                if (job.State is not ("set_aside" or "failing"))
                    return "Only a failed job can be retried.";
                await Jobs.Retry(tx, id);
                return null;
            },
            cancel
        );

    /// <summary>The job goes without having been done.</summary>
    public Task<WorkOutcome> Discard(long id, Origin origin, CancellationToken cancel) =>
        Change(
            id,
            origin,
            "work.discarded",
            async (tx, job) =>
            {
                var handler = _handlers.GetValueOrDefault(job.Kind);
                if (job.State == "running")
                    return "It's running. Discard it when it has ended.";
                if (handler?.Interval is not null)
                    return "It recurs and can't be discarded.";
                if (handler?.WhyNotDiscard is { } why)
                    return why;
                await Jobs.Cancel(tx, job.Kind, job.Key);
                if (handler is not null)
                    await handler.WhenDiscarded(tx, job.Key);
                return null;
            },
            cancel
        );

    public static async ValueTask<long> CountSetAside(Reader reader) =>
        await reader.Number("SELECT count(*) FROM jobs WHERE state = 'dead'");

    /// <summary>Jobs that were set aside longer ago than they are kept, unless something relies on them.</summary>
    public Task<int> ForgetSetAside(RetentionOptions keep, CancellationToken cancel) =>
        CleaningStep
            .Delete(
                "jobs that were set aside",
                store,
                keep.SetAsideWork,
                $"""
                DELETE FROM jobs WHERE id IN (
                  SELECT id FROM jobs
                  WHERE state = 'dead' AND next_at <= @oldest AND kind NOT IN ({KeptKinds}) LIMIT @chunk)
                """
            )
            .Run(cancel);

    private string KeptKinds =>
        string.Join(
            ", ",
            _handlers.Values.Where(h => h.WhyNotDiscard is not null).Select(h => $"'{h.Kind}'").DefaultIfEmpty("''")
        );

    private Task<WorkOutcome> Change(
        long id,
        Origin origin,
        string kind,
        Func<Tx, WorkItem, ValueTask<string?>> change,
        CancellationToken cancel
    ) =>
        store.InTransaction<WorkOutcome>(
            async tx =>
            {
                if (
                    await tx.First<WorkItem>(
                        $"SELECT {Columns} FROM jobs WHERE id = @id{tx.ForUpdate}",
                        new { id, now = tx.Now }
                    )
                    is not { } job
                )
                {
                    return new WorkOutcome.NotFound();
                }
                if (await change(tx, job) is { } why)
                    return new WorkOutcome.Refused(why);
                await tx.Append(
                    "hub",
                    origin,
                    kind,
                    new
                    {
                        kind = job.Kind,
                        key = job.Key,
                        about = job.Subject,
                        error = job.Error,
                    }
                );
                return new WorkOutcome.Done(job);
            },
            cancel
        );
}
