using Countersign.Storage;

namespace Countersign.Outcomes.Notifications;

/// <summary>
/// No storm: when many things happen at once, a person or a channel gets so many messages and then one that tells of
/// all the others.
/// </summary>
internal static class NotificationThrottle
{
    /// <summary>So long the summary gathers before it goes.</summary>
    public static readonly TimeSpan Gather = TimeSpan.FromMinutes(2);

    public static async ValueTask Add(Tx tx, StoredEvent news, string receiver, string channel, OutcomeOptions options)
    {
        var since = tx.Now - options.QuietWindow;
        var open = await tx.Number(
            $"""
            SELECT d.id FROM deliveries d JOIN jobs j ON j.kind = 'delivery' AND j.key = CAST(d.id AS text)
            WHERE d.receiver = @receiver AND d.channel = @channel AND d.channel IN ('mail', 'slack')
            AND d.created_at > @since
              AND d.digest = 1 AND d.state = 'due' AND d.attempts = 0 AND j.holder IS NULL
              ORDER BY d.created_at DESC LIMIT 1{tx.ForUpdate}
            """,
            new
            {
                receiver,
                channel,
                since,
            }
        );
        if (open != 0)
        {
            await tx.Execute(
                """
                INSERT INTO deliveries (event_id, kind, subject, receiver, channel, endpoint, state, folded_into,
                created_at)
                VALUES (@eventId, @kind, @subject, @receiver, @channel, @channel, 'folded', @open, @now)
                ON CONFLICT (event_id, receiver, channel) DO NOTHING
                """,
                new
                {
                    eventId = news.Id,
                    kind = news.Kind,
                    subject = news.Subject,
                    receiver,
                    channel,
                    now = tx.Now,
                    open,
                }
            );
            return;
        }
        var lately = await tx.Number(
            """
            SELECT count(*)
            FROM (SELECT 1 FROM deliveries WHERE receiver = @receiver AND channel = @channel AND channel IN ('mail',
            'slack') AND created_at > @since
              AND state <> 'folded'
              AND (@receiver NOT LIKE 'slack:%' OR kind NOT IN ('request.approved', 'request.rejected',
              'request.withdrawn'))
              LIMIT @most) lately
            """,
            new
            {
                receiver,
                channel,
                since,
                most = options.MaxPerPerson,
            }
        );
        if (lately < options.MaxPerPerson)
            await DeliveryJob.Add(tx, news, receiver, channel, channel);
        else
            await DeliveryJob.Add(tx, news, receiver, channel, channel, due: tx.Now + Gather, digest: true);
    }
}
