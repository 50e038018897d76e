namespace Countersign.Storage;

/// <summary>
/// What differs between SQLite and PostgreSQL, and nothing else. Everything above this class is written once.
/// </summary>
internal abstract class Engine : IAsyncDisposable
{
    public abstract ILogger Logger { get; }

    /// <summary>For people: "SQLite 3.40.1 (the system's)", "PostgreSQL 15.18".</summary>
    public abstract string Description { get; }

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

    /// <summary>Called when there may be new events in the log, whoever wrote them; must not throw.</summary>
    public Action LogHasGrown { get; set; } = () => { };

    public abstract ValueTask Notify(Tx tx, string name);

    /// <summary>Connects, and takes part in whatever must be settled between nodes before migrations may run.</summary>
    public abstract ValueTask Start(IReadOnlyList<Migration> migrations, TimeProvider time);

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

    /// <inheritdoc cref="Store.Version"/>
    public abstract long Version { get; }

    /// <inheritdoc cref="Store.GivePositions"/>
    public abstract ValueTask GivePositions(CancellationToken cancel);

    /// <summary>A consistent copy while serving, or why this engine leaves that to its own tools.</summary>
    public abstract Task<string?> CopyTo(string file, CancellationToken cancel);

    public abstract ValueTask DisposeAsync();
}
