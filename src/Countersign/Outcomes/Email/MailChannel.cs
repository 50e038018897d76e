using System.Net.Mail;
using System.Text;
using Countersign.Audit.Receipts;
using Countersign.Configuration;
using Countersign.Outcomes.Notifications;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using MimeKit;

namespace Countersign.Outcomes.Email;

/// <summary>Mail to one person about one event, or about many at once.</summary>
public sealed class MailChannel(
    Store store,
    MailServer server,
    MailOptions mail,
    OutcomeOptions options,
    PageOptions pages,
    MailLinks links,
    MakeReceipt receipts
) : IChannel
{
    public const string ChannelName = "mail";

    /// <summary>Where a link that stands for a person leads.</summary>
    public const string LinkPath = "/mail/";

    private const int MaxListed = 20;

    /// <summary>A receipt is there about a second after the event; mail waits no longer for it than this.</summary>
    private static readonly TimeSpan MaxWaitForReceipt = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WaitForReceipt = TimeSpan.FromSeconds(2);

    public string Name => ChannelName;

    // Mail servers count connections.
    public int MaxAtOnce => 4;

    public async Task<SendOutcome> Send(Delivery delivery, CancellationToken cancel)
    {
        if (!mail.IsSetUp)
        {
            return new SendOutcome.Failed(Failure.NotConfigured)
            {
                Answer = "`Email:Host` and `Email:From` are missing.",
            };
        }
        if (options.PublicUrl is not { } address)
        {
            return new SendOutcome.Failed(Failure.NotConfigured)
            {
                Answer = "`PublicUrl` is missing. Nothing is sent without it.",
            };
        }
        var person = delivery.ReceiverNumber;
        var to = await store.Read(
            reader =>
                reader.First<PersonRow>(
                    """
                    SELECT email, name, role FROM people
                    WHERE id = @person AND disabled_at IS NULL AND email IS NOT NULL
                    """,
                    new { person }
                ),
            cancel
        );
        if (to is null)
            return new SendOutcome.Dropped("The person is disabled.");
        if (Recipient(to) is not { } recipient)
        {
            return new SendOutcome.Failed(Failure.Status)
            {
                Final = true,
                Answer = "This address isn't valid in an email.",
            };
        }

        var attached = await ReceiptFor(delivery, person, to, cancel);
        if (attached is ReceiptOutcome.NotSealed && Instant.Parse(delivery.CreatedAt) + MaxWaitForReceipt > store.Now)
        {
            return new SendOutcome.NotYet(WaitForReceipt);
        }
        var (content, thread) =
            delivery.Digest == 1 ? (await Digest(delivery, cancel), null) : await One(delivery, person, cancel);
        if (content is null)
            return new SendOutcome.Dropped(SendOutcome.NotNeeded);
        var message = Message(delivery, recipient, content, thread, address.IdnHost, attached);
        var outcome = await server.Send(message, cancel);
        // What is kept shows everything but the links that stand for a person.
        return outcome with { Sent = $"To: {to.Email}\nSubject: {content.Subject}\n\n{Masked(content).ToText()}" };
    }

    private MimeMessage Message(
        Delivery delivery,
        MailboxAddress recipient,
        MailContent content,
        string? thread,
        string host,
        ReceiptOutcome? attached
    )
    {
        var body = new BodyBuilder { TextBody = content.ToText(), HtmlBody = content.ToHtml() };
        if (attached is ReceiptOutcome.Made { Receipt: var receipt } && RequestId.TryParse(thread, out var request))
        {
            var file = MakeReceipt.FileName(request, decision: null);
            body.Attachments.Add(
                file,
                Encoding.UTF8.GetBytes(receipt.ToText()),
                new ContentType("application", "json")
            );
        }
        var message = new MimeMessage
        {
            Subject = OneLine(content.Subject),
            Date = store.Now,
            // The same in every attempt, so that mail programs know a repeated one.
            MessageId = $"delivery.{delivery.Id}@{host}",
            Body = body.ToMessageBody(),
        };
        message.From.Add(Mailbox(mail.From!));
        if (mail.ReplyTo is { } replyTo)
            message.ReplyTo.Add(Mailbox(replyTo));
        message.To.Add(recipient);
        if (thread is not null)
        {
            // What all mail about one request refers to: programs show it as one thread.
            message.InReplyTo = $"request.{thread}@{host}";
            message.References.Add(message.InReplyTo);
        }
        if (content.Why is not null)
            message.Headers.Add(HeaderId.ListUnsubscribe, $"<{content.SwitchUrl}>");
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        message.Headers.Add("X-Auto-Response-Suppress", "All");
        return message;
    }

    /// <summary>What the receiver may see of the closed request; null where the mail isn't about one.</summary>
    private async ValueTask<ReceiptOutcome?> ReceiptFor(
        Delivery delivery,
        long person,
        PersonRow to,
        CancellationToken cancel
    )
    {
        if (
            !mail.AttachReceipts
            || delivery.Digest == 1
            || delivery.Kind is not ("request.approved" or "request.rejected" or "request.withdrawn")
            || !RequestId.TryParse(delivery.Subject.Split(':')[^1], out var id)
        )
        {
            return null;
        }
        var viewer = new Viewer(
            Party.Person(person),
            person,
            to.Role == "admin",
            to.Name,
            new Origin(Actor.Person(person), ChannelName, "")
        );
        return await receipts.Run(id, decision: null, viewer, cancel);
    }

    /// <summary>Null unless what was stored is one address and nothing beside it.</summary>
    private static MailboxAddress? Recipient(PersonRow to)
    {
        if (!MailboxAddress.TryParse(to.Email, out var read) || read.Address != to.Email || read.Domain.Length == 0)
            return null;
        return to.Email.Any(char.IsControl) ? null : new MailboxAddress(OneLine(to.Name), to.Email);
    }

    private static MailboxAddress Mailbox(MailAddress address) => new(OneLine(address.DisplayName), address.Address);

    /// <summary>Line breaks and other controls would begin a header of the sender's choice.</summary>
    private static string OneLine(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c)).Trim();

    private async Task<(MailContent? Content, string? Thread)> One(
        Delivery delivery,
        long person,
        CancellationToken cancel
    )
    {
        if (
            await NotificationContent.Of(store, pages, delivery.EventId, delivery.Receiver, cancel)
            is not { IsTooLate: false } notification
        )
        {
            return (null, null);
        }
        var content = MailContent.Of(notification, options);
        if (notification.News.Kind == Recipients.SignInLink)
        {
            var until = Instant.Parse(notification.News.At) + MailOptions.SignInLink;
            if (until <= store.Now)
                return (null, null);
            return (
                content with
                {
                    Subject = "Your sign-in link",
                    Button = "Sign in",
                    Url = LinkTo(new MailLink.SignIn(delivery.Id, person, until)),
                    Small = "It works once, within 15 minutes. If you didn't request it, you can ignore this email.",
                },
                null
            );
        }
        if (
            notification.Request is { Policy.AllowsMailDecisions: true } request
            && notification.Reason == NotificationReason.Asked
        )
        {
            var until = Instant.Parse(delivery.CreatedAt) + MailOptions.DecisionLink;
            MailLinkLine Link(Answer answer, string text) =>
                new(
                    text,
                    LinkTo(new MailLink.Decide(delivery.Id, person, until, request.Id, request.AnswerDigest, answer))
                );
            content = content with
            {
                Links =
                [
                    Link(Answer.Approve, "Approve without signing in"),
                    Link(Answer.Reject, "Reject without signing in"),
                ],
                Small =
                    "Don't share the last two links: anyone who has them can decide in your name, once, "
                    + "within three days. Opening a link decides nothing; you confirm on the page.",
            };
        }
        return (content, notification.Request?.Id.Value);
    }

    /// <summary>Of the news, what the receiver may still see; null when nothing is left.</summary>
    private async Task<MailContent?> Digest(Delivery delivery, CancellationToken cancel)
    {
        var (all, some) = await store.Read(
            async reader =>
            {
                var viewer = await NotificationContent.ViewerOf(reader, delivery.Receiver);
                var arguments = new
                {
                    id = delivery.Id,
                    admin = viewer.AdminFlag,
                    source = viewer.SourceOrNone,
                    person = viewer.PersonOrNone,
                };
                return (
                    await reader.Number(
                        $"""
                        SELECT count(*) FROM deliveries d LEFT JOIN requests r ON r.id = substr(d.subject, 9)
                        WHERE (d.id = @id OR d.folded_into = @id) AND (r.id IS NULL OR {Visibility.MaySee})
                        """,
                        arguments
                    ),
                    await reader.All<RequestLine>(
                        $"""
                        SELECT r.id, r.subject FROM deliveries d JOIN requests r ON r.id = substr(d.subject, 9)
                        WHERE (d.id = @id OR d.folded_into = @id) AND {Visibility.MaySee}
                        ORDER BY d.id LIMIT {MaxListed}
                        """,
                        arguments
                    )
                );
            },
            cancel
        );
        if (all == 0)
            return null;
        return MailContent.Digest(
            [.. some.Select(s => (NotificationContent.Short(s.Subject, 180), options.Link($"/requests/{s.Id}")!))],
            all,
            options
        );
    }

    private string LinkTo(MailLink link) => options.Link(LinkPath + links.Write(link))!;

    private static MailContent Masked(MailContent content) =>
        content with
        {
            Url = Masked(content.Url),
            Links = [.. content.Links.Select(l => l with { Url = Masked(l.Url) })],
        };

    private static string Masked(string url) =>
        url.IndexOf(LinkPath, StringComparison.Ordinal) is > 0 and var at ? $"{url[..at]}{LinkPath}…" : url;

    private sealed class PersonRow
    {
        public required string Email { get; init; }
        public required string Name { get; init; }
        public required string Role { get; init; }
    }

    private sealed class RequestLine
    {
        public required string Id { get; init; }
        public required string Subject { get; init; }
    }
}
