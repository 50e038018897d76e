using System.Runtime.InteropServices;
using Countersign.Storage;

namespace Countersign.Work;

/// <summary>What one step along the log came to.</summary>
/// <param name="Handled">How many events the consumer was given.</param>
/// <param name="IsListening">False when it has no one to tell; what was there has passed.</param>
/// <param name="IsElsewhere">True when another node is at it.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct LogStep(int Handled, bool IsListening = true, bool IsElsewhere = false);

/// <summary>
/// One consumer's way along the log. A step hands it the next events and moves its cursor in one transaction, on one
/// node at a time. An event that throws becomes a job (<see cref="RetryEvent"/>) and the cursor goes on; later events
/// of the same subject queue behind it until it is done or set aside.
/// </summary>
public sealed class LogCursor(Store store, ILogConsumer consumer)
{
    /// <summary>Small, because on SQLite all writers wait meanwhile.</summary>
    internal const int MaxEvents = 100;

    private readonly string _name = consumer.Name;
    private readonly string _kinds = string.Join(
        ", ",
        consumer.Kinds.Order(StringComparer.Ordinal).Select(k => $"'{k}'")
    );

    /// <summary>
    /// Whether there is an event for the consumer, and whether the log goes on beyond its cursor. Costs no write.
    /// </summary>
    public ValueTask<(bool HasWork, bool IsBehind)> Look(CancellationToken cancel) =>
        store.Read(
            async reader =>
            {
                var at =
                    await Find(reader, _name, "")
                    ?? throw new InvalidDataException($"The store has lost the cursor \"{_name}\". Restore a backup.");
                var isBehind = await EventLog.End(reader) > at;
                return (isBehind && await EventLog.Next(reader, at, 1, _kinds) is not [], isBehind);
            },
            cancel
        );

    public async Task<LogStep> Run(CancellationToken cancel = default)
    {
        for (var oneByOne = consumer is not ILogBatchConsumer; ; )
        {
            StoredEvent? current = null;
            try
            {
                return await store.InTransaction(tx => Take(tx, oneByOne, news => current = news), cancel);
            }
            catch (Exception failure) when (!oneByOne && JobWorker.IsItsOwn(failure))
            {
                oneByOne = true;
            }
            catch (Exception failure) when (current is not null && JobWorker.IsItsOwn(failure))
            {
                // Its job fails in the same way and says why, or does what failed only once.
                await SetBeside(current, cancel);
            }
        }
    }

    /// <summary>
    /// The position of a consumer's cursor; null when it is not there or, with <see cref="Tx.SkipLocked"/>, another
    /// node holds it.
    /// </summary>
    internal static ValueTask<long?> Lock(Tx tx, string name, string how) => Find(tx, name, how);

    private async ValueTask<LogStep> Take(Tx tx, bool oneByOne, Action<StoredEvent?> begin)
    {
        begin(null);
        if (await Lock(tx, _name, tx.SkipLocked) is not { } at)
            return new LogStep(0, IsElsewhere: true);
        // Read before the events: all up to there can be seen by the query for them.
        var end = await EventLog.End(tx);
        if (await consumer.Begin(tx) is not { } handle)
        {
            await Move(tx, at, end);
            return new LogStep(0, IsListening: false);
        }
        var next = await EventLog.Next(tx, at, MaxEvents, _kinds);
        var hasFailed =
            next.Count > 0
            && await tx.Number("SELECT id FROM jobs WHERE kind = @name LIMIT 1", new { name = _name }) != 0;
        var all = oneByOne ? null : new List<StoredEvent>(next.Count);
        var handled = 0;
        foreach (var news in next)
        {
            begin(news);
            if (hasFailed && await IsBehindFailed(tx, news))
                continue;
            if (all is null)
                await handle(news);
            else
                all.Add(news);
            handled++;
        }
        begin(null);
        if (all is { Count: > 0 })
            await ((ILogBatchConsumer)consumer).HandleAll(tx, all);
        await Move(
            tx,
            at,
            next.Count == MaxEvents ? next[^1].Position : Math.Max(end, next.Count > 0 ? next[^1].Position : 0)
        );
        return new LogStep(handled);
    }

    /// <summary>Only if no other node has handled it meanwhile.</summary>
    private Task SetBeside(StoredEvent news, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                if (await Lock(tx, _name, tx.ForUpdate) < news.Position)
                    await RetryEvent.Add(tx, _name, news);
            },
            cancel
        );

    /// <summary>
    /// True of what has failed already, and of what comes after it in the same subject, which then queues there too.
    /// </summary>
    private async ValueTask<bool> IsBehindFailed(Tx tx, StoredEvent news)
    {
        if (
            await tx.Number(
                "SELECT id FROM jobs WHERE kind = @name AND key = @key",
                new { name = _name, key = RetryEvent.KeyOf(news) }
            ) != 0
        )
        {
            return true;
        }
        var isBehind =
            await tx.Number(
                """
                SELECT id FROM jobs
                WHERE kind = @name AND order_key = @subject AND order_no < @position AND state <> 'dead' LIMIT 1
                """,
                new
                {
                    name = _name,
                    subject = news.Subject,
                    position = news.Position,
                }
            ) != 0;
        return isBehind && await RetryEvent.Add(tx, _name, news);
    }

    private static async ValueTask<long?> Find(Reader reader, string name, string how) =>
        (
            await reader.First<CursorRow>($"SELECT position FROM cursors WHERE name = @name{how}", new { name })
        )?.Position;

    private async ValueTask Move(Tx tx, long from, long to)
    {
        if (to > from)
            await tx.Execute("UPDATE cursors SET position = @to WHERE name = @name", new { to, name = _name });
    }

    private sealed class CursorRow
    {
        public long Position { get; init; }
    }
}
