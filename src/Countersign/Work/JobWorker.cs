using System.Globalization;
using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// Does what is due, on any node: claims jobs of each receiver up to what its limit leaves free, runs them side by
/// side and records each in a transaction of its own. Nothing that happens to one job reaches another.
/// </summary>
public sealed partial class JobWorker : BackgroundService
{
    /// <summary>
    /// Claims that ended without a result, one after another, before the job is set aside: it may be what ends the
    /// servers.
    /// </summary>
    internal const int MaxLost = 10;

    private const int MaxError = 500;

    /// <summary>While something runs here, which may leave more to do.</summary>
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MinPoll = TimeSpan.FromMilliseconds(5);

    /// <summary>What a claim lasts longer than the longest run: time to record how it ended.</summary>
    private static readonly TimeSpan RecordingTime = TimeSpan.FromSeconds(30);

    /// <summary>How long jobs that run when the server stops may go on.</summary>
    private static readonly TimeSpan ShutdownGrace = TimeSpan.FromSeconds(8);

    /// <summary>Each receiver with work, by one look into the index per receiver however much waits there.</summary>
    private const string Receivers = """
        WITH RECURSIVE each_one (receiver) AS (
          SELECT min(receiver) FROM jobs WHERE state = 'waiting'
          UNION ALL
          SELECT (SELECT min(j.receiver) FROM jobs j WHERE j.state = 'waiting' AND j.receiver > e.receiver)
          FROM each_one e WHERE e.receiver IS NOT NULL)
        SELECT e.receiver AS lane,
        (SELECT min(j.next_at) FROM jobs j WHERE j.state = 'waiting' AND j.receiver = e.receiver) AS next_at
        FROM each_one e WHERE e.receiver IS NOT NULL
        """;

    private readonly Store _store;
    private readonly Dictionary<string, IJobHandler> _handlers;
    private readonly ILogger<JobWorker> _log;
    private readonly WakeSignal _doorbell = new();
    private readonly CancellationTokenSource _runs = new();
    private readonly string _node = Lease.NewHolder();
    private readonly Lock _running = new();
    private readonly Dictionary<string, int> _runningAt = [];
    private readonly HashSet<Task> _tasks = [];
    private TimeSpan _wait = TimeSpan.Zero;
    private long _claims;

    public JobWorker(Store store, IEnumerable<IJobHandler> handlers, ILogger<JobWorker> log)
    {
        (_store, _handlers, _log) = (store, handlers.ToDictionary(h => h.Kind), log);
        store.WorkCommitted += _doorbell.Set;
    }

    /// <summary>Does all that is due now, and what becomes due by that, and returns when it is recorded.</summary>
    public async Task Drain(CancellationToken cancel = default)
    {
        while (true)
        {
            var before = Running();
            var begun = await Look(cancel);
            var running = Running();
            // What ended meanwhile may have left more to do.
            if (running.Length > 0)
                await Task.WhenAny(running).WaitAsync(cancel);
            else if (before.Length == 0 && begun == 0)
                return;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var begun = false;
        await new WorkLoop("jobs", _log).Run(
            cancel => _doorbell.WaitAsync(_wait, cancel),
            async cancel =>
            {
                _wait = Running().Length > 0 ? PollInterval : Jobs.IdleWait;
                if (!begun)
                    await AddRecurring(cancel);
                begun = true;
                await Look(cancel);
            },
            stoppingToken
        );
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        _runs.CancelAfter(ShutdownGrace);
        await Task.WhenAll(Running())
            .WaitAsync(cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override void Dispose()
    {
        base.Dispose();
        _store.WorkCommitted -= _doorbell.Set;
        // Neither is disposed: runs may outlive the worker, and give their jobs back as soon as they notice.
        _runs.Cancel();
        _doorbell.Set();
    }

    private async Task AddRecurring(CancellationToken cancel)
    {
        foreach (var handler in _handlers.Values)
        {
            foreach (var key in handler.RecurringKeys)
            {
                // Looking first keeps a server that starts from writing.
                const string find = "SELECT count(*) FROM jobs WHERE kind = @kind AND key = @key";
                if (await _store.Read(reader => reader.Number(find, new { kind = handler.Kind, key }), cancel) > 0)
                    continue;
                var wait = handler.Interval ?? TimeSpan.Zero;
                await _store.InTransaction(
                    tx => Jobs.Add(tx, new JobToAdd(handler.Kind, key, JobToAdd.OfHub, tx.Now + wait)),
                    cancel
                );
            }
        }
    }

    /// <summary>
    /// Claims what is due at each receiver that has something due and is not busy, and sets it going. Returns how many
    /// that were.
    /// </summary>
    private async Task<int> Look(CancellationToken cancel)
    {
        var now = _store.Now;
        var ready = new List<(string Lane, IJobHandler Handler, int Free)>();
        await _store.Read(
            async reader =>
            {
                ready.Clear();
                foreach (var receiver in await reader.All<ReceiverRow>(Receivers))
                {
                    if (string.CompareOrdinal(receiver.NextAt, Instant.ToText(now)) > 0)
                    {
                        WaitUntil(receiver.NextAt, now);
                    }
                    else if (
                        _handlers.TryGetValue(receiver.Kind, out var handler)
                        && await Free(reader, receiver, handler) is var free and > 0
                    )
                    {
                        ready.Add((receiver.Lane, handler, free));
                    }
                }
                return 0;
            },
            cancel
        );
        // What was claimed, or could not be and is due all the same, is looked at again soon.
        if (ready.Count > 0 && _wait > PollInterval)
            _wait = PollInterval;
        return (await Task.WhenAll(ready.Select(r => Claim(r.Lane, r.Handler, r.Free, cancel)))).Sum();
    }

    private void WaitUntil(string next, DateTimeOffset now)
    {
        // What cannot be read as a time is never due.
        if (
            DateTimeOffset.TryParse(next, CultureInfo.InvariantCulture, out var at)
            && at - now is var wait
            && wait < _wait
        )
        {
            _wait = wait < MinPoll ? MinPoll : wait;
        }
    }

    private async ValueTask<int> Free(Reader reader, ReceiverRow receiver, IJobHandler handler)
    {
        int busy;
        lock (_running)
            busy = _runningAt.GetValueOrDefault(receiver.Lane);
        try
        {
            return await handler.AtOnce(reader, receiver.Receiver) - busy;
        }
        catch (Exception failure) when (IsItsOwn(failure))
        {
            Log.ReceiverFailed(_log, failure, receiver.Lane);
            return 0;
        }
    }

    private async Task<int> Claim(string lane, IJobHandler handler, int most, CancellationToken cancel)
    {
        try
        {
            var claim = $"{_node}:{Interlocked.Increment(ref _claims).ToString(CultureInfo.InvariantCulture)}";
            var jobs = await _store.InTransaction(
                async tx =>
                    await tx.All<Job>(
                        $"""
                        UPDATE jobs SET holder = @claim, next_at = @until, lost = CASE WHEN holder IS NULL THEN lost
                        ELSE lost + 1 END
                        WHERE id IN (
                          SELECT j.id FROM jobs j WHERE j.receiver = @lane AND j.state = 'waiting' AND j.next_at <= @now
                            AND (j.order_key IS NULL OR NOT EXISTS (
                              SELECT 1 FROM jobs e
                              WHERE e.kind = j.kind AND e.order_key = j.order_key AND e.state = 'waiting'
                                AND (e.order_no < j.order_no OR (e.order_no = j.order_no AND e.id < j.id))))
                          ORDER BY j.next_at, j.id LIMIT @most{tx.SkipLocked})
                        RETURNING {Job.Columns}
                        """,
                        new
                        {
                            claim,
                            until = tx.Now + handler.MaxRun + RecordingTime,
                            lane,
                            now = tx.Now,
                            most,
                        }
                    ),
                cancel
            );
            if (jobs.Count == 0)
                return 0;
            lock (_running)
            {
                _tasks.RemoveWhere(t => t.IsCompleted);
                _runningAt[lane] = _runningAt.GetValueOrDefault(lane) + jobs.Count;
                foreach (var job in jobs.OrderBy(j => j.Id))
                    _tasks.Add(Task.Run(() => RunOne(job, handler), CancellationToken.None));
            }
            return jobs.Count;
        }
        catch (Exception failure) when (IsItsOwn(failure))
        {
            Log.ReceiverFailed(_log, failure, lane);
            return 0;
        }
    }

    private async Task RunOne(Job job, IJobHandler handler)
    {
        try
        {
            await Record(job, handler, await ResultOf(job, handler));
        }
        catch (Exception failure)
        {
            // Its claim ends by itself, and then it is tried again.
            Log.NotRecorded(_log, failure, job.Kind, job.Key);
        }
        finally
        {
            lock (_running)
            {
                if (--_runningAt[job.Lane] == 0)
                    _runningAt.Remove(job.Lane);
            }
            _doorbell.Set();
        }
    }

    private async Task<Ending> ResultOf(Job job, IJobHandler handler)
    {
        if (job.Lost >= MaxLost)
            return new Ending.Recorded(new JobResult.SetAside($"It ended without a result {job.Lost} times."));
        using var run = CancellationTokenSource.CreateLinkedTokenSource(_runs.Token);
        run.CancelAfter(handler.MaxRun);
        try
        {
            return new Ending.Recorded(await handler.Run(job, run.Token));
        }
        catch (OperationCanceledException) when (_runs.IsCancellationRequested)
        {
            return new Ending.GivenBack(TimeSpan.Zero);
        }
        catch (StoreUnavailable)
        {
            return new Ending.GivenBack(PollInterval * (1 + Jitter.Next()));
        }
        catch (OperationCanceledException) when (run.IsCancellationRequested)
        {
            return new Ending.Failed(new TimeoutException($"It took longer than {handler.MaxRun}."));
        }
        catch (Exception failure)
        {
            return new Ending.Failed(failure);
        }
    }

    /// <summary>
    /// A store that cannot serve is asked again until the claim ends: what was done must not be done again only
    /// because of that.
    /// </summary>
    private async Task Record(Job job, IJobHandler handler, Ending ending)
    {
        for (var (until, wait) = (_store.Now + RecordingTime, PollInterval); ; )
        {
            try
            {
                try
                {
                    await Write(job, handler, ending);
                }
                catch (Exception failure) when (IsItsOwn(failure) && ending is Ending.Recorded)
                {
                    ending = new Ending.Failed(failure);
                    await Write(job, handler, ending);
                }
                return;
            }
            catch (StoreUnavailable) when (_store.Now < until && !_runs.IsCancellationRequested)
            {
                await Task.Delay(wait * (0.5 + Jitter.Next()), _runs.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                wait = wait * 2 < RecordingTime / 4 ? wait * 2 : RecordingTime / 4;
            }
        }
    }

    private async Task Write(Job job, IJobHandler handler, Ending ending)
    {
        var written = await _store.InTransaction(tx =>
            ending switch
            {
                Ending.Recorded { Result: JobResult.Done done } => Remove(tx, job, done),
                Ending.Recorded { Result: JobResult.Again { Why: null } again } => Keep(
                    tx,
                    job,
                    again,
                    again.At,
                    again.At,
                    0,
                    null
                ),
                Ending.Recorded { Result: JobResult.Again again } => Keep(
                    tx,
                    job,
                    again,
                    again.At,
                    null,
                    job.Attempts + 1,
                    again.Why
                ),
                Ending.Recorded { Result: JobResult.SetAside aside } => PutAside(
                    tx,
                    job,
                    handler,
                    aside,
                    job.Attempts + 1,
                    aside.Why
                ),
                Ending.Failed { Failure: var failure } => WaitAfter(handler, job.Attempts + 1) is { } wait
                    ? Keep(tx, job, null, tx.Now + wait, null, job.Attempts + 1, ErrorOf(failure))
                    : PutAside(tx, job, handler, null, job.Attempts + 1, ErrorOf(failure)),
                Ending.GivenBack back => GiveBack(tx, job, back.Wait),
                _ => throw new InvalidOperationException($"No ending of a run: {ending}."),
            }
        );
        if (!written && ending is Ending.Recorded { Result.WriteLate: { } late })
            await _store.InTransaction(late);
        if (!written)
            Log.ClaimEnded(_log, job.Kind, job.Key);
        else if (ending is Ending.Failed { Failure: var failure })
            Log.Failed(_log, failure, job.Kind, job.Key, job.Subject, job.Attempts + 1);
        else if (ending is Ending.Recorded { Result: JobResult.SetAside { Why: var why } })
            Log.SetAside(_log, job.Kind, job.Key, job.Subject, why);
    }

    /// <summary>What recurs goes on in its rhythm, however often it fails.</summary>
    private static TimeSpan? WaitAfter(IJobHandler handler, long attempts) =>
        handler.Schedule.WaitAfter((int)attempts, Jitter.Next()) ?? handler.Interval;

    private static async ValueTask<bool> Remove(Tx tx, Job job, JobResult result)
    {
        if (result.Lock is { } first)
            await first(tx);
        if (
            await tx.Execute(
                "DELETE FROM jobs WHERE id = @id AND holder = @claim",
                new { id = job.Id, claim = job.Claim }
            ) == 0
        )
        {
            return false;
        }
        await Jobs.Release(tx, job.Kind, job.OrderKey);
        if (result.Write is { } write)
            await write(tx);
        return true;
    }

    private static async ValueTask<bool> Keep(
        Tx tx,
        Job job,
        JobResult? result,
        DateTimeOffset at,
        DateTimeOffset? due,
        long attempts,
        string? error
    )
    {
        if (result?.Lock is { } first)
            await first(tx);
        if (
            await tx.Execute(
                """
                UPDATE jobs
                SET holder = NULL, lost = 0, next_at = @at, due_at = COALESCE(@due, due_at), attempts = @attempts,
                error = NULLIF(@error, '')
                WHERE id = @id AND holder = @claim
                """,
                new
                {
                    id = job.Id,
                    claim = job.Claim,
                    at,
                    due,
                    attempts,
                    error = OneLine(error ?? ""),
                }
            ) == 0
        )
        {
            return false;
        }
        if (result?.Write is { } write)
            await write(tx);
        return true;
    }

    private static async ValueTask<bool> PutAside(
        Tx tx,
        Job job,
        IJobHandler handler,
        JobResult? result,
        long attempts,
        string error
    )
    {
        if (!await Keep(tx, job, result, tx.Now, null, attempts, error))
            return false;
        await tx.Execute("UPDATE jobs SET state = 'dead' WHERE id = @id", new { id = job.Id });
        await Jobs.Release(tx, job.Kind, job.OrderKey);
        await handler.WhenSetAside(tx, job);
        return true;
    }

    private static async ValueTask<bool> GiveBack(Tx tx, Job job, TimeSpan wait) =>
        await tx.Execute(
            """
            UPDATE jobs SET holder = NULL, next_at = @at, lost = CASE WHEN lost = 0 THEN 1 ELSE lost END
            WHERE id = @id AND holder = @claim
            """,
            new
            {
                id = job.Id,
                claim = job.Claim,
                at = tx.Now + wait,
            }
        ) == 1;

    /// <summary>
    /// True of a failure that belongs to the piece of work and not to the store or the end of the server.
    /// </summary>
    public static bool IsItsOwn(Exception failure) => failure is not (StoreUnavailable or OperationCanceledException);

    /// <summary>The error as it is kept and shown: one line of bounded length.</summary>
    internal static string ErrorOf(Exception failure) => OneLine($"{failure.GetType().Name}: {failure.Message}");

    private static string OneLine(string text)
    {
        var line = string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c));
        return line.Length > MaxError ? line[..MaxError] : line;
    }

    private Task[] Running()
    {
        lock (_running)
        {
            _tasks.RemoveWhere(t => t.IsCompleted);
            return [.. _tasks];
        }
    }

    /// <summary>How a run ended, as the worker sees it.</summary>
    private abstract record Ending
    {
        public sealed record Recorded(JobResult Result) : Ending;

        public sealed record Failed(Exception Failure) : Ending;

        /// <summary>Not the job's fault: it is due again after a while, and may have been done.</summary>
        public sealed record GivenBack(TimeSpan Wait) : Ending;
    }

    private sealed class ReceiverRow
    {
        public required string Lane { get; init; }
        public required string NextAt { get; init; }
        public string Kind => Lane.Split(' ')[0];
        public string Receiver => Lane.Length > Kind.Length ? Lane[(Kind.Length + 1)..] : "";
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "Job {Kind} {Key} about \"{Subject}\" failed, attempt {Attempt}"
        )]
        public static partial void Failed(
            ILogger log,
            Exception failure,
            string kind,
            string key,
            string subject,
            long attempt
        );

        [LoggerMessage(Level = LogLevel.Error, Message = "Job {Kind} {Key} about \"{Subject}\" is set aside: {Why}")]
        public static partial void SetAside(ILogger log, string kind, string key, string subject, string why);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The claim on job {Kind} {Key} ended while it ran; this run isn't recorded"
        )]
        public static partial void ClaimEnded(ILogger log, string kind, string key);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "The result of job {Kind} {Key} couldn't be recorded; it runs again when its claim ends"
        )]
        public static partial void NotRecorded(ILogger log, Exception failure, string kind, string key);

        [LoggerMessage(Level = LogLevel.Error, Message = "Jobs of {Receiver} couldn't be claimed; trying again")]
        public static partial void ReceiverFailed(ILogger log, Exception failure, string receiver);
    }
}
