using Countersign.Storage;

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

    private readonly IExpander[] _expanders = [.. expanders];

    /// <returns>How many events were taken, and whether anyone listened.</returns>
    public Task<(int Taken, bool Heard)> Run(CancellationToken cancel) => store.InTransaction(async tx =>
    {
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
        var batch = await tx.All<OutgoingEvent>(
            $"SELECT {OutgoingEvent.Columns} FROM outbox o JOIN events e ON e.id = o.event_id ORDER BY o.event_id LIMIT @most", new { most = MostHeard });
        foreach (var news in batch)
        {
            foreach (var expand in listening)
                await expand(news);
            await tx.Execute("DELETE FROM outbox WHERE event_id = @id", new { id = news.Id });
        }
        return (batch.Count, true);
    }, cancel);

    /// <summary>Whether there is anything to take; costs no write.</summary>
    public async ValueTask<bool> Any(CancellationToken cancel) =>
        await store.Read(reader => reader.Number("SELECT event_id FROM outbox ORDER BY event_id LIMIT 1"), cancel) != 0;
}
