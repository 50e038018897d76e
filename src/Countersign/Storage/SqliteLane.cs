using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Countersign.Storage;

/// <summary>
/// The one lane for all writers of this process. A batch goes:
/// <code>
///   1  the first waiting caller opens it            BEGIN IMMEDIATE
///   2  waiting callers run, two dozen or for half a commit's time
///   3  one of them throws: all is undone and run    ROLLBACK, BEGIN IMMEDIATE, then for each
///      once more, each caller in a savepoint        SAVEPOINT … RELEASE, or ROLLBACK TO when it fails
///   4  one commit, one fsync for all of them        COMMIT
///   5  only now does anyone hear back
/// </code>
/// Callers rarely throw (what a caller can cause is a returned outcome), and a savepoint copies every page that is
/// touched after it. Work may therefore run twice, as it may on PostgreSQL after a deadlock.
/// A caller's exception undoes that caller alone. When SQLite ends the whole transaction (a full disk does), or the
/// commit fails, every caller of the batch hears <see cref="StoreUnavailable"/> and nothing of the batch stands.
/// </summary>
internal sealed partial class SqliteLane : IDisposable
{
    /// <summary>More callers than this wait for nothing: the store cannot keep up, and they are told so.</summary>
    private const int MaxQueue = 10_000;

    /// <summary>Bounds how long the first caller of a batch waits for the others.</summary>
    private const int MaxBatch = 512;

    /// <summary>
    /// This many may share a commit on any disk, more only where commits are slow: while a batch is written, the
    /// callers of the one before are answered and ask again. If all were taken each time, nothing would be left to do
    /// meanwhile (decision 21).
    /// </summary>
    private const int EnoughForABatch = 24;

    private readonly Channel<Caller> _queue = Channel.CreateBounded<Caller>(
        new BoundedChannelOptions(MaxQueue) { SingleReader = true }
    );
    private readonly SqliteEngine _engine;
    private readonly Func<SqliteConnection> _open;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Thread _thread;
    private volatile bool _closing;
    private TimeSpan _lastCommit;
    private SqliteConnection? _connection;
    private Tx? _tx;

    public SqliteLane(SqliteEngine engine, Func<SqliteConnection> open, TimeProvider time, ILogger log)
    {
        (_engine, _open, _time, _log) = (engine, open, time, log);
        _thread = new Thread(Loop) { IsBackground = true, Name = "SQLite write lane" };
        _thread.Start();
    }

    public Task<T> Enqueue<T>(Func<Tx, ValueTask<T>> work, Action<Committed> committed, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested)
            return Task.FromCanceled<T>(cancel);
        var caller = new Caller<T>(work, committed);
        caller.CancelWhileQueued(cancel);
        if (!_queue.Writer.TryWrite(caller))
        {
            const string tooMany = "Too many writers are waiting for the store.";
            if (!_closing)
                _engine.Writing.Failed(tooMany);
            caller.Fail(new StoreUnavailable(_closing ? "The store is closing." : tooMany));
        }
        return caller.Done;
    }

    /// <summary>Takes no more callers, serves those who wait, and closes the file.</summary>
    public void Dispose()
    {
        _closing = true;
        _queue.Writer.TryComplete();
        _thread.Join();
        Reopen();
    }

    private void Loop()
    {
        // Marks this thread for good: a transaction begun from inside one would wait for itself.
        Store.EnterTransaction();
        var batch = new List<Caller>(MaxBatch);
        while (WaitForCaller())
        {
            batch.Clear();
            try
            {
                RunBatch(batch);
            }
            catch (Exception failure)
            {
                // The lane goes on after any failure: it is the only writer of this process.
                FailAll(batch, failure);
            }
        }
    }

    private bool WaitForCaller()
    {
        var ready = _queue.Reader.WaitToReadAsync();
        return ready.IsCompletedSuccessfully ? ready.Result : ready.AsTask().GetAwaiter().GetResult();
    }

    private void RunBatch(List<Caller> batch)
    {
        try
        {
            Run("BEGIN IMMEDIATE");
        }
        catch (SqliteException failure)
        {
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var caller))
                batch.Add(caller);
            FailAll(batch, failure);
            return;
        }

        var trusting = true;
        var opened = Stopwatch.GetTimestamp();
        var waiting = Math.Min(_queue.Reader.Count, EnoughForABatch);
        while (
            batch.Count < MaxBatch
            && (batch.Count < waiting || Stopwatch.GetElapsedTime(opened) < _lastCommit / 2)
            && _queue.Reader.TryRead(out var caller)
        )
        {
            if (!caller.TryStart())
                continue;
            batch.Add(caller);
            if (trusting && TryRun(caller))
                continue;
            if (!(trusting ? StartAgain(batch, out var fatal) : RunOne(caller, out fatal)))
            {
                FailAll(batch, fatal!);
                return;
            }
            trusting = false;
        }

        _engine.Committing();
        var committing = Stopwatch.GetTimestamp();
        try
        {
            Run("COMMIT");
            _lastCommit = Stopwatch.GetElapsedTime(committing);
        }
        catch (SqliteException failure)
        {
            _engine.Changed();
            FailAll(batch, failure);
            return;
        }
        // Before anyone hears that their change stands: whoever reads afterwards reads anew.
        _engine.Changed();
        _engine.Writing.Succeeded();
        Meters.Batch(batch.Count);
        foreach (var caller in batch)
            caller.Succeed();
    }

    /// <summary>Without a savepoint: false when the caller threw, also after it had written something.</summary>
    private bool TryRun(Caller caller)
    {
        try
        {
            RunIn(_tx!, caller);
            return true;
        }
        catch (Exception)
        {
            // Whoever threw throws again in a savepoint, and hears of it then.
            return false;
        }
    }

    /// <summary>
    /// Undoes the batch and runs it once more, each caller in a savepoint. False when the transaction is gone.
    /// </summary>
    private bool StartAgain(List<Caller> batch, out SqliteException? fatal)
    {
        fatal = null;
        try
        {
            if (sqlite3_get_autocommit(_connection!.Handle) == 0)
                Run("ROLLBACK");
            Run("BEGIN IMMEDIATE");
        }
        catch (SqliteException failure)
        {
            fatal = failure;
            return false;
        }
        foreach (var caller in batch)
        {
            if (!RunOne(caller, out fatal))
                return false;
        }
        return true;
    }

    private void RunIn(Tx tx, Caller caller)
    {
        tx.Now = Instant.ToMilliseconds(_time.GetUtcNow());
        tx.HasEvents = false;
        tx.HasWork = false;
        caller.Run(tx);
    }

    /// <summary>In a savepoint: false when the transaction of the whole batch is gone.</summary>
    private bool RunOne(Caller caller, out SqliteException? fatal)
    {
        fatal = null;
        try
        {
            Run("SAVEPOINT caller");
            RunIn(_tx!, caller);
            Run("RELEASE caller");
            return true;
        }
        catch (Exception failure)
        {
            try
            {
                if (sqlite3_get_autocommit(_connection!.Handle) == 0)
                {
                    Run("ROLLBACK TO caller");
                    Run("RELEASE caller");
                    var unavailable = failure is SqliteException sqlite ? SqliteEngine.Unavailable(sqlite) : null;
                    if (unavailable is not null)
                        _engine.Writing.Failed(unavailable.Message);
                    caller.Fail(unavailable ?? failure);
                    return true;
                }
                fatal = failure as SqliteException ?? new SqliteException(failure.Message, SQLITE_ABORT);
                return false;
            }
            catch (SqliteException worse)
            {
                fatal = worse;
                return false;
            }
        }
    }

    private void FailAll(List<Caller> batch, Exception failure)
    {
        var sqlite = failure as SqliteException;
        // A new connection rolls back what the old one still held, and finds a file that came back.
        Reopen();
        var unavailable = sqlite is null ? null : SqliteEngine.Unavailable(sqlite);
        // What is wrong with the disk is told by the outage; the rest is a fault of ours and needs its trace.
        var (code, extended) = (sqlite?.SqliteErrorCode ?? 0, sqlite?.SqliteExtendedErrorCode ?? 0);
        if (unavailable is null)
            Log.BatchFailed(_log, batch.Count, code, extended, failure);
        else
            Log.BatchRefused(_log, batch.Count, code, extended);
        var reason =
            unavailable
            ?? new StoreUnavailable("The store ended the transaction.", failure) { OutcomeUnknown = sqlite is null };
        _engine.Writing.Failed(reason.Message, batch.Count);
        foreach (var caller in batch)
            caller.Fail(reason);
    }

    private void Run(string sql)
    {
        if (_connection is null)
        {
            _connection = _open();
            _tx = new Tx(_engine, _connection, keepCommands: true);
        }
        _tx!.ExecuteNow(sql);
    }

    private void Reopen()
    {
        _tx?.DropCommands();
        _connection?.Dispose();
        (_connection, _tx) = (null, null);
    }

    /// <summary>
    /// Someone waiting for a transaction. Queued, then either cancelled or run; run, then succeeded or failed.
    /// </summary>
    private abstract class Caller
    {
        private const int Queued = 0,
            Started = 1,
            Cancelled = 2;
        private readonly long _since = Meters.StartWaiting();
        private int _state;

        public bool TryStart()
        {
            if (Interlocked.CompareExchange(ref _state, Started, Queued) != Queued)
                return false;
            Meters.EndWaiting(_since);
            return true;
        }

        protected bool TryCancel() => Interlocked.CompareExchange(ref _state, Cancelled, Queued) == Queued;

        public abstract void Run(Tx tx);
        public abstract void Succeed();
        public abstract void Fail(Exception failure);
    }

    private sealed class Caller<T>(Func<Tx, ValueTask<T>> work, Action<Committed> committed) : Caller
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CancellationTokenRegistration _cancellation;
        private T? _result;
        private Committed _left;

        public Task<T> Done => _done.Task;

        public void CancelWhileQueued(CancellationToken cancel)
        {
            if (cancel.CanBeCanceled)
            {
                _cancellation = cancel.UnsafeRegister(
                    state =>
                    {
                        if (TryCancel())
                            _done.TrySetCanceled((CancellationToken)state!);
                    },
                    cancel
                );
            }
        }

        public override void Run(Tx tx)
        {
            var running = work(tx);
            if (running.IsCompleted)
            {
                _result = running.GetAwaiter().GetResult();
            }
            else
            {
                // Let it end before the savepoint is undone under it.
                running.AsTask().GetAwaiter().GetResult();
                throw new InvalidOperationException(
                    "A transaction waited for something other than SQL, and held up every writer."
                );
            }
            _left = tx.Leaves;
        }

        public override void Succeed()
        {
            _cancellation.Dispose();
            if (_done.TrySetResult(_result!) && !_left.IsNothing)
                committed(_left);
        }

        public override void Fail(Exception failure)
        {
            _cancellation.Dispose();
            _done.TrySetException(failure);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Debug,
            Message = "SQLite refused a batch of {Callers} writers with error {Code}, extended {Extended}"
        )]
        public static partial void BatchRefused(ILogger log, int callers, int code, int extended);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "A batch of {Callers} writers failed as a whole: SQLite error {Code}, extended {Extended}"
        )]
        public static partial void BatchFailed(ILogger log, int callers, int code, int extended, Exception failure);
    }
}
