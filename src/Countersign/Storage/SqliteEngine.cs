using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Countersign.Storage;

/// <summary>
/// One file, no set-up. Writers share <see cref="SqliteLane"/>; every reader has a read-only connection of its own and,
/// thanks to the write-ahead log, neither waits for the other.
/// </summary>
internal sealed partial class SqliteEngine : Engine
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    private readonly string _file;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    /// <summary>
    /// The last one used is the next one used: its cache is warm, and no more are open than ever read at once.
    /// </summary>
    private readonly ConcurrentStack<Reader> _readers = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly string _library = SqliteLibrary.Use();
    private SqliteLane? _lane;
    private Task _watching = Task.CompletedTask;
    private TaskCompletionSource _changed = NewPulse();
    private long _version;
    private long _never;
    private bool _committing;

    public SqliteEngine(string file, TimeProvider time, ILogger log)
        : base(log, time) => (_file, _time, _log) = (file, time, log);

    public override string Description => _library;
    public override string Place => Path.GetFullPath(_file);
    public override string Dialect => "sqlite";
    public override string ForUpdate => "";
    public override string SkipLocked => "";

    /// <summary>One writer commits after the other, and an id that was undone is given again.</summary>
    public override string Position => "id";

    /// <summary>
    /// While the lane commits, some readers see what was and others what will be: nothing read then may be kept.
    /// </summary>
    public override long Version
    {
        get
        {
            var version = Volatile.Read(ref _version);
            return Volatile.Read(ref _committing) ? Interlocked.Decrement(ref _never) : version;
        }
    }

    /// <summary>Within a tenth of a second.</summary>
    public override bool HearsOthers => true;

    public override ValueTask GivePositions(CancellationToken cancel) => ValueTask.CompletedTask;

    internal void Committing() => Volatile.Write(ref _committing, true);

    internal void Changed()
    {
        Interlocked.Increment(ref _version);
        Volatile.Write(ref _committing, false);
    }

    /// <summary>Other processes look at <c>PRAGMA data_version</c>; nothing needs to be sent.</summary>
    public override ValueTask Notify(Tx tx, string name) => ValueTask.CompletedTask;

    public override async ValueTask<Schema> ReadSchema()
    {
        if (!File.Exists(_file))
            return new Schema([], Migration.For(Dialect));
        // Left by a first start that was interrupted before the file had a write-ahead log. Until a connection that may
        // write has undone what it began, no one can open the file for reading.
        if (File.Exists(_file + "-journal"))
            UndoInterrupted();
        return await base.ReadSchema();
    }

    private void UndoInterrupted()
    {
        try
        {
            using var connection = OpenForWriting(_file);
            Run(connection, "SELECT count(*) FROM sqlite_master");
        }
        catch (SqliteException failure) when (Unavailable(failure) is { } unavailable)
        {
            throw unavailable;
        }
    }

    public override ValueTask<Migrated> Start(Schema found, TimeProvider time)
    {
        var migrated = Migrated.Nothing with { From = found.Last };
        var folder = Path.GetDirectoryName(Path.GetFullPath(_file))!;
        try
        {
            PrivateFile.EnsureFolder(folder);
            // The files that SQLite puts beside it get the mode that this one has.
            PrivateFile.Ensure(_file);
            using var connection = OpenForWriting(_file);
            // Once per file: survives restarts. Readers and the writer then no longer block one another.
            Run(connection, "PRAGMA journal_mode = WAL");
            if (found.Pending.Count > 0)
            {
                // SQLite gives a table another shape only by building it anew and dropping the one that others refer
                // to.
                Run(connection, "PRAGMA foreign_keys = OFF");
                migrated = Migrator.Run(
                    connection,
                    "BEGIN IMMEDIATE",
                    lockSql: null,
                    found.Known,
                    time,
                    _log,
                    last => CopyBefore(last, time)
                );
            }
        }
        catch (SqliteException failure) when (Unavailable(failure) is { } unavailable)
        {
            throw unavailable;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailable(PrivateFile.CannotWrite(folder), failure);
        }
        _lane = new SqliteLane(this, () => OpenForWriting(_file), _time, _log);
        _watching = Task.Run(Watch);
        return ValueTask.FromResult(migrated);
    }

    public override Task<T> Write<T>(
        Func<Tx, ValueTask<T>> work,
        Action<Committed> committed,
        CancellationToken cancel
    ) =>
        (_lane ?? throw new InvalidOperationException("The store was opened for reading.")).Enqueue(
            work,
            committed,
            cancel
        );

    public override async ValueTask<T> Read<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        Reader? reader = null;
        try
        {
            if (!_readers.TryPop(out reader))
                reader = new Reader(this, OpenForReading(), keepCommands: true);
            var result = await work(reader);
            _readers.Push(reader);
            Reading.Succeeded();
            return result;
        }
        catch (Exception failure)
        {
            // A connection that has failed once is not worth trusting again; opening one takes microseconds.
            Close(reader);
            if (failure is SqliteException sqlite && Unavailable(sqlite) is { } unavailable)
            {
                Reading.Failed(unavailable.Message);
                throw unavailable;
            }
            throw;
        }
    }

    public override ValueTask<T> ReadSnapshot<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel) =>
        Read(
            async reader =>
            {
                // The snapshot is taken by the first question. Should one fail, the connection is closed and with it
                // the transaction.
                reader.ExecuteNow("BEGIN");
                var result = await work(reader);
                reader.ExecuteNow("COMMIT");
                return result;
            },
            cancel
        );

    public override Task MaybeChanged(CancellationToken cancel) => Volatile.Read(ref _changed).Task.WaitAsync(cancel);

    public override Task CopyTo(string file, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        Copy(file);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Writes the file anew, without what lies in free pages, and empties the write-ahead log. Writers wait meanwhile.
    /// </summary>
    public override Task ForgetDeleted(CancellationToken cancel) =>
        Task.Run(
            () =>
            {
                try
                {
                    using var connection = OpenForWriting(_file);
                    Run(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
                    Run(connection, "VACUUM");
                    Run(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
                }
                catch (SqliteException failure) when (Unavailable(failure) is { } unavailable)
                {
                    throw unavailable;
                }
            },
            cancel
        );

    private void Copy(string file)
    {
        using (var connection = OpenForReading())
        {
            // SQLite fills an empty file that is there, and so nobody else can read the copy while it is made.
            PrivateFile.Ensure(file);
            using var command = connection.CreateCommand();
            command.CommandText = "VACUUM INTO @file";
            command.Parameters.AddWithValue("file", file);
            command.CommandTimeout = 0;
            command.ExecuteNonQuery();
        }
        using var copy = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        copy.Flush(flushToDisk: true);
    }

    /// <summary>
    /// The way back after an upgrade: the store as it was, beside the file and under its last migration's number.
    /// </summary>
    private string CopyBefore(Migrator.Recorded last, TimeProvider time)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(_file))!;
        var moment = time.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var copy = Path.Combine(folder, $"countersign-{last.Number:000}-{moment}.db");
        var unfinished = $"{copy}.{Environment.ProcessId}.part";
        try
        {
            Copy(unfinished);
            PrivateFile.MoveToNew(unfinished, copy);
        }
        catch (Exception failure) when (failure is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailable(
                $"The store could not be copied before its migration, so it was left as it is: {failure.Message} "
                    + $"The copy needs as much space in {folder} as the store.",
                failure
            );
        }
        finally
        {
            File.Delete(unfinished);
        }
        Log.Copied(_log, copy);
        return copy;
    }

    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        // The lane last: whoever may write and closes last leaves the file alone, without a log beside it.
        CloseReaders();
        _lane?.Dispose();
        CloseReaders();
        _stop.Dispose();
    }

    /// <summary>
    /// What a caller is told when SQLite itself cannot go on; null for mistakes of ours, such as a violated constraint.
    /// </summary>
    public static StoreUnavailable? Unavailable(SqliteException failure) =>
        failure.SqliteErrorCode switch
        {
            SQLITE_FULL => new("The disk that holds the store is full.", failure),
            SQLITE_READONLY or SQLITE_PERM => new("The store's file can't be written.", failure),
            SQLITE_BUSY or SQLITE_LOCKED => new("Another process keeps the store locked.", failure),
            SQLITE_IOERR => new("The disk that holds the store reports an error.", failure),
            SQLITE_CANTOPEN => new("The store's file can't be opened.", failure),
            SQLITE_CORRUPT or SQLITE_NOTADB => new("The store's file is damaged.", failure),
            SQLITE_NOMEM => new("The store is out of memory.", failure),
            _ => null,
        };

    internal static SqliteConnection OpenForWriting(string file)
    {
        var connection = Open(file, SqliteOpenMode.ReadWriteCreate);
        // FULL: a commit is on disk before anyone hears of it. MEMORY: savepoints otherwise write a file each.
        Run(connection, "PRAGMA synchronous = FULL");
        Run(connection, "PRAGMA temp_store = MEMORY");
        Run(connection, "PRAGMA foreign_keys = ON");
        // 16 MiB: a batch with its indexes fits, so no page of it is written to the log twice.
        Run(connection, "PRAGMA cache_size = -16384");
        // Every commit rewrites the same pages at the ends of the indexes, and each is copied into the file once per
        // log: four times SQLite's usual length saves most of these copies and keeps the log below about 16 MiB.
        Run(connection, "PRAGMA wal_autocheckpoint = 4000");
        return connection;
    }

    private SqliteConnection OpenForReading()
    {
        var connection = Open(_file, SqliteOpenMode.ReadOnly);
        // 4 MiB: there may be many readers, and the system keeps the file's pages anyway.
        Run(connection, "PRAGMA cache_size = -4096");
        // A page that sorts a few thousand rows need not write them to a file.
        Run(connection, "PRAGMA temp_store = MEMORY");
        return connection;
    }

    private static SqliteConnection Open(string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = file,
                Mode = mode,
                Pooling = false,
                DefaultTimeout = 5,
            }.ToString()
        );
        connection.Open();
        // First of all, so that nothing after it fails only because another process is writing.
        Run(connection, "PRAGMA busy_timeout = 5000");
        return connection;
    }

    internal static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void CloseReaders()
    {
        while (_readers.TryPop(out var reader))
            Close(reader);
    }

    private static void Close(Reader? reader)
    {
        reader?.DropCommands();
        reader?.Connection.Dispose();
    }

    /// <summary>Looks ten times a second whether any connection of any process has committed.</summary>
    private async Task Watch()
    {
        using var timer = new PeriodicTimer(Look);
        SqliteConnection? connection = null;
        SqliteCommand? command = null;
        long seen = -1;
        var quiet = TimeSpan.Zero;
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                bool hasChanged;
                try
                {
                    command ??= DataVersion(connection ??= OpenForReading());
                    var version = (long)command.ExecuteScalar()!;
                    quiet += Look;
                    hasChanged = version != seen;
                    if (!hasChanged && quiet < Longest)
                        continue;
                    seen = version;
                }
                catch (SqliteException)
                {
                    // Followers look for themselves and find the store unavailable; this connection is made anew.
                    command?.Dispose();
                    connection?.Dispose();
                    (command, connection) = (null, null);
                    hasChanged = true;
                }
                quiet = TimeSpan.Zero;
                Interlocked.Increment(ref _version);
                Interlocked.Exchange(ref _changed, NewPulse()).TrySetResult();
                if (hasChanged)
                    LogHasGrown();
            }
        }
        catch (OperationCanceledException)
        {
            command?.Dispose();
            connection?.Dispose();
        }
    }

    private static SqliteCommand DataVersion(SqliteConnection connection)
    {
        var command = connection.CreateCommand();
        command.CommandText = "PRAGMA data_version";
        return command;
    }

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "Copied the store to {File} before migrating it. Delete the copy when you no longer need the "
                + "way back"
        )]
        public static partial void Copied(ILogger log, string file);
    }
}
