using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// A consumer that takes a batch of events at once, because it writes less for all of them than for each. When a batch
/// fails, its events are handed over one by one, so that only the one that throws is set aside.
/// </summary>
public interface ILogBatchConsumer : ILogConsumer
{
    /// <summary>Handles events in the order of the log, in the transaction that moves its cursor.</summary>
    ValueTask HandleAll(Tx tx, IReadOnlyList<StoredEvent> news);

    ValueTask<HandleEvent?> ILogConsumer.Begin(Tx tx) => new(news => HandleAll(tx, [news]));
}
