using System.Net;
using System.Text;
using Countersign.Outcomes.Notifications;

namespace Countersign.Outcomes.Email;

/// <summary>A further link under the button.</summary>
internal sealed record MailLinkLine(string Text, string Url);

/// <summary>
/// What a mail says, before it becomes a message: a headline, the question, the facts, what is missing, one button.
/// </summary>
internal sealed record MailContent
{
    public required string Subject { get; init; }
    public required string Headline { get; init; }
    public string? More { get; init; }
    public string? Question { get; init; }

    /// <summary>An environment that must not be overlooked, shown as such.</summary>
    public string? CriticalEnvironment { get; init; }

    /// <summary>The requester's reason.</summary>
    public string Reason { get; init; } = "";

    /// <summary>What changes, each in a line.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];
    public string Message { get; init; } = "";
    public IReadOnlyList<(string Name, string Value)> Facts { get; init; } = [];
    public string? Missing { get; init; }
    public required string Button { get; init; }
    public required string Url { get; init; }
    public IReadOnlyList<MailLinkLine> Links { get; init; } = [];
    public IReadOnlyList<MailLinkLine> List { get; init; } = [];
    public string? Small { get; init; }

    /// <summary>Why this person gets this mail; null where they asked for it by hand.</summary>
    public string? Why { get; init; }

    /// <summary>Where they switch mail off.</summary>
    public string SwitchUrl { get; init; } = "";

    public static MailContent Of(NotificationContent notification, OutcomeOptions options)
    {
        var request = notification.Request;
        var because = notification.Reason;
        var asked = because == NotificationReason.Asked;
        return new MailContent
        {
            // One subject per request, so that programs that go by it keep the thread together.
            Subject = request is null
                ? notification.Headline.TrimEnd('.')
                : $"{(notification.News.Kind == "request.submitted" ? "" : "Re: ")}Approval: "
                    + (notification.IsCritical ? $"[{notification.Summary!.Environment}] " : "")
                    + NotificationContent.Short(notification.Title, 180),
            Headline = notification.Headline,
            More = notification.More is { Length: > 0 } more ? more : null,
            Question = request is null ? null : notification.Title,
            CriticalEnvironment = notification.IsCritical ? notification.Summary!.Environment : null,
            Reason = notification.Why,
            Changes = asked ? notification.Changes() : [],
            Message = asked ? notification.Message : "",
            Facts = request is null
                ? []
                :
                [
                    ("Requested by", request.RequesterName),
                    ("Through", notification.Source),
                    .. asked ? notification.Facts() : [],
                ],
            Missing = asked ? request?.Display : null,
            Button =
                request is null ? "Open Countersign"
                : asked ? "Review and decide"
                : "Open the request",
            Url = options.Link(notification.Path)!,
            Why = because switch
            {
                NotificationReason.Asked => "because you can review this request",
                NotificationReason.Asking => "because you requested it",
                NotificationReason.Named => "because you are named as the requester",
                NotificationReason.Alarm when notification.News.Kind == "webhook.disabled" =>
                    "because you're an admin or added this webhook",
                NotificationReason.Alarm => "because you're an admin",
                _ => null,
            },
            SwitchUrl = options.Link(SwitchPath)!,
        };
    }

    /// <summary>One message for many things: the first of them by name, and how many more there are.</summary>
    public static MailContent Digest(
        IReadOnlyList<(string Subject, string Url)> some,
        long all,
        OutcomeOptions options
    ) =>
        new()
        {
            Subject = $"And {all} more in Countersign",
            Headline = $"And {all} more. They're combined in this message because there were many at once.",
            List = [.. some.Select(s => new MailLinkLine(s.Subject, s.Url))],
            Small =
                all > some.Count
                    ? $"These are the first {some.Count}. Your inbox shows everything that needs your review."
                    : null,
            Button = "Open your inbox",
            Url = options.Link("/")!,
            Why = "because you can review these requests or requested them",
            SwitchUrl = options.Link(SwitchPath)!,
        };

    private const string SwitchPath = "/account",
        SoFar = "So far";

    /// <summary>
    /// Styles stand at each element, where every mail program reads them; those for a dark screen, or for a phone, are
    /// for programs that ask.
    /// </summary>
    private const string Head = """
        <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <meta name="color-scheme" content="light dark">
        <style>@media (prefers-color-scheme: dark) {
        body { background: #16181c !important; color: #e6e8eb !important }
        .card { background: #1f2226 !important; border-color: #3a3f46 !important }
        .soft { color: #a2a9b2 !important } a { color: #8ab4f8 !important } a.button { color: #ffffff !important }
        }</style></head>
        <body style="font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;
        color:#1f2328;background:#f4f5f7;margin:0;padding:16px">
        <div class="card" style="max-width:36rem;margin:0 auto;padding:24px;
        background:#ffffff;border:1px solid #d8dce1;border-radius:8px;overflow-wrap:anywhere">
        <p class="soft" style="margin:0 0 16px;color:#59636e;font-size:14px">Countersign</p>
        """;

    public string ToText()
    {
        var text = new StringBuilder().Append(Headline).Append('\n');
        if (More is not null)
            text.Append(More).Append('\n');
        if (Question is not null)
            text.Append('\n').Append(Question).Append('\n');
        foreach (var change in Changes)
            text.Append("* ").Append(change.ReplaceLineEndings(" ")).Append('\n');
        if (CriticalEnvironment is not null)
            text.Append("Environment: ").Append(CriticalEnvironment).Append('\n');
        if (Reason.Length > 0)
            text.Append("Reason: ").Append(Reason).Append('\n');
        if (Message.Length > 0)
            text.Append('\n').Append(Message).Append('\n');
        if (Facts.Count > 0)
            text.Append('\n');
        foreach (var (name, value) in Facts)
            text.Append(name).Append(": ").Append(value).Append('\n');
        if (Missing is not null)
            text.Append(SoFar).Append(": ").Append(Missing).Append('\n');
        foreach (var line in List)
            text.Append("\n* ").Append(line.Text).Append("\n  ").Append(line.Url).Append('\n');
        text.Append('\n').Append(Button).Append(":\n").Append(Url).Append('\n');
        foreach (var link in Links)
            text.Append('\n').Append(link.Text).Append(":\n").Append(link.Url).Append('\n');
        if (Small is not null)
            text.Append('\n').Append(Small).Append('\n');
        if (Why is not null)
            text.Append("\nYou get this ").Append(Why).Append(". Turn off email:\n").Append(SwitchUrl).Append('\n');
        return text.ToString();
    }

    public string ToHtml()
    {
        static string E(string text) => WebUtility.HtmlEncode(text);
        var html = new StringBuilder(Head);
        html.Append("<p style=\"margin:0 0 12px\">").Append(E(Headline)).Append("</p>");
        if (More is not null)
        {
            html.Append(
                    "<p style=\"margin:0 0 16px;padding-left:12px;border-left:3px solid #8c959f;white-space:pre-wrap\">"
                )
                .Append(E(More))
                .Append("</p>");
        }
        if (Question is not null)
        {
            html.Append("<h1 style=\"margin:0 0 12px;font-size:20px;line-height:1.3\">")
                .Append(E(Question))
                .Append("</h1>");
        }
        if (Changes.Count > 0)
        {
            html.Append("<ul style=\"margin:0 0 16px;padding-left:20px;font-weight:600\">");
            foreach (var change in Changes)
                html.Append("<li style=\"white-space:pre-wrap\">").Append(E(change)).Append("</li>");
            html.Append("</ul>");
        }
        if (CriticalEnvironment is not null)
        {
            html.Append(
                    "<p style=\"margin:0 0 12px\"><span style=\"padding:2px 10px;border-radius:4px;"
                        + "background:#a3281f;color:#ffffff;font-weight:600\">"
                )
                .Append(E(CriticalEnvironment))
                .Append("</span></p>");
        }
        if (Reason.Length > 0)
        {
            html.Append("<p style=\"margin:0 0 16px;padding-left:12px;border-left:3px solid #8c959f\">")
                .Append(E(Reason))
                .Append("</p>");
        }
        if (Message.Length > 0)
            html.Append("<p style=\"margin:0 0 16px;white-space:pre-wrap\">").Append(E(Message)).Append("</p>");
        if (Facts.Count > 0 || Missing is not null)
        {
            html.Append("<table role=\"presentation\" style=\"border-collapse:collapse\">");
            foreach (var (name, value) in Missing is null ? Facts : [.. Facts, (SoFar, Missing)])
            {
                html.Append(
                        "<tr><td class=\"soft\" style=\"padding:2px 16px 2px "
                            + "0;min-width:6rem;color:#59636e;vertical-align:top\">"
                    )
                    .Append(E(name))
                    .Append("</td><td style=\"padding:2px 0;vertical-align:top\">")
                    .Append(E(value))
                    .Append("</td></tr>");
            }
            html.Append("</table>");
        }
        if (List.Count > 0)
        {
            html.Append("<ul style=\"margin:0;padding-left:20px\">");
            foreach (var line in List)
            {
                html.Append("<li><a style=\"color:#0b57d0\" href=\"")
                    .Append(E(line.Url))
                    .Append("\">")
                    .Append(E(line.Text))
                    .Append("</a></li>");
            }
            html.Append("</ul>");
        }
        html.Append("<p style=\"margin:24px 0 12px\"><a href=\"")
            .Append(E(Url))
            .Append(
                "\" class=\"button\" style=\"background:#0b57d0;color:#ffffff;padding:10px "
                    + "20px;border-radius:6px;text-decoration:none;display:inline-block\">"
            )
            .Append(E(Button))
            .Append("</a></p>");
        foreach (var link in Links)
        {
            html.Append("<p style=\"margin:0 0 12px\"><a style=\"color:#0b57d0\" href=\"")
                .Append(E(link.Url))
                .Append("\">")
                .Append(E(link.Text))
                .Append("</a></p>");
        }
        if (Small is not null)
        {
            html.Append("<p class=\"soft\" style=\"margin:0;color:#59636e;font-size:14px\">")
                .Append(E(Small))
                .Append("</p>");
        }
        html.Append("</div>");
        if (Why is not null)
        {
            html.Append(
                    "<p class=\"soft\" style=\"max-width:36rem;margin:12px auto 0;padding:0 "
                        + "24px;color:#59636e;font-size:14px\">You get this "
                )
                .Append(Why)
                .Append(". <a href=\"")
                .Append(E(SwitchUrl))
                .Append("\" style=\"color:#59636e\">Turn off email</a></p>");
        }
        return html.Append("</body></html>").ToString();
    }
}
