using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>
/// Takes the next events from the outbox, and puts their news on the way to everyone who hears of them, in one transaction:
/// an event is in the outbox, or its deliveries are there. One node does it at a time, so that news of one request keep
/// their order; a node that dies lets go of the row that says so.
/// </summary>
public sealed class ExpandOutbox(Store store, IEnumerable<IExpander> expanders)
{
    /// <summary>Small, because on SQLite all writers wait meanwhile.</summary>
    internal const int MostHeard = 100;

    /// <summary>Taking away what nobody hears of costs next to nothing a row.</summary>
    internal const int MostUnheard = 5_000;

    /// <summary>Leaves out events that failed, and those of the same subject behind one that is tried again: their order is promised.</summary>
    private static readonly string Ready =
        $"""
        {FailedWork.NotFailed(FailedWork.Notifications, "CAST(o.event_id AS TEXT)")}
          AND NOT EXISTS (SELECT 1 FROM failed_work b JOIN events same ON same.id = o.event_id
            WHERE b.kind = '{FailedWork.Notifications}' AND b.subject = same.subject AND b.position < o.event_id AND b.due_at > @now)
        """;

    private readonly IExpander[] _expanders = [.. expanders];
    private readonly FailedWork _failed = new(store);

    /// <summary>An event that makes an expander throw is recorded and left out; the others are taken all the same.</summary>
    /// <returns>How many events were taken, and whether anyone listened.</returns>
    public async Task<(int Taken, bool Heard)> Run(CancellationToken cancel)
    {
        while (true)
        {
            OutgoingEvent? current = null;
            try
            {
                return await Take(news => current = news, cancel);
            }
            catch (Exception failure) when (current is not null && FailedWork.IsItsOwn(failure))
            {
                var key = current.Id.ToString(CultureInfo.InvariantCulture);
                await _failed.Record(FailedWork.Notifications, key, current.Subject, failure, position: current.Id, cancel: cancel);
            }
        }
    }

    private Task<(int Taken, bool Heard)> Take(Action<OutgoingEvent?> begin, CancellationToken cancel) => store.InTransaction(async tx =>
    {
        begin(null);
        if (await tx.Text("SELECT name FROM signals WHERE name = 'outbox'" + tx.SkipLocked) is null)
            return (0, false);
        var listening = new List<Expand>();
        foreach (var expander in _expanders)
        {
            if (await expander.Listen(tx) is { } expand)
                listening.Add(expand);
        }
        if (listening.Count == 0)
        {
            return (await tx.Execute(
                "DELETE FROM outbox WHERE event_id IN (SELECT event_id FROM outbox ORDER BY event_id LIMIT @most)", new { most = MostUnheard }), false);
        }
        // Mostly nothing has failed, and the plain query is the quicker one.
        var failed = (await tx.All<KeyRow>($"SELECT key FROM failed_work WHERE kind = '{FailedWork.Notifications}'")).ConvertAll(f => f.Key).ToHashSet();
        var batch = await tx.All<OutgoingEvent>(
            $"SELECT {OutgoingEvent.Columns} FROM outbox o JOIN events e ON e.id = o.event_id {(failed.Count == 0 ? "" : $"WHERE {Ready}")} ORDER BY o.event_id LIMIT @most",
            new { most = MostHeard, now = tx.Now });
        foreach (var news in batch)
        {
            begin(news);
            if (news.Id.ToString(CultureInfo.InvariantCulture) is var key && failed.Contains(key))
                await FailedWork.Clear(tx, FailedWork.Notifications, key);
            foreach (var expand in listening)
                await expand(news);
            await tx.Execute("DELETE FROM outbox WHERE event_id = @id", new { id = news.Id });
        }
        begin(null);
        return (batch.Count, true);
    }, cancel);

    /// <summary>Whether there is anything to take; costs no write.</summary>
    public async ValueTask<bool> Any(CancellationToken cancel) =>
        await store.Read(reader => reader.Number("SELECT event_id FROM outbox ORDER BY event_id LIMIT 1"), cancel) != 0
        && await store.Read(reader => reader.Number($"SELECT o.event_id FROM outbox o WHERE {Ready} ORDER BY o.event_id LIMIT 1", new { now = store.Now }), cancel) != 0;

    private sealed class KeyRow
    {
        public required string Key { get; init; }
    }
}
