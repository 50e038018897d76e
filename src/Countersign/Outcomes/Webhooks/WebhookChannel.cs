using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Countersign.Storage;

namespace Countersign.Outcomes.Webhooks;

/// <summary>
/// Posts events to webhooks, signed. 2xx is delivered, 410 ends the subscription, everything else is tried again.
/// </summary>
public sealed class WebhookChannel(Store store, Egress egress, WebhookSecrets secrets, OutcomeOptions options)
    : IChannel
{
    public const string ChannelName = "webhook";

    /// <summary>What <see cref="TestWebhook"/> sends; it tells of no event that anybody else hears of.</summary>
    internal const string TestKind = "webhook.tested";

    public string Name => ChannelName;

    public async Task<SendOutcome> Send(Delivery delivery, CancellationToken cancel)
    {
        if (options.PublicUrl is null)
        {
            return new SendOutcome.Failed(Failure.NotConfigured)
            {
                Answer = "`PublicUrl` is missing. Nothing is sent without it.",
            };
        }
        var id = delivery.ReceiverNumber;
        var (webhook, keys) = await secrets.Find(store, id, cancel);
        var body =
            delivery.Sent
            ?? (
                delivery.Kind == TestKind
                    ? WebhookBody.Test(store.Now)
                    : await store.Read(reader => WebhookBody.Of(reader, delivery.EventId, options), cancel)
            );
        if (webhook is null)
            return new SendOutcome.Dropped("The webhook was deleted.");
        if (webhook.IsDisabled)
            return new SendOutcome.Dropped("The webhook is disabled.");
        if (body is null)
            return new SendOutcome.Dropped("The event doesn't exist.");

        var now = store.Now;
        using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", delivery.MessageId);
        request.Headers.Add("webhook-timestamp", StandardWebhook.Seconds(now));
        request.Headers.Add(
            StandardWebhook.SignatureHeader,
            StandardWebhook.Signatures(delivery.MessageId, now, body, keys)
        );
        var answer = await egress.Send(request, cancel);
        return Judge(answer, now) with { Sent = body, Call = RedactedCall.Of(request) };
    }

    public async ValueTask SwitchOff(Tx tx, string endpoint, string why)
    {
        var id = long.Parse(
            endpoint.AsSpan(endpoint.IndexOf(':', StringComparison.Ordinal) + 1),
            CultureInfo.InvariantCulture
        );
        await Subscriptions.SwitchOff(tx, id, new Origin(Actor.Hub, "hub", ""), why);
    }

    private static SendOutcome Judge(EgressOutcome answer, DateTimeOffset now) =>
        answer switch
        {
            EgressOutcome.Answered { IsGood: true } good => new SendOutcome.Delivered
            {
                Status = good.Status,
                Answer = good.Text,
            },
            EgressOutcome.Answered bad => new SendOutcome.Failed(Failure.Status)
            {
                Status = bad.Status,
                Answer = bad.Text,
                Gone = bad.Status == 410,
                RetryAfter = bad.Status is 429 or 503 ? bad.RetryAfter(now) : null,
            },
            EgressOutcome.Failed failed => SendOutcome.Of(failed),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
