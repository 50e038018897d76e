using Countersign.Storage;

namespace Countersign.Work;

/// <summary>A job that this node has claimed.</summary>
public sealed class Job
{
    internal const string Columns =
        "id, kind, key, subject, receiver AS lane, order_key, due_at, CAST(attempts AS bigint) AS attempts, "
        + "CAST(lost AS bigint) AS lost, holder AS claim, created_at";

    public long Id { get; init; }
    public required string Kind { get; init; }
    public required string Key { get; init; }
    public required string Subject { get; init; }

    /// <summary>When it was to be done, which retries do not change.</summary>
    public required string DueAt { get; init; }

    /// <summary>Earlier attempts that failed.</summary>
    public long Attempts { get; init; }
    public required string CreatedAt { get; init; }

    /// <summary>
    /// An earlier run began and no result of it was recorded, because its node died, its claim ended or its server
    /// stopped: a call that it made may have arrived.
    /// </summary>
    public bool IsInterrupted => Lost > 0;

    /// <summary>The receiver it was added with; empty where it was added without one.</summary>
    public string Receiver => Lane.Length > Kind.Length ? Lane[(Kind.Length + 1)..] : "";

    internal string Lane { get; init; } = "";
    internal string? OrderKey { get; init; }
    internal long Lost { get; init; }
    internal string Claim { get; init; } = "";
}

/// <summary>
/// How a run ended. What it writes stands in the same transaction, and only if the claim is still the run's own.
/// </summary>
public abstract record JobResult
{
    private JobResult() { }

    /// <summary>
    /// Written in the transaction that records the result: SQL and pure functions only, as everywhere inside a
    /// transaction. A job that only touches the store does its whole work here, so that it is done once even where two
    /// nodes are at it.
    /// </summary>
    public Func<Tx, ValueTask>? Write { get; init; }

    /// <summary>
    /// Locks rows before the job's own row is: those that others lock before they remove or move the job.
    /// </summary>
    public Func<Tx, ValueTask>? Lock { get; init; }

    /// <summary>
    /// Written instead of <see cref="Write"/>, in a transaction of its own, when the claim ended before the result
    /// could be recorded: what a call brought that must not be forgotten, although another run may be at the job.
    /// </summary>
    public Func<Tx, ValueTask>? WriteLate { get; init; }

    /// <summary>The job goes. <see cref="Write"/> may add it again, to be due later.</summary>
    public sealed record Done : JobResult
    {
        public Done(Func<Tx, ValueTask>? write = null) => Write = write;
    }

    /// <summary>
    /// It stays, and is due again then. With a reason that counts as an attempt that failed; without one as progress.
    /// </summary>
    public sealed record Again(DateTimeOffset At, string? Why = null) : JobResult;

    /// <summary>It is kept with the reason until an admin retries or discards it.</summary>
    public sealed record SetAside(string Why) : JobResult;
}

/// <summary>
/// Does the jobs of one kind. Anything that <see cref="Run"/>, <see cref="JobResult.Write"/> or recording throws is a
/// failed attempt of that job alone, tried again after the <see cref="Schedule"/> and in the end set aside. A store
/// that cannot serve and a server that stops are no attempts.
/// </summary>
public interface IJobHandler
{
    /// <summary>One word, part of stored rows.</summary>
    string Kind { get; }

    RetrySchedule Schedule => RetrySchedule.Default;

    /// <summary>A run that takes longer is cancelled and has failed. Claims outlive it.</summary>
    TimeSpan MaxRun => TimeSpan.FromSeconds(30);

    /// <summary>Set for what recurs: it goes on in this rhythm, however often it fails.</summary>
    TimeSpan? Interval => null;

    /// <summary>The keys of jobs that recur: the worker sees to it that they are there.</summary>
    IEnumerable<string> RecurringKeys => [];

    /// <summary>How many may run at once at a receiver on this node; none while it must be left alone.</summary>
    ValueTask<int> AtOnce(Reader reader, string receiver) => new(8);

    Task<JobResult> Run(Job job, CancellationToken cancel);

    /// <summary>What follows, in the same transaction, when a job is set aside.</summary>
    ValueTask WhenSetAside(Tx tx, Job job) => ValueTask.CompletedTask;

    /// <summary>Why an admin may not discard a job of this kind; null where they may.</summary>
    string? WhyNotDiscard => null;

    /// <summary>What follows, in the same transaction, when an admin discards a job.</summary>
    ValueTask WhenDiscarded(Tx tx, string key) => ValueTask.CompletedTask;
}
