using Countersign.Storage;

namespace Countersign.Outcomes.Webhooks;

/// <summary>Every webhook that subscribed to an event's kind and source hears of it, if it is one that webhooks may subscribe to.</summary>
public sealed class WebhookExpander : IExpander
{
    public async ValueTask<Expand?> Listen(Tx tx)
    {
        var webhooks = await tx.All<Webhook>($"SELECT {Webhook.Columns} FROM webhooks WHERE disabled_at IS NULL ORDER BY id");
        return webhooks.Count == 0 ? null : news => Expand(tx, webhooks, news);
    }

    private static async ValueTask Expand(Tx tx, List<Webhook> webhooks, OutgoingEvent news)
    {
        // That somebody wants to sign in is between them and their mailbox.
        if (!EventKinds.Known.Contains(news.Kind))
            return;
        long? source = null;
        foreach (var webhook in webhooks)
        {
            if (!webhook.Hears(news.Kind))
                continue;
            if (webhook.Sources.Length > 0)
            {
                source ??= news.Request is { } id ? await tx.Number("SELECT source_id FROM requests WHERE id = @id", new { id }) : 0;
                if (!webhook.SourceList.Contains(source.Value))
                    continue;
            }
            await Line.Add(tx, news, webhook.Name, WebhookChannel.ChannelName, webhook.Name);
        }
    }
}
