using System.Net;
using Countersign.Audit;
using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>
/// How messages reach the mail server: over connections that are used again, to addresses in any script.
/// </summary>
public sealed class MailServerTests
{
    [Fact]
    public async Task One_connection_serves_several_messages_and_ends_with_a_goodbye()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var ann = await hub.AddPerson("Ann");
        for (var i = 0; i < 3; i++)
        {
            await hub.Ask(ann.AsApprover);
            await news.Go();
        }
        Assert.Equal((3, 1), (box.Mails.Count, box.Connections));
        await news.MailServer.CloseIdle();
        await hub.Ask(ann.AsApprover);
        await news.Go();
        Assert.Equal((4, 2), (box.Mails.Count, box.Connections));
        Assert.Contains("QUIT", box.Commands);
    }

    [Fact]
    public async Task Many_at_once_go_over_few_connections_each_message_once()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var people = await hub.AddPeople([.. Enumerable.Range(0, 30).Select(i => $"Person{i}")]);
        for (var i = 0; i < 5; i++)
            await hub.Ask(Some.Policy([.. people.Select(p => p.AsApprover)]));
        await news.Go();
        Assert.Equal(150, box.Mails.Count);
        Assert.Equal(150, box.Mails.Select(m => m.Header("Message-ID")).Distinct().Count());
        Assert.InRange(box.Connections, 1, 8);
    }

    [Theory]
    [InlineData(""), InlineData("421 too long idle")]
    public async Task A_connection_that_the_server_ended_is_replaced_before_the_message_goes_out(string answer)
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox(Answers("NOOP", answer));
        using var news = new News(hub, mail: News.Mail(box));
        var ann = await hub.AddPerson("Ann");
        for (var i = 0; i < 2; i++)
        {
            await hub.Ask(ann.AsApprover);
            await news.Go();
        }
        Assert.Equal((2, 2), (box.Mails.Count, box.Connections));
        Assert.All(await news.Lines(), l => Assert.Equal(("delivered", 1L), (l.State, l.Attempts)));
    }

    [Fact]
    public async Task A_message_that_broke_off_is_tried_again_later_under_the_same_id_and_not_at_once()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        var breaks = true;
        await using var box = new MailBox(command => command == "." && breaks ? "" : null);
        using var news = new News(hub, mail: News.Mail(box));
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        Assert.Equal(
            ("due", "reset"),
            (Assert.Single(await news.Lines()).State, Assert.Single(await news.Tries(1)).Failure)
        );
        Assert.Single(box.Mails);
        breaks = false;
        hub.Clock.Advance(TimeSpan.FromMinutes(5));
        await news.Go();
        Assert.Equal("delivered", Assert.Single(await news.Lines()).State);
        Assert.Equal(box.Mails[0].Header("Message-ID"), box.Mails[1].Header("Message-ID"));
    }

    [Fact]
    public async Task A_refused_receiver_leaves_the_connection_to_the_next_message()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox(Answers("RCPT TO:<Ann", "550 no such user"));
        using var news = new News(hub, mail: News.Mail(box));
        foreach (var person in await hub.AddPeople("Ann", "Ben"))
        {
            await hub.Ask(person.AsApprover);
            await news.Go();
        }
        Assert.Equal(["failed", "delivered"], (await news.Lines()).Select(l => l.State));
        Assert.Equal(("Ben@example.test", 1), (Assert.Single(box.Mails).To, box.Connections));
    }

    [Theory]
    [
        InlineData("Jürgen@example.test", true),
        InlineData("用户@example.test", true),
        InlineData("ann@bücher.example", false)
    ]
    public async Task Addresses_in_any_script_are_written_where_the_server_can_take_them(
        string email,
        bool needsInternational
    )
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox(Answers("EHLO", "250-mailbox\r\n250-8BITMIME\r\n250 SMTPUTF8"));
        await using var plain = new MailBox();
        var person = Some.Done(await hub.People.Add(email, "Jürgen Ünal", Role.EndUser, null, Some.Operator, default));
        using (var news = new News(hub, mail: News.Mail(box)))
        {
            await hub.Ask(person.AsApprover);
            await news.Go();
            var mail = Assert.Single(box.Mails);
            Assert.Equal(email, mail.To);
            Assert.Contains(
                box.Commands,
                c =>
                    c.StartsWith("MAIL FROM", StringComparison.Ordinal)
                    && c.Contains("SMTPUTF8", StringComparison.Ordinal)
            );
            Assert.Contains("Jürgen Ünal", mail.Header("To"), StringComparison.Ordinal);
        }
        using var strict = new News(hub, mail: News.Mail(plain));
        await hub.Ask(person.AsApprover);
        await strict.Go();
        var line = (await strict.Lines())[^1];
        if (needsInternational)
        {
            Assert.Equal("failed", line.State);
            Assert.Contains("SMTPUTF8", Assert.Single(await strict.Tries(line.Id)).Answer, StringComparison.Ordinal);
            Assert.Empty(plain.Mails);
        }
        else
        {
            Assert.Equal("ann@xn--bcher-kva.example", Assert.Single(plain.Mails).To);
        }
    }

    [Theory]
    [InlineData("ann@example.test>\r\nRCPT TO:<eve@example.test", "Ann")]
    [InlineData("ann@example.test, eve@example.test", "Ann")]
    [InlineData("Eve <eve@example.test>", "Ann")]
    [InlineData("ann@example.test (Ann)", "Ann")]
    [InlineData("ann", "Ann")]
    public async Task An_address_that_is_more_than_an_address_is_not_written(string email, string name)
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        await AskChanged(hub, news, email, name);
        Assert.Equal("failed", Assert.Single(await news.Lines()).State);
        Assert.Equal("This address isn't valid in an email.", Assert.Single(await news.Tries(1)).Answer);
        Assert.Equal((0, 0), (box.Mails.Count, box.Connections));
    }

    [Theory]
    [InlineData("Ann\r\nBcc: eve@example.test")]
    [InlineData("Ann\" <eve@example.test>, \"")]
    [InlineData("Ann\u2028Bcc: eve@example.test")]
    [InlineData("Ann =?utf-8?q?=0D=0ABcc:_eve@example.test?=")]
    public async Task A_hostile_name_stays_in_its_header(string name)
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        await AskChanged(hub, news, "ann@example.test", name);
        var mail = Assert.Single(box.Mails);
        var read = MimeKit.MimeMessage.Load(new MemoryStream(System.Text.Encoding.Latin1.GetBytes(mail.Wire)));
        Assert.Equal(("ann@example.test", "ann@example.test"), (mail.To, Assert.Single(read.To.Mailboxes).Address));
        Assert.Empty(read.Bcc);
        Assert.DoesNotContain(read.Headers, h => h.Field.StartsWith("Bcc", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Mail_that_can_be_switched_off_says_where_and_mail_that_was_asked_for_does_not()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        var mail = News.Mail(box);
        using var news = new News(hub, mail: mail);
        var ann = await hub.AddPerson("Ann");
        await hub.Ask(ann.AsApprover);
        await news.Go();
        var signIn = new MailSignIn(hub.Store, news.Links, mail, news.Options, hub.Sessions, PasswordPolicy.Default);
        await signIn.Ask(ann.Email!, new ClientInfo("page", "192.0.2.1", ""), default);
        await news.Go();
        Assert.Equal(
            ["<https://approvals.example.test/account>", ""],
            box.Mails.Select(m => m.Header("List-Unsubscribe"))
        );
        Assert.All(box.Mails, m => Assert.Equal("auto-generated", m.Header("Auto-Submitted")));
    }

    [Theory]
    [InlineData("EHLO", "timeless chatter", "reset")]
    [InlineData("MAIL FROM", "", "reset")]
    [InlineData("MAIL FROM", "421 shutting down", "status")]
    [InlineData("DATA", "no number", "reset")]
    public async Task What_is_no_answer_is_a_broken_connection_and_tried_again(
        string command,
        string answer,
        string failure
    )
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox(Answers(command, answer));
        using var news = new News(hub, mail: News.Mail(box));
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        Assert.Equal(
            ("due", failure),
            (Assert.Single(await news.Lines()).State, Assert.Single(await news.Tries(1)).Failure)
        );
    }

    [Fact]
    public async Task An_answer_without_end_is_cut_off()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        var endless = string.Concat(Enumerable.Repeat("250-and more\r\n", 100_000)) + "250 ok";
        await using var box = new MailBox(Answers("EHLO", endless));
        using var news = new News(hub, mail: News.Mail(box));
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        Assert.Equal("too large", Assert.Single(await news.Tries(1)).Failure);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        using var certificate = Receiver.Certificate();
        await using var server = new Receiver(_ => new Conduct.Hangs(), certificate);
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        var toServer = News.Mail(box) with
        {
            Host = "mail.example.test",
            Port = server.Port,
            Security = MailSecurity.Tls,
        };
        var egress = new EgressOptions
        {
            Roots = [certificate],
            LookUp = (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]),
        };
        using var news = new News(hub, egress: egress, mail: toServer);
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        Assert.Equal("tls", Assert.Single(await news.Tries(1)).Failure);
    }

    private static Func<string, string?> Answers(string command, string answer) =>
        said => said.StartsWith(command, StringComparison.Ordinal) ? answer : null;

    /// <summary>
    /// Mails a person whose row was changed past the rules for addresses and names; then it is as it was.
    /// </summary>
    private static async Task AskChanged(TestHub hub, News news, string email, string name)
    {
        var ann = await hub.AddPerson("Ann");
        Task Change(string email, string name) =>
            hub.Store.InTransaction(tx =>
                tx.Execute(
                    "UPDATE people SET email = @email, name = @name WHERE id = @id",
                    new
                    {
                        id = ann.Id,
                        email,
                        name,
                    }
                )
            );
        await Change(email, name);
        await hub.Ask(ann.AsApprover);
        await news.Go();
        await Change(ann.Email!, ann.Name);
    }
}
