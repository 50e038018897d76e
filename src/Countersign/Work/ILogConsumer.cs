using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// What a consumer does with one event, in the transaction that moves its cursor: SQL and pure functions only.
/// </summary>
public delegate ValueTask HandleEvent(StoredEvent news);

/// <summary>
/// Follows the log: each event of its kinds is handled once, in the order of the log, and what it writes stands or
/// falls with its cursor. Its name is a row of <c>cursors</c>, added by a migration.
/// </summary>
public interface ILogConsumer
{
    /// <summary>The name of its cursor, and the kind of jobs for events that it failed at.</summary>
    string Name { get; }

    /// <summary>Events of other kinds only move the cursor.</summary>
    IReadOnlySet<string> Kinds { get; }

    /// <summary>How long it lets news gather, so that more of them are handled together.</summary>
    TimeSpan Gather => TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Asked once for a batch. Null when it has no one to tell about anything; the batch then passes unread.
    /// </summary>
    ValueTask<HandleEvent?> Begin(Tx tx);
}
