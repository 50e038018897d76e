namespace Countersign.Storage;

/// <summary>
/// What differs between SQLite and PostgreSQL, and nothing else. Everything above this class is written once.
/// </summary>
internal abstract class Engine(ILogger log, TimeProvider time) : IAsyncDisposable
{
    public ILogger Logger { get; } = log;
    public Outage Reading { get; } = new("read", log, time);
    public Outage Writing { get; } = new("written", log, time);

    /// <summary>For people: "SQLite 3.40.1 (the system's)", "PostgreSQL 15.18".</summary>
    public abstract string Description { get; }

    /// <summary>For people, without secrets: a file, or a database and its server.</summary>
    public abstract string Place { get; }

    /// <summary>The middle part of a migration's file name.</summary>
    public abstract string Dialect { get; }

    public abstract string ForUpdate { get; }

    /// <inheritdoc cref="Tx.SkipLocked"/>
    public abstract string SkipLocked { get; }

    /// <summary>
    /// The column of <c>events</c> that says where an event stands in the log: positions only grow, and when one can be
    /// seen, all below it can.
    /// </summary>
    public abstract string Position { get; }

    /// <summary>In seconds, where it isn't what the connection says; 0 is no limit.</summary>
    public virtual int? StatementTimeout => null;

    /// <summary>Called when there may be new events in the log, whoever wrote them; must not throw.</summary>
    public Action LogHasGrown { get; set; } = () => { };

    public abstract ValueTask Notify(Tx tx, string name);

    /// <summary>The migrations that the store has; none where there is no store yet. Changes nothing.</summary>
    public virtual ValueTask<Schema> ReadSchema() => Read(reader => Schema.Of(reader, Dialect), CancellationToken.None);

    /// <summary>
    /// Connects for reading and writing. Applies what the store lacks of the migrations, one node after the other.
    /// </summary>
    public abstract ValueTask<Migrated> Start(Schema found, TimeProvider time);

    public abstract Task<T> Write<T>(
        Func<Tx, ValueTask<T>> work,
        Action<Committed> committed,
        CancellationToken cancel
    );

    public abstract ValueTask<T> Read<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel);

    /// <summary>Like <see cref="Read"/>, but every question sees the store as it was at the first.</summary>
    public abstract ValueTask<T> ReadSnapshot<T>(Func<Reader, ValueTask<T>> work, CancellationToken cancel);

    /// <summary>Completes when the store may have changed, by whomever; at the latest after a second.</summary>
    public abstract Task MaybeChanged(CancellationToken cancel);

    /// <summary>Whether this process hears at once of what others write.</summary>
    public abstract bool HearsOthers { get; }

    /// <inheritdoc cref="Store.Version"/>
    public abstract long Version { get; }

    /// <inheritdoc cref="Store.GivePositions"/>
    public abstract ValueTask GivePositions(CancellationToken cancel);

    /// <summary>A consistent copy while serving; throws <see cref="CopyFailed"/> where that takes more.</summary>
    public abstract Task CopyTo(string file, CancellationToken cancel);

    /// <summary>
    /// Makes sure that nothing that was deleted or overwritten can be read from the store's files any more, where that
    /// is in our hands.
    /// </summary>
    public virtual Task ForgetDeleted(CancellationToken cancel) => Task.CompletedTask;

    public abstract ValueTask DisposeAsync();
}
