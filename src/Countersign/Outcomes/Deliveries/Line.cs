using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>
/// The line in front of each receiver. Of the news about one subject through one channel only the first is due; the others
/// wait behind it, and each lets the next one go when it is settled. So nobody hears of an approval before the question.
/// </summary>
public static class Line
{
    /// <summary>Puts news at the end of the line. Twice the same for the same receiver and channel is once.</summary>
    /// <param name="endpoint">The place that is called: its troubles hold up what else goes there, and nothing else.</param>
    public static async ValueTask Add(Tx tx, StoredEvent news, string receiver, string channel, string endpoint, DateTimeOffset? due = null, bool digest = false)
    {
        await tx.Execute("INSERT INTO endpoints (name) VALUES (@endpoint) ON CONFLICT (name) DO NOTHING", new { endpoint });
        var waits = await IsAnyoneThere(tx, receiver, channel, news.Subject);
        await tx.Execute(
            """
            INSERT INTO deliveries (event_id, kind, subject, receiver, channel, endpoint, state, due_at, digest, created_at)
            VALUES (@eventId, @kind, @subject, @receiver, @channel, @endpoint, @state, @due, @digest, @now)
            ON CONFLICT (event_id, receiver, channel) DO NOTHING
            """,
            new { eventId = news.Id, kind = news.Kind, subject = news.Subject, receiver, channel, endpoint, state = waits ? "waiting" : "due", due = due ?? tx.Now, digest = digest ? 1 : 0, now = tx.Now });
    }

    /// <summary>Puts what was settled where it stood in its line, with the id it had: before what is newer and still waits.</summary>
    internal static async ValueTask Again(Tx tx, long id, string receiver, string channel, string subject)
    {
        await IsAnyoneThere(tx, receiver, channel, subject);
        await tx.Execute("UPDATE deliveries SET state = 'waiting', tries = 0, settled_at = NULL WHERE id = @id", new { id });
        await Release(tx, receiver, channel, subject);
    }

    /// <summary>Lets the next one go, unless one of the line is on its way.</summary>
    internal static async ValueTask Release(Tx tx, string receiver, string channel, string subject) =>
        await tx.Execute(
            """
            UPDATE deliveries SET state = 'due', due_at = @now WHERE state = 'waiting'
              AND id = (SELECT min(id) FROM deliveries WHERE receiver = @receiver AND channel = @channel AND subject = @subject AND state IN ('due', 'waiting'))
              AND NOT EXISTS (SELECT 1 FROM deliveries WHERE receiver = @receiver AND channel = @channel AND subject = @subject AND state IN ('due', 'waiting') AND state = 'due')
            """,
            new { receiver, channel, subject, now = tx.Now });

    /// <summary>Locks the last of a line, so that whoever settles it at this moment either sees the new one or is seen by it.</summary>
    private static async ValueTask<bool> IsAnyoneThere(Tx tx, string receiver, string channel, string subject) => await tx.Number(
        $"""
        SELECT id FROM deliveries WHERE receiver = @receiver AND channel = @channel AND subject = @subject AND state IN ('due', 'waiting')
        ORDER BY id DESC LIMIT 1{tx.ForUpdate}
        """,
        new { receiver, channel, subject }) != 0;

    /// <summary>
    /// Claims what is due at an endpoint. The claim ends by itself: until then it is not due, and then it is again, so a node
    /// that died is not missed. Whoever marks an attempt proves with the claim that it is still theirs.
    /// </summary>
    internal static Task<List<Delivery>> Claim(Store store, string endpoint, int most, string claim, TimeSpan lease, CancellationToken cancel) =>
        store.InTransaction(async tx =>
        {
            var claimed = await tx.All<Delivery>(
                $"""
                UPDATE deliveries SET claim = @claim, due_at = @until WHERE id IN (
                  SELECT id FROM deliveries WHERE endpoint = @endpoint AND state = 'due' AND due_at <= @now ORDER BY due_at, id LIMIT @most{tx.SkipLocked})
                RETURNING {Delivery.Columns}
                """,
                new { claim, until = tx.Now + lease, endpoint, now = tx.Now, most });
            claimed.Sort((a, b) => a.Id.CompareTo(b.Id));
            return claimed;
        }, cancel);

    /// <summary>Gives back what was claimed and not sent.</summary>
    internal static Task LetGo(Store store, IReadOnlyList<Delivery> claimed) => store.InTransaction(async tx =>
    {
        foreach (var delivery in claimed)
            await tx.Execute("UPDATE deliveries SET due_at = @now, claim = NULL WHERE id = @id AND claim = @claim", new { now = tx.Now, id = delivery.Id, claim = delivery.Claim });
    });
}
