using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>
/// Puts news on its way: the record of it, and the job that sends it. Of the news about one subject to one receiver
/// through one channel each goes after the one before it is settled, so that no one hears of an approval before the
/// question.
/// </summary>
public static class DeliveryJob
{
    internal const string JobKind = "delivery";

    /// <summary>What a query of deliveries <c>d</c> joins to know what is pending.</summary>
    internal const string PendingJob = "LEFT JOIN jobs j ON j.kind = 'delivery' AND j.key = CAST(d.id AS text)";

    /// <summary>Twice the same news for the same receiver and channel is once.</summary>
    /// <param name="endpoint">The place that is called: its troubles hold up what else goes there, and nothing
    /// else.</param>
    public static async ValueTask Add(
        Tx tx,
        StoredEvent news,
        string receiver,
        string channel,
        string endpoint,
        DateTimeOffset? due = null,
        bool digest = false
    )
    {
        await tx.Execute(
            "INSERT INTO endpoints (name) VALUES (@endpoint) ON CONFLICT (name) DO NOTHING",
            new { endpoint }
        );
        var id = await tx.Number(
            """
            INSERT INTO deliveries (event_id, kind, subject, receiver, channel, endpoint, state, digest, created_at)
            VALUES (@eventId, @kind, @subject, @receiver, @channel, @endpoint, 'due', @digest, @now)
            ON CONFLICT (event_id, receiver, channel) DO NOTHING RETURNING id
            """,
            new
            {
                eventId = news.Id,
                kind = news.Kind,
                subject = news.Subject,
                receiver,
                channel,
                endpoint,
                digest = digest ? 1 : 0,
                now = tx.Now,
            }
        );
        if (id != 0)
            await Jobs.Add(tx, JobToAdd(id, news.Subject, receiver, channel, endpoint, due ?? tx.Now));
    }

    /// <summary>
    /// Sends what was settled once more, with the id it had and before what is newer and still waits.
    /// </summary>
    internal static async ValueTask Again(Tx tx, Delivery delivery)
    {
        await tx.Execute(
            "UPDATE deliveries SET state = 'due', tries = 0, settled_at = NULL WHERE id = @id",
            new { id = delivery.Id }
        );
        await Jobs.Put(
            tx,
            JobToAdd(delivery.Id, delivery.Subject, delivery.Receiver, delivery.Channel, delivery.Endpoint, tx.Now)
        );
    }

    internal static string KeyOf(long id) => id.ToString(CultureInfo.InvariantCulture);

    private static JobToAdd JobToAdd(
        long id,
        string subject,
        string receiver,
        string channel,
        string endpoint,
        DateTimeOffset due
    ) =>
        new(JobKind, KeyOf(id), subject, due)
        {
            Receiver = endpoint,
            Order = $"{receiver} {channel} {subject}",
            OrderNumber = id,
        };
}
