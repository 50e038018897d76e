using System.Globalization;
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
/// One consumer's way along the log. A step hands it the next events and moves its cursor in one transaction, on one node
/// at a time. An event that throws becomes failed work of the consumer and the cursor goes on; later events of the same
/// subject wait behind it while it is tried again.
/// </summary>
public sealed class LogCursor(Store store, ILogConsumer consumer)
{
    /// <summary>Small, because on SQLite all writers wait meanwhile.</summary>
    internal const int MaxEvents = 100;

    /// <summary>Of failed events that are due, those that no earlier one of their subject holds back.</summary>
    private const string DueAgain =
        """
        SELECT f.position FROM failed_work f WHERE f.kind = @name AND f.due_at <= @now AND NOT EXISTS (
          SELECT 1 FROM failed_work b
          WHERE b.kind = f.kind AND b.subject = f.subject AND b.due_at IS NOT NULL AND b.position < f.position)
        ORDER BY f.position LIMIT @most
        """;

    private readonly string _name = consumer.Name;
    private readonly string _kinds = string.Join(", ", consumer.Kinds.Order(StringComparer.Ordinal).Select(k => $"'{k}'"));

    /// <summary>Whether the consumer has an event to handle, and whether the log goes on beyond its cursor. Costs no write.</summary>
    public ValueTask<(bool HasWork, bool IsBehind)> Look(CancellationToken cancel) => store.Read(async reader =>
    {
        var at = await reader.First<CursorRow>("SELECT position FROM cursors WHERE name = @name", new { name = _name })
            ?? throw new InvalidDataException($"The store has lost the cursor \"{_name}\". Restore a backup.");
        var end = await EventLog.End(reader);
        var hasWork = (end > at.Position && await EventLog.Next(reader, at.Position, 1, _kinds) is not [])
            || await EventLog.At(reader, DueAgain, new { name = _name, now = store.Now, most = 1 }) is not [];
        return (hasWork, end > at.Position);
    }, cancel);

    public async Task<LogStep> Run(CancellationToken cancel = default)
    {
        while (true)
        {
            StoredEvent? current = null;
            try
            {
                var step = await store.InTransaction(tx => Take(tx, news => current = news), cancel);
                if (step.Handled > 0)
                    consumer.Committed();
                return step;
            }
            catch (Exception failure) when (current is not null && FailedWork.IsItsOwn(failure))
            {
                await SetBeside(current, failure, cancel);
            }
        }
    }

    private async ValueTask<LogStep> Take(Tx tx, Action<StoredEvent?> begin)
    {
        begin(null);
        if (await Locked(tx, tx.SkipLocked) is not { } at)
            return new LogStep(0, IsElsewhere: true);
        // Read first: all below can be seen by the queries that follow.
        var end = await EventLog.End(tx);
        if (await consumer.Begin(tx) is not { } handle)
        {
            await tx.Execute("DELETE FROM failed_work WHERE kind = @name AND due_at IS NOT NULL", new { name = _name });
            await Move(tx, at, end);
            return new LogStep(0, IsListening: false);
        }
        var handled = 0;
        var again = await EventLog.At(tx, DueAgain, new { name = _name, now = tx.Now, most = MaxEvents });
        foreach (var news in again)
        {
            begin(news);
            if (consumer.Kinds.Contains(news.Kind))
                await handle(news);
            await FailedWork.Clear(tx, _name, KeyOf(news));
            handled++;
        }
        var next = await EventLog.Next(tx, at, MaxEvents, _kinds);
        var hasFailed = next.Count > 0
            && await tx.Number("SELECT position FROM failed_work WHERE kind = @name LIMIT 1", new { name = _name }) != 0;
        foreach (var news in next)
        {
            begin(news);
            if (hasFailed && await IsBehindFailed(tx, news))
                continue;
            await handle(news);
            handled++;
        }
        begin(null);
        await Move(tx, at, next.Count == MaxEvents ? next[^1].Position : Math.Max(end, next.Count > 0 ? next[^1].Position : 0));
        return new LogStep(handled);
    }

    /// <summary>
    /// Under the lock of the cursor and only if the event still stands where it was met: another node may have handled it
    /// meanwhile.
    /// </summary>
    private async Task SetBeside(StoredEvent news, Exception failure, CancellationToken cancel)
    {
        var spread = FailedWork.Spread();
        await store.InTransaction(
            async tx =>
            {
                var at = await Locked(tx, tx.ForUpdate);
                var isKnown = await tx.Number(
                    "SELECT count(*) FROM failed_work WHERE kind = @name AND key = @key", new { name = _name, key = KeyOf(news) }) > 0;
                if (at < news.Position || isKnown)
                    await FailedWork.Record(tx, _name, KeyOf(news), news.Subject, failure, news.Position, spread);
            },
            cancel);
    }

    /// <summary>True of what has failed already and of what comes after it in the same subject, which then waits there too.</summary>
    private async ValueTask<bool> IsBehindFailed(Tx tx, StoredEvent news)
    {
        var key = KeyOf(news);
        if (await tx.Number("SELECT count(*) FROM failed_work WHERE kind = @name AND key = @key", new { name = _name, key }) > 0)
            return true;
        var isBehind = await tx.Number(
            "SELECT count(*) FROM failed_work WHERE kind = @name AND subject = @subject AND due_at IS NOT NULL",
            new { name = _name, subject = news.Subject }) > 0;
        if (isBehind)
            await FailedWork.Wait(tx, _name, key, news.Subject, news.Position);
        return isBehind;
    }

    private async ValueTask<long?> Locked(Tx tx, string how) =>
        (await tx.First<CursorRow>($"SELECT position FROM cursors WHERE name = @name{how}", new { name = _name }))?.Position;

    private async ValueTask Move(Tx tx, long from, long to)
    {
        if (to > from)
            await tx.Execute("UPDATE cursors SET position = @to WHERE name = @name", new { to, name = _name });
    }

    private static string KeyOf(StoredEvent news) => news.Id.ToString(CultureInfo.InvariantCulture);

    private sealed class CursorRow
    {
        public long Position { get; init; }
    }
}
