using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Outcomes.Notifications;

namespace Countersign.Outcomes.Slack;

/// <summary>
/// The body of <c>chat.postMessage</c> and <c>chat.update</c>: what is asked, the facts, one button that leads to the
/// page.
/// </summary>
internal static class SlackMessage
{
    private static readonly JsonSerializerOptions Json = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    // Slack's own limits.
    private const int MaxHeader = 150;
    private const int MaxSection = 2_900;
    private const int MaxField = 1_900;
    private const int MaxFields = 10;

    /// <param name="ts">Of the message that is brought up to date; null for a new one.</param>
    public static string Of(NotificationContent notification, string channel, string? ts, string url)
    {
        var request = notification.Request;
        var title = (notification.IsCritical ? $"[{notification.Summary!.Environment}] " : "") + notification.Title;
        var blocks = new List<object>
        {
            new
            {
                type = "header",
                text = new
                {
                    type = "plain_text",
                    text = NotificationContent.Short(title, MaxHeader),
                    emoji = false,
                },
            },
        };
        // Where the headline is the title, it is not said again.
        string?[] said =
        [
            request is null ? null : $"*{Escaped(notification.Headline)}*",
            notification.More is { Length: > 0 } more ? Escaped(more) : null,
        ];
        if (said.Any(s => s is not null))
            blocks.Add(Section(string.Join('\n', said.OfType<string>())));
        var asked = notification.Reason == NotificationReason.Asked;
        if (asked && notification.Changes() is { Count: > 0 } changes)
            blocks.Add(Section(string.Join('\n', changes.Select(c => $"• {Escaped(c.ReplaceLineEndings(" "))}"))));
        if (asked && notification.Why.Length > 0)
            blocks.Add(Section("> " + Escaped(notification.Why).ReplaceLineEndings("\n> ")));
        if (asked && notification.Message.Length > 0)
            blocks.Add(Section(Escaped(notification.Message)));
        if (request is not null)
        {
            (string Name, string Value)[] facts =
            [
                ("Status", request.Display),
                ("Requested by", request.RequesterName),
                ("Through", notification.Source),
                .. notification.Facts(),
            ];
            blocks.Add(
                new
                {
                    type = "section",
                    fields = facts
                        .Take(MaxFields)
                        .Select(f => new
                        {
                            type = "mrkdwn",
                            text = NotificationContent.Short($"*{Escaped(f.Name)}*\n{Escaped(f.Value)}", MaxField),
                        })
                        .ToArray(),
                }
            );
        }
        blocks.Add(
            new
            {
                type = "actions",
                elements = new[]
                {
                    new
                    {
                        type = "button",
                        text = new
                        {
                            type = "plain_text",
                            text = asked ? "Review and decide" : "Open",
                            emoji = false,
                        },
                        url,
                        action_id = "open",
                    },
                },
            }
        );
        // For notifications and for programs that show no blocks.
        var text = NotificationContent.Short(
            $"{title}{(request is null ? "" : $": {notification.Headline}")} {notification.More}".Trim(),
            300
        );
        return JsonSerializer.Serialize(
            new
            {
                channel,
                ts,
                text = Escaped(text),
                blocks,
                unfurl_links = ts is null ? false : (bool?)null,
                unfurl_media = ts is null ? false : (bool?)null,
            },
            Json
        );
    }

    public static string Digest(long all, string channel, string url) =>
        JsonSerializer.Serialize(
            new
            {
                channel,
                text = $"And {all} more in Countersign",
                blocks = new object[]
                {
                    Section($"*And {all} more*. They're combined in this message because there were many at once."),
                    new
                    {
                        type = "actions",
                        elements = new[]
                        {
                            new
                            {
                                type = "button",
                                text = new
                                {
                                    type = "plain_text",
                                    text = "Open your inbox",
                                    emoji = false,
                                },
                                url,
                                action_id = "open",
                            },
                        },
                    },
                },
            },
            Json
        );

    private static object Section(string text) =>
        new { type = "section", text = new { type = "mrkdwn", text = NotificationContent.Short(text, MaxSection) } };

    /// <summary>
    /// Slack's three control characters; what somebody typed neither mentions a channel nor makes a link.
    /// </summary>
    private static string Escaped(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);
}
