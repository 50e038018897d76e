using System.Data;
using System.Diagnostics;
using System.Net.Sockets;
using Npgsql;

namespace Countersign.Storage;

/// <summary>
/// Any number of nodes on one database. Row locks order the writers of one request; notifications wake the others.
/// </summary>
internal sealed partial class PostgresEngine : Engine
{
    private const string Channel = "countersign";

    /// <summary>
    /// What the channel says when events have got positions; everything else it says is the name of a signal.
    /// </summary>
    private const string LogName = "log";

    /// <summary>An arbitrary number that means "Countersign migrates" to every node.</summary>
    private const long MigrationLock = 7203685410;

    /// <summary>The same for "Countersign gives positions to events".</summary>
    private const long PositionLock = 7203685411;

    /// <summary>Few enough that each transaction is milliseconds.</summary>
    private const int MaxPositions = 2_000;
    private const int Attempts = 4;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>Longer than this nobody waits for a turn to write.</summary>
    private static readonly TimeSpan MaxQueue = TimeSpan.FromSeconds(15);

    private readonly string _connectionString;
    private readonly int _statementTimeout;
    private readonly NpgsqlDataSource _source;
    private readonly SemaphoreSlim _writers;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _listening = Task.CompletedTask;
    private TaskCompletionSource _changed = NewPulse();
    private long _reads;
    private bool _isStarted;
    private volatile bool _isListening;
    private string _version = "PostgreSQL";

    public PostgresEngine(string connectionString, TimeProvider time, ILogger log)
        : base(log, time)
    {
        (_connectionString, _time, _log) = (connectionString, time, log);
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = "countersign" };
        Place = $"{settings.Database ?? settings.Username} on {settings.Host}:{settings.Port}";
        // What the operator wrote stands. (ContainsKey would say yes to every keyword that Npgsql knows.)
        if (!settings.ShouldSerialize("Max Auto Prepare"))
            settings.MaxAutoPrepare = 200;
        if (!settings.ShouldSerialize("Auto Prepare Min Usages"))
            settings.AutoPrepareMinUsages = 2;
        if (!settings.ShouldSerialize("Maximum Pool Size"))
            settings.MaxPoolSize = 40;
        // A connection that only listens must notice that the other end has gone.
        if (!settings.ShouldSerialize("Tcp Keepalive"))
            settings.TcpKeepAlive = true;
        if (!settings.ShouldSerialize("Tcp Keepalive Time"))
            settings.TcpKeepAliveTime = 10;
        if (!settings.ShouldSerialize("Timeout"))
            settings.Timeout = 5;
        // For statements, which are safe to cancel. A commit isn't: one that waits for a synchronous standby stands
        // nevertheless, Npgsql would take it for confirmed, and it would be lost with the primary. (Decision 63.)
        _statementTimeout = settings.CommandTimeout;
        settings.CommandTimeout = 0;
        // Nothing here lasts longer than its transaction (no SET, no session lock, no temporary table), so there is
        // nothing to reset; it would be one more transaction for every look of an idle node.
        if (!settings.ShouldSerialize("No Reset On Close"))
            settings.NoResetOnClose = true;
        // A transaction of ours is milliseconds; one that is not must not hold others up, nor surprise the sealer
        // later.
        settings.Options =
            $"{settings.Options} -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s".Trim();
        _source = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
        // A crowd of writers must not keep readers, and the look at who may still come in, from a connection.
        _writers = new SemaphoreSlim(Math.Max(1, settings.MaxPoolSize * 3 / 4));
    }

    public override string Description => _version;
    public override string Place { get; }
    public override string Dialect => "postgres";
    public override string ForUpdate => " FOR UPDATE";
    public override string SkipLocked => " FOR UPDATE SKIP LOCKED";
    public override string Position => "position";
    public override int? StatementTimeout => _statementTimeout;

    public override async ValueTask Notify(Tx tx, string name) =>
        await tx.Text("SELECT pg_notify(@channel, @name)::text", new { channel = Channel, name });

    public override async ValueTask<Migrated> Start(Schema found, TimeProvider time)
    {
        var migrated = Migrated.Nothing with { From = found.Last };
        try
        {
            await using var connection = await _source.OpenConnectionAsync();
            _version = $"PostgreSQL {connection.PostgreSqlVersion}";
            if (connection.PostgreSqlVersion.Major < 15)
            {
                throw new InvalidOperationException(
                    $"{_version} is too old: Countersign needs PostgreSQL 15 or newer."
                );
            }
            if (found.Pending.Count > 0)
            {
                migrated = Migrator.Run(
                    connection,
                    "BEGIN",
                    $"SELECT pg_advisory_xact_lock({MigrationLock})",
                    found.Known,
                    time,
                    _log
                );
            }
        }
        catch (Exception failure) when (Unavailable(failure) is { } unavailable)
        {
            throw unavailable;
        }
        _isStarted = true;
        _listening = Task.Run(Listen);
        return migrated;
    }

    public override async Task<T> Write<T>(
        Func<Tx, ValueTask<T>> work,
        Action<Committed> committed,
        CancellationToken cancel
    )
    {
        if (!_isStarted)
            throw new InvalidOperationException("The store was opened for reading.");
        Store.EnterTransaction();
        var since = Meters.StartWaiting();
        if (!await _writers.WaitAsync(MaxQueue, cancel))
        {
            const string tooMany = "Too many writers are waiting for the store.";
            Writing.Failed(tooMany);
            throw new StoreUnavailable(tooMany);
        }
        Meters.EndWaiting(since);
        var patience = new CancellationTokenSource();
        var writing = AttemptInTurn();
        try
        {
            return await writing.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // The commit goes on, keeps its connection and its turn, and may stand in the end.
            _ = writing.ContinueWith(
                late => late.Exception,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default
            );
            const string waits = "PostgreSQL has not confirmed the change; a standby may be missing.";
            Writing.Failed(waits);
            throw new StoreUnavailable(waits) { OutcomeUnknown = true };
        }

        async Task<T> AttemptInTurn()
        {
            try
            {
                return await Attempt(work, committed, patience, cancel);
            }
            finally
            {
                _writers.Release();
            }
        }
    }

    /// <param name="patience">Cancelled when a commit has taken longer than a statement may.</param>
    private async Task<T> Attempt<T>(
        Func<Tx, ValueTask<T>> work,
        Action<Committed> committed,
        CancellationTokenSource? patience,
        CancellationToken cancel
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            var committing = false;
            try
            {
                await using var connection = await _source.OpenConnectionAsync(cancel);
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                var tx = new Tx(this, connection, keepCommands: false)
                {
                    Now = Instant.ToMilliseconds(_time.GetUtcNow()),
                };
                var result = await work(tx);
                committing = true;
                if (_statementTimeout > 0)
                    patience?.CancelAfter(TimeSpan.FromSeconds(_statementTimeout));
                await transaction.CommitAsync(CancellationToken.None);
                patience?.CancelAfter(Timeout.InfiniteTimeSpan);
                Writing.Succeeded();
                if (tx.Leaves is { IsNothing: false } left)
                    committed(left);
                return result;
            }
            catch (PostgresException failure)
                when (failure.SqlState
                        is PostgresErrorCodes.DeadlockDetected
                            or PostgresErrorCodes.SerializationFailure
                            or PostgresErrorCodes.UniqueViolation
                    && attempt < Attempts
                )
            {
                // Two transactions met head on. The loser was undone and runs again, and then finds what the winner
                // wrote.
                Log.RunsAgain(_log, failure.SqlState, attempt);
            }
            catch (Exception failure) when (Unavailable(failure) is { } unavailable)
            {
                Writing.Failed(unavailable.Message);
                throw new StoreUnavailable(unavailable.Message, failure) { OutcomeUnknown = committing };
            }
        }
    }

    public override async ValueTask<T> Read<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancel);
            var result = await work(new Reader(this, connection, keepCommands: false));
            Reading.Succeeded();
            return result;
        }
        catch (Exception failure) when (Unavailable(failure) is { } unavailable)
        {
            Reading.Failed(unavailable.Message);
            throw unavailable;
        }
    }

    public override async ValueTask<T> ReadSnapshot<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancel);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancel);
            var reader = new Reader(this, connection, keepCommands: false);
            reader.ExecuteNow("SET TRANSACTION READ ONLY");
            var result = await work(reader);
            await transaction.CommitAsync(CancellationToken.None);
            Reading.Succeeded();
            return result;
        }
        catch (Exception failure) when (Unavailable(failure) is { } unavailable)
        {
            Reading.Failed(unavailable.Message);
            throw unavailable;
        }
    }

    /// <summary>
    /// One node after the other: whoever waits for the lock finds what the one before it left. A statement sees what is
    /// committed when it begins, so an event whose transaction is still under way gets a higher position, later. Events
    /// of one subject keep their order, because each is written after the one before it is committed.
    /// </summary>
    public override async ValueTask GivePositions(CancellationToken cancel)
    {
        while (
            await Read(r => r.Number("SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT 1"), cancel) != 0
        )
        {
            // Past the queue of writers: it makes no crowd, and those who wait for news do not wait for one.
            var given = await Attempt(
                async tx =>
                {
                    await tx.Text("SELECT pg_advisory_xact_lock(@key)::text", new { key = PositionLock });
                    var given = await tx.Execute(
                        """
                        UPDATE events SET position = placed.position
                        FROM (SELECT id, (SELECT coalesce(max(position),
                        0) FROM events) + row_number() OVER (ORDER BY id) AS position
                              FROM (SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT @most) AS waiting)
                              AS placed
                        WHERE events.id = placed.id
                        """,
                        new { most = MaxPositions }
                    );
                    if (given > 0)
                        await Notify(tx, LogName);
                    return given;
                },
                committed: _ => { },
                patience: null,
                cancel
            );
            if (given > 0)
                LogHasGrown();
        }
    }

    public override bool HearsOthers => _isListening;

    public override long Version => Interlocked.Increment(ref _reads);

    public override Task MaybeChanged(CancellationToken cancel) => Volatile.Read(ref _changed).Task.WaitAsync(cancel);

    public override Task CopyTo(string file, CancellationToken cancel) =>
        PostgresDump.Run(_connectionString, file, cancel);

    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listening;
        await _source.DisposeAsync();
        // _writers stays: a transaction that has begun ends after this and gives its turn back.
        _stop.Dispose();
    }

    /// <summary>
    /// What a caller is told when PostgreSQL cannot go on; null for mistakes of ours, such as a violated constraint.
    /// </summary>
    private static StoreUnavailable? Unavailable(Exception failure) =>
        failure switch
        {
            PostgresException { SqlState: var state } postgres => state[..2] switch
            {
                "08" or "57" => new("PostgreSQL ended the connection.", postgres),
                "55" => new("PostgreSQL does not accept connections to the database at the moment.", postgres),
                "53" => new(
                    state == PostgresErrorCodes.DiskFull
                        ? "The disk that holds the store is full."
                        : "PostgreSQL is out of resources.",
                    postgres
                ),
                "25" when state == PostgresErrorCodes.ReadOnlySqlTransaction => new(
                    "PostgreSQL does not accept writes at the moment.",
                    postgres
                ),
                "28" => new("PostgreSQL refuses the configured account.", postgres),
                "3D" => new("The configured PostgreSQL database does not exist.", postgres),
                "40" => new("PostgreSQL rolled the change back because of a conflict.", postgres),
                "58" or "XX" => new("PostgreSQL reports an error of its own.", postgres),
                _ => null,
            },
            NpgsqlException or SocketException or TimeoutException => new("PostgreSQL doesn't respond.", failure),
            _ => null,
        };

    /// <summary>Keeps one connection listening. Without it followers still look once a second.</summary>
    private async Task Listen()
    {
        for (var isLost = false; !_stop.IsCancellationRequested; )
        {
            try
            {
                await using var connection = await _source.OpenConnectionAsync(_stop.Token);
                connection.Notification += (_, heard) =>
                {
                    if (heard.Payload == LogName)
                        LogHasGrown();
                    else
                        Pulse();
                };
                await using (var command = new NpgsqlCommand($"LISTEN {Channel}", connection))
                {
                    command.CommandTimeout = _statementTimeout;
                    await command.ExecuteNonQueryAsync(_stop.Token);
                }
                _isListening = true;
                if (isLost)
                    Log.ListensAgain(_log);
                isLost = false;
                // What came while the connection was down.
                LogHasGrown();
                for (var pulsed = Stopwatch.GetTimestamp(); ; )
                {
                    // However much news of the log there is, those who follow other things get their look in time.
                    var left = Longest - Stopwatch.GetElapsedTime(pulsed);
                    if (left > TimeSpan.Zero && await connection.WaitAsync(left, _stop.Token))
                        continue;
                    Pulse();
                    pulsed = Stopwatch.GetTimestamp();
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception failure) when (Unavailable(failure) is not null)
            {
                _isListening = false;
                if (!isLost)
                    Log.NotListening(_log, failure.GetType().Name);
                isLost = true;
                Pulse();
                await Task.Delay(Longest, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Pulse() => Interlocked.Exchange(ref _changed, NewPulse()).TrySetResult();

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Debug,
            Message = "A transaction runs again after {SqlState}, attempt {Attempt}"
        )]
        public static partial void RunsAgain(ILogger log, string sqlState, int attempt);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Lost the connection that listens for changes ({Failure}); looking once a second meanwhile"
        )]
        public static partial void NotListening(ILogger log, string failure);

        [LoggerMessage(Level = LogLevel.Information, Message = "Listening for changes again")]
        public static partial void ListensAgain(ILogger log);
    }
}
