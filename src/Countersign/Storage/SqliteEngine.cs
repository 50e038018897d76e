using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Countersign.Storage;

/// <summary>
/// One file, no set-up. Writers share <see cref="SqliteLane"/>; every reader has a read-only connection of its own and,
/// thanks to the write-ahead log, neither waits for the other.
/// </summary>
internal sealed class SqliteEngine : Engine
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

    public SqliteEngine(string file, TimeProvider time, ILogger log) => (_file, _time, _log) = (file, time, log);

    public override ILogger Logger => _log;
    public override string Description => _library;
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

    public override ValueTask GivePositions(CancellationToken cancel) => ValueTask.CompletedTask;

    internal void Committing() => Volatile.Write(ref _committing, true);

    internal void Changed()
    {
        Interlocked.Increment(ref _version);
        Volatile.Write(ref _committing, false);
    }

    /// <summary>Other processes look at <c>PRAGMA data_version</c>; nothing needs to be sent.</summary>
    public override ValueTask Notify(Tx tx, string name) => ValueTask.CompletedTask;

    public override ValueTask Start(IReadOnlyList<Migration> migrations, TimeProvider time)
    {
        PrivateFile.EnsureFolder(Path.GetDirectoryName(Path.GetFullPath(_file))!);
        try
        {
            // The files that SQLite puts beside it get the mode that this one has.
            PrivateFile.Ensure(_file);
            using var connection = OpenForWriting(_file);
            // Once per file: survives restarts. Readers and the writer then no longer block one another.
            Run(connection, "PRAGMA journal_mode = WAL");
            // SQLite gives a table another shape only by building it anew and dropping the one that others refer to.
            Run(connection, "PRAGMA foreign_keys = OFF");
            Migrator.Run(connection, "BEGIN IMMEDIATE", lockSql: null, migrations, time);
        }
        catch (SqliteException failure) when (Unavailable(failure) is { } unavailable)
        {
            throw unavailable;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailable("The store's file can't be opened.", failure);
        }
        _lane = new SqliteLane(this, () => OpenForWriting(_file), _time, _log);
        _watching = Task.Run(Watch);
        return ValueTask.CompletedTask;
    }

    public override Task<T> Write<T>(
        Func<Tx, ValueTask<T>> work,
        Action<Committed> committed,
        CancellationToken cancel
    ) => _lane!.Enqueue(work, committed, cancel);

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
            return result;
        }
        catch (Exception failure)
        {
            // A connection that has failed once is not worth trusting again; opening one takes microseconds.
            Close(reader);
            if (failure is SqliteException sqlite && Unavailable(sqlite) is { } unavailable)
                throw unavailable;
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

    public override async Task<string?> CopyTo(string file, CancellationToken cancel)
    {
        using (var connection = OpenForReading())
        {
            // SQLite fills an empty file that is there, and so nobody else can read the copy while it is made.
            PrivateFile.Ensure(file);
            using var command = connection.CreateCommand();
            command.CommandText = "VACUUM INTO @file";
            command.Parameters.AddWithValue("file", file);
            command.CommandTimeout = 0;
            await command.ExecuteNonQueryAsync(cancel);
        }
        using var copy = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        copy.Flush(flushToDisk: true);
        return null;
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
                try
                {
                    command ??= DataVersion(connection ??= OpenForReading());
                    var version = (long)command.ExecuteScalar()!;
                    quiet += Look;
                    if (version == seen && quiet < Longest)
                        continue;
                    seen = version;
                }
                catch (SqliteException)
                {
                    // Followers look for themselves and find the store unavailable; this connection is made anew.
                    command?.Dispose();
                    connection?.Dispose();
                    (command, connection) = (null, null);
                }
                quiet = TimeSpan.Zero;
                Interlocked.Increment(ref _version);
                Interlocked.Exchange(ref _changed, NewPulse()).TrySetResult();
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
}
