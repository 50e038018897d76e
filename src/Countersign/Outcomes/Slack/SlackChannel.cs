using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Countersign.Configuration;
using Countersign.Outcomes.Notifications;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes.Slack;

/// <summary>
/// Messages to Slack channels and people. An e-mail address finds the person for delivering, and proves nothing: the
/// button leads to the page, where whoever presses it signs in. A message about a request is brought up to date when it
/// settles.
/// </summary>
public sealed class SlackChannel(
    Store store,
    Egress egress,
    SlackOptions slack,
    OutcomeOptions options,
    PageOptions pages
) : IChannel
{
    public const string ChannelName = "slack";

    private const int MaxKnown = 10_000;
    private readonly ConcurrentDictionary<string, string> _users = new();

    public string Name => ChannelName;

    // Slack allows about one message a second per channel, with bursts.
    public int MaxAtOnce => 2;

    public async Task<SendOutcome> Send(Delivery delivery, CancellationToken cancel)
    {
        if (!slack.IsSetUp)
            return new SendOutcome.Failed(Failure.NotConfigured) { Answer = "`Slack:Token` is missing." };
        if (options.PublicUrl is null)
        {
            return new SendOutcome.Failed(Failure.NotConfigured)
            {
                Answer = "`PublicUrl` is missing. Nothing is sent without it.",
            };
        }

        if (delivery.Digest == 1)
            return await SendDigest(delivery, cancel);
        if (
            await NotificationContent.Of(store, pages, delivery.EventId, delivery.Receiver, cancel)
            is not { IsTooLate: false } notification
        )
        {
            return new SendOutcome.Dropped(SendOutcome.NotNeeded);
        }
        var url = options.Link(notification.Path)!;
        var shown =
            Recipients.Settles(notification.News.Kind) && notification.Request is { } settled
                ? await store.Read(
                    reader =>
                        reader.First<ChatRow>(
                            "SELECT channel, ts FROM chats WHERE request_id = @id AND receiver = @receiver",
                            new { id = settled.Id, receiver = delivery.Receiver }
                        ),
                    cancel
                )
                : null;
        if (shown is not null)
        {
            return Outcome(
                await Call("chat.update", SlackMessage.Of(notification, shown.Channel, shown.Ts, url), cancel),
                null
            );
        }

        var (place, failed) = await PlaceOf(delivery, cancel);
        if (place is null)
            return failed!;
        var answer = await Call("chat.postMessage", SlackMessage.Of(notification, place, null, url), cancel);
        return Outcome(
            answer,
            notification.Reason == NotificationReason.Asked && notification.Request is { } asked
                ? tx => Remember(tx, asked.Id, delivery, Member(answer, "channel") ?? place, Member(answer, "ts"))
                : null
        );
    }

    private async Task<SendOutcome> SendDigest(Delivery delivery, CancellationToken cancel)
    {
        var (place, failed) = await PlaceOf(delivery, cancel);
        if (place is null)
            return failed!;
        var all =
            await store.Read(
                reader =>
                    reader.Number("SELECT count(*) FROM deliveries WHERE folded_into = @id", new { id = delivery.Id }),
                cancel
            ) + 1;
        return Outcome(
            await Call("chat.postMessage", SlackMessage.Digest(all, place, options.Link("/")!), cancel),
            null
        );
    }

    /// <summary>A channel's id, or the Slack user with the person's e-mail address.</summary>
    private async Task<(string? Place, SendOutcome? Failed)> PlaceOf(Delivery delivery, CancellationToken cancel)
    {
        if (delivery.Receiver.StartsWith("slack:", StringComparison.Ordinal))
            return (delivery.Receiver["slack:".Length..], null);
        var email = await store.Read(
            reader =>
                reader.Text(
                    "SELECT email FROM people WHERE id = @id AND disabled_at IS NULL",
                    new { id = delivery.ReceiverNumber }
                ),
            cancel
        );
        if (email is null)
            return (null, new SendOutcome.Dropped("The person is disabled."));
        if (_users.TryGetValue(email, out var known))
            return (known, null);
        var answer = await Call("users.lookupByEmail?email=" + Uri.EscapeDataString(email), null, cancel);
        if (
            answer.Ok
            && answer.Body.TryGetProperty("user", out var user)
            && user.TryGetProperty("id", out var id)
            && id.GetString() is { Length: > 0 } found
        )
        {
            if (_users.Count >= MaxKnown)
                _users.Clear();
            _users[email] = found;
            return (found, null);
        }
        var failed = Outcome(answer, null);
        // Nobody in Slack has this address: that is this person's own affair, and no trouble of Slack's.
        return (
            null,
            Member(answer, "error") == "users_not_found" && failed is SendOutcome.Failed final
                ? final with
                {
                    Final = true,
                }
                : failed
        );
    }

    private static async ValueTask Remember(
        Tx tx,
        Requests.RequestId request,
        Delivery delivery,
        string channel,
        string? ts
    )
    {
        if (ts is null)
            return;
        await tx.Execute(
            """
            INSERT INTO chats (request_id, receiver, channel, ts) VALUES (@request, @receiver, @channel, @ts)
            ON CONFLICT (request_id, receiver) DO UPDATE SET channel = @channel, ts = @ts
            """,
            new
            {
                request,
                receiver = delivery.Receiver,
                channel,
                ts,
            }
        );
        // Settled while this was on its way: nobody knew then that there was a message to bring up to date.
        var news = await tx.First<StoredEvent>(
            $"""
            SELECT {StoredEvent.Columns} FROM events
            WHERE subject = @subject AND kind IN ('request.approved', 'request.rejected', 'request.withdrawn')
            ORDER BY n DESC LIMIT 1
            """,
            new { subject = request.Subject }
        );
        if (news is not null)
            await DeliveryJob.Add(tx, news, delivery.Receiver, ChannelName, ChannelName);
    }

    private async Task<SlackAnswer> Call(string method, string? body, CancellationToken cancel)
    {
        var root = slack.BaseUrl.ToString().TrimEnd('/') + "/";
        using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, root + method);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", slack.Token);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        var answer = await egress.Send(request, cancel, Trust.Operator);
        var call = RedactedCall.Of(request);
        if (answer is not EgressOutcome.Answered said)
            return new SlackAnswer(false, answer, default, body, call);
        try
        {
            var parsed = JsonElement.Parse(said.Text);
            var ok =
                said.IsGood
                && parsed.ValueKind == JsonValueKind.Object
                && parsed.TryGetProperty("ok", out var fine)
                && fine.ValueKind == JsonValueKind.True;
            return new SlackAnswer(ok, answer, parsed, body, call);
        }
        catch (JsonException)
        {
            return new SlackAnswer(false, answer, default, body, call);
        }
    }

    private SendOutcome Outcome(SlackAnswer answer, Func<Tx, ValueTask>? also)
    {
        if (answer.Outcome is not EgressOutcome.Answered said)
            return SendOutcome.Of((EgressOutcome.Failed)answer.Outcome) with { Sent = answer.Sent, Call = answer.Call };
        if (answer.Ok)
        {
            return new SendOutcome.Delivered
            {
                Sent = answer.Sent,
                Call = answer.Call,
                Status = said.Status,
                Answer = said.Text,
                Also = also,
            };
        }
        return new SendOutcome.Failed(Failure.Status)
        {
            Sent = answer.Sent,
            Call = answer.Call,
            Status = said.Status,
            Answer = said.Text,
            RetryAfter = said.RetryAfter(store.Now),
        };
    }

    private static string? Member(SlackAnswer answer, string name) =>
        answer.Body.ValueKind == JsonValueKind.Object
        && answer.Body.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private sealed record SlackAnswer(bool Ok, EgressOutcome Outcome, JsonElement Body, string? Sent, string Call);

    /// <summary>
    /// Messages about requests that have been settled for long: they are not brought up to date any more.
    /// </summary>
    public static CleaningStep OldMessages(Store store, RetentionOptions keep) =>
        CleaningStep.Delete(
            "chat messages",
            store,
            keep.ChatMessages,
            """
            DELETE FROM chats WHERE (request_id, receiver) IN (
              SELECT c.request_id, c.receiver FROM chats c JOIN requests r ON r.id = c.request_id
              WHERE r.settled_at <= @oldest LIMIT @chunk)
            """
        );

    private sealed class ChatRow
    {
        public required string Channel { get; init; }
        public required string Ts { get; init; }
    }
}
