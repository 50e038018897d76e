using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Storage;

/// <summary>
/// The store. <see cref="InTransaction{T}"/> is the only way to write: when it returns, the change is on disk; when it
/// throws, nothing of it is. <see cref="Read{T}"/> never waits for writers. A store that cannot serve throws
/// <see cref="StoreUnavailable"/> to every caller it touches and recovers without a restart.
/// </summary>
public sealed partial class Store : IAsyncDisposable
{
    private static readonly AsyncLocal<bool> InsideTransaction = new();

    /// <summary>The last migration of this program, which is the same on both engines.</summary>
    private static readonly Lazy<int> LastKnown = new(() => Storage.Migration.For("sqlite")[^1].Number);

    private readonly Engine _engine;
    private readonly TimeProvider _time;
    private int _disposed;

    private Store(Engine engine, TimeProvider time, Migrated? migrated = null)
    {
        _engine = engine;
        _time = time;
        Migrated = migrated;
        engine.LogHasGrown = () => Raise(() => LogGrew?.Invoke());
    }

    /// <summary>
    /// Opens the store for reading and writing, after as many changes to its tables as are allowed; two nodes may do so
    /// at once. Throws <see cref="SchemaMismatch"/> where it would take more.
    /// </summary>
    public static async Task<Store> Open(
        StoreOptions options,
        TimeProvider time,
        ILogger<Store>? log = null,
        TableChanges allowed = TableChanges.Migrate
    )
    {
        var engine = NewEngine(options, time, log ?? NullLogger<Store>.Instance);
        try
        {
            var found = await engine.ReadSchema();
            found.Require(allowed);
            return new Store(engine, time, await engine.Start(found, time));
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// For reading a store that this program knows; throws <see cref="SchemaMismatch"/> for an older or newer one.
    /// </summary>
    public static async Task<Store> OpenForReading(StoreOptions options, TimeProvider time)
    {
        var engine = NewEngine(options, time, NullLogger<Store>.Instance);
        try
        {
            (await engine.ReadSchema()).Require(TableChanges.None);
            return new Store(engine, time);
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>For copying and describing a store of any version, without changing anything in it.</summary>
    public static Store OpenAsIs(StoreOptions options, TimeProvider time) =>
        new(NewEngine(options, time, NullLogger<Store>.Instance), time);

    private static Engine NewEngine(StoreOptions options, TimeProvider time, ILogger log) =>
        options.Database is { Length: > 0 } database
            ? new PostgresEngine(database, time, log)
            : new SqliteEngine(options.SqliteFile, time, log);

    public string Description => _engine.Description;

    /// <summary>Where it is, without secrets.</summary>
    public string Place => _engine.Place;

    /// <summary>The last migration that the store has; null where it was opened as it is.</summary>
    public string? Migration => Migrated is { Applied: [.., var last] } ? last : Migrated?.From;

    /// <summary>The last migration that a newer program has made in the store; null where none has.</summary>
    internal static ValueTask<string?> FindNewerMigration(Reader reader) =>
        reader.Text(
            "SELECT name FROM migrations WHERE number > @known ORDER BY number DESC LIMIT 1",
            new { known = LastKnown.Value }
        );

    /// <summary>What opening did to the tables; null where it could do nothing.</summary>
    public Migrated? Migrated { get; }
    public bool IsSqlite => _engine is SqliteEngine;

    /// <summary>Raised in this process as soon as a transaction that wrote events stands.</summary>
    public event Action? EventsCommitted;

    /// <summary>Raised in this process as soon as a transaction that left work which is due stands.</summary>
    public event Action? WorkCommitted;

    /// <summary>
    /// Raised when there may be new events with positions, whichever node or process wrote them: at once when it was
    /// this one or, on PostgreSQL, another node; on SQLite within a tenth of a second when it was another process.
    /// </summary>
    public event Action? LogGrew;

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction and returns once it is durable. Inside stand SQL and pure
    /// functions, for it may run again; a transaction inside a transaction throws, because on SQLite it would wait for
    /// itself. Cancelling has an effect only while the work is still queued, and then nothing of it happens.
    /// </summary>
    public Task<T> InTransaction<T>(Func<Tx, ValueTask<T>> work, CancellationToken cancel = default)
    {
        if (InsideTransaction.Value)
            throw new InvalidOperationException("A transaction inside a transaction: pass the Tx on instead.");
        return Meters.Timed(_engine.Write(work, Tell, cancel));
    }

    public Task InTransaction(Func<Tx, ValueTask> work, CancellationToken cancel = default) =>
        InTransaction(
            async tx =>
            {
                await work(tx);
                return 0;
            },
            cancel
        );

    public ValueTask<T> Read<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel = default) =>
        Meters.Reading(_engine.Read(work, cancel));

    /// <summary>
    /// Reads the store as it was at one moment while others go on writing: for checks that compare tables. Meanwhile
    /// the engine keeps what writers replace, so a snapshot must not wait for anything but the store.
    /// </summary>
    public ValueTask<T> ReadSnapshot<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel = default) =>
        Meters.Reading(_engine.ReadSnapshot(work, cancel));

    /// <summary>
    /// As long as it is the same, what was read from the store is still so: it changes before anyone in this process
    /// hears that their change stands, and within a tenth of a second when another process wrote. On PostgreSQL, where
    /// other nodes write at any time, it is never the same twice.
    /// </summary>
    public long Version => _engine.Version;

    /// <summary>
    /// How long those who follow the store may wait for news before they look for themselves: seldom while this process
    /// hears what others write, since a notification is hardly ever lost.
    /// </summary>
    public TimeSpan IdleWait => _engine.HearsOthers ? TimeSpan.FromSeconds(5) : TimeSpan.FromSeconds(1);

    /// <summary>Completes when the store may have changed, at the latest after a second.</summary>
    public Task MaybeChanged(CancellationToken cancel) => _engine.MaybeChanged(cancel);

    /// <summary>
    /// Gives every event that is committed and has no position yet the next one, in a transaction of its own. Any
    /// number of nodes may do so at once. On SQLite an event has its position from the start.
    /// </summary>
    public ValueTask GivePositions(CancellationToken cancel = default) => _engine.GivePositions(cancel);

    /// <inheritdoc cref="Engine.CopyTo"/>
    public Task CopyTo(string file, CancellationToken cancel) => _engine.CopyTo(file, cancel);

    /// <inheritdoc cref="Engine.ForgetDeleted"/>
    public Task ForgetDeleted(CancellationToken cancel) => _engine.ForgetDeleted(cancel);

    public DateTimeOffset Now => Instant.ToMilliseconds(_time.GetUtcNow());

    private void Tell(Committed left)
    {
        if (left.HasEvents)
            Raise(() => EventsCommitted?.Invoke());
        // There, what is committed has its position.
        if (left.HasEvents && IsSqlite)
            _engine.LogHasGrown();
        if (left.HasWork)
            Raise(() => WorkCommitted?.Invoke());
    }

    /// <summary>
    /// The change stands already, so a follower that throws must not reach the caller, nor the other writers.
    /// </summary>
    private void Raise(Action tell)
    {
        try
        {
            tell();
        }
        catch (Exception failure)
        {
            Log.FollowerFailed(_engine.Logger, failure);
        }
    }

    internal static void EnterTransaction() => InsideTransaction.Value = true;

    public ValueTask DisposeAsync() =>
        Interlocked.Exchange(ref _disposed, 1) == 0 ? _engine.DisposeAsync() : ValueTask.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "A follower of committed events failed; it continues with the next one"
        )]
        public static partial void FollowerFailed(ILogger log, Exception failure);
    }
}
