using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes.Webhooks;

/// <summary>Every webhook that subscribed to an event's kind and source hears of it.</summary>
public sealed class WebhookConsumer : ILogConsumer
{
    public string Name => "webhooks";

    public IReadOnlySet<string> Kinds { get; } = EventKinds.Known.ToHashSet();

    /// <summary>True of a webhook that an admin disabled and not the hub: that is no news to anyone.</summary>
    internal static bool IsByAdmin(StoredEvent news) => news.Kind == "webhook.disabled" && news.Actor != Actor.Hub.Text;

    public async ValueTask<HandleEvent?> Begin(Tx tx)
    {
        var webhooks = await tx.All<Webhook>(
            $"SELECT {Webhook.Columns} FROM webhooks WHERE disabled_at IS NULL ORDER BY id"
        );
        return webhooks.Count == 0
            ? null
            : news => IsByAdmin(news) ? ValueTask.CompletedTask : Expand(tx, webhooks, news);
    }

    private static async ValueTask Expand(Tx tx, List<Webhook> webhooks, StoredEvent news)
    {
        long? source = null;
        foreach (var webhook in webhooks)
        {
            if (!webhook.Hears(news.Kind))
                continue;
            if (webhook.Sources.Length > 0)
            {
                source ??= news.Request is { } id
                    ? await tx.Number("SELECT source_id FROM requests WHERE id = @id", new { id })
                    : 0;
                if (!webhook.SourceList.Contains(source.Value))
                    continue;
            }
            await DeliveryJob.Add(tx, news, webhook.Name, WebhookChannel.ChannelName, webhook.Name);
        }
    }
}
