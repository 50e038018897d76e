using System.Net;
using System.Net.Mail;
using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Tests.Audit;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>Who hears by mail, what a mail says, and what its links can and cannot do.</summary>
public sealed partial class MailTests
{
    [Theory, BothEngines]
    public async Task Those_who_can_answer_are_asked_once_each_and_whoever_asks_hears_the_outcome(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var people = await hub.AddPeople("Ann", "Ben", "Cleo", "Rita");
        var (one, two) = (
            await hub.AddGroup("SRE", people[0], people[1]),
            await hub.AddGroup("Leads", people[1], people[3])
        );
        await hub.Disable(people[2]);
        var request = await hub.Ask(
            Some.Policy(Some.Step("any", 1, one.AsApprover, two.AsApprover, people[2].AsApprover)),
            s => s with { Requester = new Requester(people[3].Id, "Rita", [people[3].Id], Certainty.Proven) }
        );
        await news.Go();
        Assert.Equal(["Ann@example.test", "Ben@example.test"], box.Mails.Select(m => m.To).Order());
        Assert.All(box.Mails, m => Assert.Equal("Approval: Turn on dark mode", m.Header("Subject")));

        await hub.Approve(request, people[0]);
        await news.Go();
        var outcome = Assert.Single(box.Mails.Skip(2));
        Assert.Equal(("Rita@example.test", "Re: Approval: Turn on dark mode"), (outcome.To, outcome.Header("Subject")));
        Assert.Contains("Approved by Ann", outcome.Text, StringComparison.Ordinal);
        Assert.Equal(box.Mails[0].Header("References"), outcome.Header("References"));
        Assert.Equal(3, box.Mails.Select(m => m.Header("Message-ID")).Distinct().Count());
    }

    [Theory, BothEngines]
    public async Task Mail_about_a_closed_request_has_its_receipt_where_that_is_switched_on(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box) with { AttachReceipts = true });
        var people = await hub.AddPeople("Ann", "Rita");
        var request = await hub.Ask(
            Some.Policy(people[0].AsApprover),
            s => s with { Requester = new Requester(people[1].Id, "Rita", [people[1].Id], Certainty.Proven) }
        );
        await hub.Approve(request, people[0]);
        await news.Go();
        // The receipt isn't there yet, and the mail waits a moment for it.
        var before = box.Mails.Count;
        await recorded.Sealer.SealAll();
        hub.Clock.Advance(TimeSpan.FromSeconds(2));
        await news.Go();
        var outcome = Assert.Single(box.Mails.Skip(before));
        Assert.Contains($"filename=receipt-{request.Id}.json", outcome.Wire, StringComparison.Ordinal);

        // Where nothing is sealed, the mail goes without it after a while.
        var other = await hub.Ask(
            Some.Policy(people[0].AsApprover),
            s => s with { Requester = new Requester(people[1].Id, "Rita", [people[1].Id], Certainty.Proven) }
        );
        await hub.Approve(other, people[0]);
        await news.Go();
        before = box.Mails.Count;
        hub.Clock.Advance(TimeSpan.FromSeconds(31));
        await news.Go();
        Assert.DoesNotContain("receipt-", Assert.Single(box.Mails.Skip(before)).Wire, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Whoever_did_it_themselves_or_switched_the_channel_off_hears_nothing(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var people = await hub.AddPeople("Ann", "Rita");
        await news.Switches.Set(people[0].Id, "mail", isOn: false, Some.Operator, default);
        var request = await hub.Ask(
            Some.Policy(people[0].AsApprover),
            s => s with { Requester = new Requester(people[1].Id, "Rita", [people[1].Id], Certainty.Proven) }
        );
        await hub.Comment.Run(request.Id, Some.Viewer(people[1]), "Please hurry.", default);
        await news.Go();
        Assert.Empty(box.Mails);
        await hub.Comment.Run(request.Id, Some.Viewer(people[0]), "Why so late?", default);
        await news.Go();
        Assert.Contains("Why so late?", Assert.Single(box.Mails).Text, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Those_in_whose_name_it_was_opened_are_told_and_admins_that_it_was_not_they(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var (pat, ann, rita) = (
            await hub.AddPerson("Pat", Role.Admin),
            await hub.AddPerson("Ann"),
            await hub.AddPerson("Rita")
        );
        var claim = RequesterClaim.Of([], ["Rita"]) with { People = [rita.Id] };
        var request = await hub.Ask(
            Some.Policy(ann.AsApprover),
            s => s with { Requester = new Requester(rita.Id, "Rita", [rita.Id], Certainty.Claimed) { Claim = claim } }
        );
        await news.Go();
        Assert.Equal(["Ann@example.test", "Rita@example.test"], box.Mails.Select(m => m.To).Order());
        var told = box.Mails.Single(m => m.To == "Rita@example.test");
        Assert.Contains("A request was opened in your name.", told.Text, StringComparison.Ordinal);
        Assert.Contains("Not me", told.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "opened in your name",
            box.Mails.Single(m => m.To == "Ann@example.test").Text,
            StringComparison.Ordinal
        );

        await new Disown(hub.Store).Run(request.Id, Some.Viewer(rita), default);
        await news.Go();
        Assert.Contains(
            box.Mails,
            m =>
                m.To == "Pat@example.test"
                && m.Text.Contains("Rita says that they didn't request this.", StringComparison.Ordinal)
        );
    }

    [Theory, BothEngines]
    public async Task Admins_hear_of_a_breach(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var pat = await hub.AddPerson("Pat", Role.Admin);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        await hub.MarkApplied.Run(request.Id, Some.Viewer(pat), default);
        await news.Go();
        Assert.Contains(
            box.Mails,
            m => m.To == "Pat@example.test" && m.Text.Contains("applied without an approval", StringComparison.Ordinal)
        );
    }

    [Theory, BothEngines]
    public async Task Five_hundred_at_once_are_twenty_messages_and_one_that_tells_of_the_rest(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var ann = await hub.AddPerson("Ann");
        for (var i = 0; i < 500; i++)
            await hub.Ask(ann.AsApprover);
        await news.Go();
        Assert.Equal(20, box.Mails.Count);
        hub.Clock.Advance(TimeSpan.FromMinutes(2));
        await news.Go();
        var rest = Assert.Single(box.Mails.Skip(20));
        Assert.Equal("And 480 more in Countersign", rest.Header("Subject"));
        Assert.Contains("And 480 more", rest.Text, StringComparison.Ordinal);
        hub.Clock.Advance(TimeSpan.FromHours(1));
        await news.Go();
        Assert.Equal(21, box.Mails.Count);
    }

    [Fact]
    public async Task A_hostile_subject_stays_in_its_header_and_a_hostile_text_in_its_part()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var ann = await hub.AddPerson("Ann");
        const string subject =
            "Zahlung für Jürgen\r\nBcc: all@example.test\r\n\r\n<script>alert(1)</script> 日本語のとても長い件名がここに続きます、本当に長い";
        await hub.Ask(
            Some.Policy(ann.AsApprover),
            s =>
                s with
                {
                    Subject = subject,
                    Message = ".\r\nQUIT\r\n.leading dot\r\n--=_countersign_parts\r\n<b>bold</b>",
                }
        );
        await news.Go();
        var mail = Assert.Single(box.Mails);
        Assert.DoesNotContain(
            "\r\nBcc:",
            mail.Wire[..mail.Wire.IndexOf("\r\n\r\n", StringComparison.Ordinal)],
            StringComparison.OrdinalIgnoreCase
        );
        Assert.All(
            mail.Wire.Split("\r\n"),
            line => Assert.True(line.Length <= 998 && line.All(c => c is >= ' ' and <= '~' or '\t'), line)
        );
        Assert.StartsWith("Approval: Zahlung für Jürgen", mail.Header("Subject"), StringComparison.Ordinal);
        Assert.Contains("日本語のとても長い件名", mail.Header("Subject"), StringComparison.Ordinal);
        Assert.Contains("\n.leading dot", mail.Text, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", mail.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>bold</b>", mail.Html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RCPT TO", "550 no such user", "status", "failed")]
    [InlineData("RCPT TO", "451 try later", "status", "due")]
    [InlineData("MAIL FROM", "550 not you", "status", "due")]
    public async Task What_the_mail_server_refuses_for_good_is_given_up_and_the_rest_tried_again(
        string command,
        string answer,
        string failure,
        string state
    )
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox(c => c.StartsWith(command, StringComparison.Ordinal) ? answer : null);
        using var news = new News(hub, mail: News.Mail(box));
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        var line = Assert.Single(await news.Lines());
        Assert.Equal((state, failure), (line.State, Assert.Single(await news.Tries(line.Id)).Failure));
    }

    [Fact]
    public async Task A_question_that_was_answered_meanwhile_is_not_asked_any_more()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var people = await hub.AddPeople("Ann", "Ben");
        var request = await hub.Ask(Some.Policy(people[0].AsApprover, people[1].AsApprover));
        await news.Expand();
        await hub.Approve(request, people[0]);
        await news.Go();
        Assert.Empty(box.Mails);
        Assert.All(await news.Lines(), l => Assert.Equal("dropped", l.State));
    }

    [Theory, BothEngines]
    public async Task A_signed_link_decides_once_and_only_what_it_was_made_for(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover) with { AllowsMailDecisions = true });
        await news.Go();
        var (approve, reject) = (Token(box.Mails[0], "Approve without"), Token(box.Mails[0], "Reject without"));
        Assert.DoesNotContain(approve, await hub.Place.Text("SELECT sent FROM deliveries"), StringComparison.Ordinal);

        // A storm of scanners: nothing changes.
        for (var i = 0; i < 20; i++)
            Assert.IsType<MailDecisionOutcome.Good>(await news.ByMail.Look(approve, default));
        Assert.Equal(Status.Active, (await hub.Find(request.Id)).Status);
        for (var i = 0; i < approve.Length; i += 7)
        {
            var altered = approve[..i] + (approve[i] == 'A' ? 'B' : 'A') + approve[(i + 1)..];
            Assert.IsType<MailDecisionOutcome.Refused>(await news.ByMail.Run(altered, "", "", default));
        }

        var both = await Task.WhenAll(
            news.ByMail.Run(approve, "Fine.", "192.0.2.1", default),
            news.ByMail.Run(reject, "No.", "192.0.2.1", default)
        );
        Assert.Single(both, o => o is MailDecisionOutcome.Done);
        var settled = await hub.Find(request.Id);
        Assert.True(settled.IsSettled);
        Assert.Equal("mail", Assert.Single(await hub.Decisions(request.Id)).Via);
        Assert.IsType<MailDecisionOutcome.Refused>(await news.ByMail.Look(approve, default));
        Assert.IsType<MailDecisionOutcome.Refused>(await news.ByMail.Run(reject, "", "", default));
    }

    [Theory, BothEngines]
    public async Task A_signed_link_ends_with_its_time_its_content_its_person_and_its_policy(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var ann = await hub.AddPerson("Ann");
        var allowed = Some.Policy(ann.AsApprover) with { AllowsMailDecisions = true };
        var request = await hub.Ask(allowed);
        await news.Go();
        var token = Token(box.Mails[0], "Approve without");
        await hub.Disable(ann);
        Assert.IsType<MailDecisionOutcome.Refused>(await news.ByMail.Run(token, "", "", default));
        await hub.Enable(ann);
        Assert.IsType<MailDecisionOutcome.Good>(await news.ByMail.Look(token, default));
        hub.Clock.Advance(MailOptions.DecisionLink);
        Assert.IsType<MailDecisionOutcome.Refused>(await news.ByMail.Run(token, "", "", default));
        // Forged by somebody who can write to the store, for a request whose policy does not allow it.
        var forbidden = await hub.Ask(ann.AsApprover);
        var forged = news.Links.Write(
            new MailLink.Decide(99, ann.Id, hub.Clock.Now.AddDays(1), forbidden.Id, forbidden.Digest, Answer.Approve)
        );
        Assert.IsType<MailDecisionOutcome.Refused>(await news.ByMail.Run(forged, "", "", default));
        Assert.Equal(Status.Active, (await hub.Find(request.Id)).Status);
        await news.Go();
        Assert.DoesNotContain("without signing in", box.Mails[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_server_that_offers_no_encryption_gets_neither_password_nor_mail()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        await using var box = new MailBox();
        using var news = new News(
            hub,
            mail: News.Mail(box) with
            {
                Security = MailSecurity.StartTls,
                User = "hub",
                Password = "s3cret",
            }
        );
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        Assert.Equal("tls", Assert.Single(await news.Tries(1)).Failure);
        Assert.Equal(["EHLO approvals.example.test"], box.Commands);
    }

    [Theory]
    [InlineData("starttls"), InlineData("tls")]
    public async Task A_real_mail_server_takes_it_encrypted_and_with_a_password(string security)
    {
        using var npm = await Npm.Install("smtp-server@3.13.6");
        using var certificate = Receiver.Certificate();
        using var key = System.Security.Cryptography.X509Certificates.RSACertificateExtensions.GetRSAPrivateKey(
            certificate
        )!;
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "cert.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        using var server = npm.StartNode(
            $$"""
            const { SMTPServer } = require('smtp-server'), fs = require('fs');
            const server = new SMTPServer({
              secure: {{(
                security == "tls" ? "true" : "false"
            )}}, key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem'),
              authMethods: ['{{(security == "tls" ? "LOGIN" : "PLAIN")}}'],
              onAuth: (auth, session, done) =>
                auth.username === 'hub' && auth.password === 's3cret'
                    ? done(null, { user: 'hub' })
                    : done(new Error('wrong')),
              onData: (stream, session, done) => {
                let text = '';
                stream.on('data', d => text += d);
                stream.on('end', () => {
                  const { mailFrom, rcptTo } = session.envelope, { secure, user } = session;
                  const envelope = { from: mailFrom.address, to: rcptTo.map(r => r.address) };
                  console.log(JSON.stringify({ ...envelope, secure, user, text }));
                  done();
                });
              },
            });
            server.listen(0, '127.0.0.1', () => console.log(server.server.address().port));
            """
        );
        try
        {
            var port = int.Parse(
                (await server.StandardOutput.ReadLineAsync().Soon())!,
                System.Globalization.CultureInfo.InvariantCulture
            );
            await using var hub = await TestHub.Start(Engine.Sqlite);
            var options = new MailOptions
            {
                Host = "localhost",
                Port = port,
                Security = security == "tls" ? MailSecurity.Tls : MailSecurity.StartTls,
                User = "hub",
                Password = "s3cret",
                From = new MailAddress("approvals@example.test", "Countersign"),
                ReplyTo = new MailAddress("platform@example.test"),
            };
            await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
            using (var strict = new News(hub, mail: options))
            {
                await strict.Go();
                Assert.Equal("tls", (await strict.Tries(1))[0].Failure);
            }
            hub.Clock.Advance(TimeSpan.FromSeconds(5));
            using (
                var wrong = new News(
                    hub,
                    egress: new EgressOptions { Roots = [certificate] },
                    mail: options with
                    {
                        Password = "wrong",
                    }
                )
            )
            {
                await wrong.Go();
                Assert.Equal(("status", 535L), ((await wrong.Tries(1))[1].Failure, (await wrong.Tries(1))[1].Status));
            }
            hub.Clock.Advance(TimeSpan.FromMinutes(5));
            using var news = new News(hub, egress: new EgressOptions { Roots = [certificate] }, mail: options);
            await news.Go();
            var taken = System.Text.Json.Nodes.JsonNode.Parse((await server.StandardOutput.ReadLineAsync().Soon())!)!;
            Assert.Equal(
                ("approvals@example.test", "Ann@example.test", "true", "hub"),
                (
                    taken["from"]!.ToString(),
                    taken["to"]![0]!.ToString(),
                    taken["secure"]!.ToString(),
                    taken["user"]!.ToString()
                )
            );
            var mail = new Mail("", "", taken["text"]!.ToString());
            Assert.Equal("Approval: Turn on dark mode", mail.Header("Subject"));
            Assert.Equal(
                ("Countersign <approvals@example.test>", "Ann <Ann@example.test>"),
                (mail.Header("From"), mail.Header("To"))
            );
            Assert.Equal("platform@example.test", mail.Header("Reply-To"));
            Assert.Equal("delivered", (await news.Lines())[0].State);
        }
        finally
        {
            server.Kill();
        }
    }

    [Theory, BothEngines]
    public async Task Links_from_mails_work_through_pages_and_scanners_change_nothing(Engine engine)
    {
        await using var box = new MailBox();
        await using var host = await ApiHost.Start(
            engine,
            ("PublicUrl", "http://approvals.example.test"),
            ("Email:Host", "127.0.0.1"),
            ("Email:Port", $"{box.Port}"),
            ("Email:Security", "none"),
            ("Email:From", "approvals@example.test")
        );
        var ann = await host.Hub.AddPerson("Ann");
        var request = await host.Hub.Ask(Some.Policy(ann.AsApprover) with { AllowsMailDecisions = true });
        await Eventually.True(() => box.Mails.Count == 1, "the question is mailed");
        var path = "/mail/" + Token(box.Mails[0], "Approve without");
        using var browser = new HttpClient(
            new SocketsHttpHandler { CookieContainer = new CookieContainer(), AllowAutoRedirect = false }
        )
        {
            BaseAddress = host.Address,
        };

        await Storm(host, browser, path);
        Assert.Equal(Status.Active, (await host.Hub.Find(request.Id)).Status);

        using var done = await Press(browser, path, new() { ["Note"] = "By mail." });
        Assert.Equal(HttpStatusCode.Redirect, done.StatusCode);
        Assert.Equal(Status.Approved, (await host.Hub.Find(request.Id)).Status);
        // What follows can be reloaded, and a forged address says nothing.
        var after = done.Headers.Location!.OriginalString;
        Assert.Contains(
            "You approved this",
            await browser.GetStringAsync(new Uri(after, UriKind.Relative)),
            StringComparison.Ordinal
        );
        using var forged = await browser.GetAsync(new Uri(after[..^8] + "AAAAAAAA", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, forged.StatusCode);
        using var again = await browser.GetAsync(new Uri(path, UriKind.Relative));
        using var stranger = await browser.GetAsync(new Uri("/mail/" + new string('A', 120), UriKind.Relative));
        Assert.Equal((HttpStatusCode.NotFound, await Body(stranger)), (again.StatusCode, await Body(again)));

        // Signing in: the same answer for somebody and for nobody; the link shows a button; the button works once.
        using var known = await Press(browser, "/sign-in", new() { ["email"] = ann.Email! }, "/sign-in/mail");
        using var unknown = await Press(
            browser,
            "/sign-in",
            new() { ["email"] = "nobody@example.test" },
            "/sign-in/mail"
        );
        Assert.Equal((known.StatusCode, await Body(known)), (unknown.StatusCode, await Body(unknown)));
        await Eventually.True(
            () => box.Mails.Any(m => m.Header("Subject") == "Your sign-in link"),
            "the link is mailed"
        );
        Assert.Equal(2, box.Mails.Count);
        var link = "/mail/" + Token(box.Mails[1], "Sign in");
        await Storm(host, browser, link);
        using var nobodyYet = await browser.GetAsync(new Uri("/account", UriKind.Relative));
        Assert.DoesNotContain("Ann@example.test", await Body(nobodyYet), StringComparison.Ordinal);
        using var signedIn = await Press(browser, link, []);
        Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
        using var account = await browser.GetAsync(new Uri("/account", UriKind.Relative));
        Assert.Contains("Ann@example.test", await Body(account), StringComparison.Ordinal);
        using var twice = await browser.GetAsync(new Uri(link, UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, twice.StatusCode);
    }

    [Theory, BothEngines]
    public async Task A_link_that_is_not_good_says_the_same_whatever_is_wrong_with_it_and_does_nothing(Engine engine)
    {
        await using var box = new MailBox();
        await using var host = await ApiHost.Start(
            engine,
            ("PublicUrl", "http://approvals.example.test"),
            ("Email:Host", "127.0.0.1"),
            ("Email:Port", $"{box.Port}"),
            ("Email:Security", "none"),
            ("Email:From", "approvals@example.test")
        );
        var (hub, clock, links) = (host.Hub, host.Hub.Clock, host.Services.GetRequiredService<MailLinks>());
        var people = await hub.AddPeople("Ann", "Ben", "Rita");
        var (ann, gone, rita) = (people[0], people[1], people[2]);
        await hub.Disable(gone);
        var mayByMail = Some.Policy(ann.AsApprover, gone.AsApprover, rita.AsApprover) with
        {
            AllowsMailDecisions = true,
        };
        var request = await hub.Ask(
            mayByMail,
            s => s with { Requester = new Requester(rita.Id, "Rita", [rita.Id], Certainty.Proven) }
        );
        var (settled, notByMail) = (await hub.Ask(mayByMail), await hub.Ask(ann.AsApprover));
        await hub.Approve(settled, ann);
        string Link(
            ApprovalRequest about,
            Person person,
            TimeSpan left,
            string? digest = null,
            MailLinks? signedBy = null
        ) =>
            (signedBy ?? links).Write(
                new MailLink.Decide(
                    9_999,
                    person.Id,
                    clock.Now + left,
                    about.Id,
                    digest ?? about.Digest,
                    Answer.Approve
                )
            );
        var day = TimeSpan.FromDays(1);
        var good = Link(request, ann, day);
        var otherKey = Path.Combine(Path.GetTempPath(), $"countersign-test-{Environment.ProcessId}-other.key");
        string[] bad =
        [
            good[..40] + (good[40] == 'A' ? 'B' : 'A') + good[41..],
            good[..^4],
            good + "AAAA",
            new string('A', 120),
            "x",
            Link(request, ann, TimeSpan.Zero),
            Link(request, ann, day, digest: settled.Digest + "0"),
            Link(request, gone, day),
            Link(request, rita, day),
            Link(settled, ann, day),
            Link(notByMail, ann, day),
            Link(request, ann, day, signedBy: new MailLinks(RootKey.Load(otherKey, mayCreate: true))),
            links.Write(new MailLink.SignIn(9_998, ann.Id, clock.Now)),
        ];
        File.Delete(otherKey);
        using var browser = host.Browser();
        Assert.Equal(200, (await browser.Get("/mail/" + good)).Status);
        // The proof that belongs to this browser, from a page that has a form.
        var proof = (await browser.Get("/sign-in")).Token!;
        await AllIsOut(host);
        var before = await hub.Place.Everything(Kept);
        var answers = new List<string>();
        foreach (var token in bad)
        {
            foreach (
                var answer in new[]
                {
                    await browser.Get("/mail/" + token),
                    await browser.Post(
                        "/mail/" + token,
                        (Countersign.Tests.Browser.TokenField, proof),
                        ("Note", "Yes.")
                    ),
                }
            )
            {
                Assert.Equal(404, answer.Status);
                answers.Add(answer.Text);
            }
        }
        Assert.DoesNotContain("dark mode", Assert.Single(answers.Distinct()), StringComparison.Ordinal);
        Assert.Equal(before, await hub.Place.Everything(Kept));
    }

    [Theory, BothEngines]
    public async Task A_link_to_sign_in_is_over_after_fifteen_minutes_and_three_at_a_time_are_enough(Engine engine)
    {
        await using var box = new MailBox();
        await using var host = await ApiHost.Start(
            engine,
            ("PublicUrl", "http://approvals.example.test"),
            ("Email:Host", "127.0.0.1"),
            ("Email:Port", $"{box.Port}"),
            ("Email:Security", "none"),
            ("Email:From", "approvals@example.test")
        );
        var ann = await host.Hub.AddPerson("Ann");
        using var browser = host.Browser();
        for (var i = 0; i < 5; i++)
            Assert.Equal(302, (await browser.Submit("/sign-in", "/sign-in/mail", ("email", ann.Email!))).Status);
        await Eventually.True(() => box.Mails.Count == 3, "three are mailed");
        Assert.Equal(3, await host.Hub.Place.Number("SELECT count(*) FROM events WHERE kind = 'person.sign_in_link'"));
        var link = "/mail/" + Token(box.Mails[0], "Sign in");
        Assert.Equal(200, (await browser.Get(link)).Status);
        host.Hub.Clock.Advance(MailOptions.SignInLink);
        Assert.Equal((404, 404), ((await browser.Get(link)).Status, (await browser.Submit("/sign-in", link)).Status));
        Assert.Equal(0, await host.Hub.Place.Count("sessions"));
        // And then one may ask again.
        await browser.Submit("/sign-in", "/sign-in/mail", ("email", ann.Email!));
        await Eventually.True(() => box.Mails.Count == 4, "another is mailed");
    }

    /// <summary>What would show that an answer was given, a link used, or somebody signed in.</summary>
    private static readonly string[] Kept =
    [
        "requests",
        "decisions",
        "comments",
        "waiting",
        "events",
        "deliveries",
        "attempts",
        "used_links",
        "sessions",
        "chats",
    ];

    /// <summary>
    /// All that mail scanners, previews and browsers ahead of their time do with a link: nothing that is kept changes.
    /// </summary>
    private static async Task Storm(ApiHost host, HttpClient browser, string path)
    {
        await AllIsOut(host);
        var before = await host.Hub.Place.Everything(Kept);
        for (var i = 0; i < 5; i++)
        {
            using var scan = await browser.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(HttpStatusCode.OK, scan.StatusCode);
            foreach (
                var method in new[]
                {
                    HttpMethod.Head,
                    HttpMethod.Options,
                    HttpMethod.Get,
                    HttpMethod.Put,
                    HttpMethod.Delete,
                }
            )
            {
                using var ahead = new HttpRequestMessage(method, path)
                {
                    Headers = { { "Sec-Purpose", "prefetch;prerender" }, { "Purpose", "prefetch" } },
                };
                using var answer = await browser.SendAsync(ahead);
            }
            using var bare = await browser.PostAsync(new Uri(path, UriKind.Relative), new FormUrlEncodedContent([]));
        }
        Assert.Equal(before, await host.Hub.Place.Everything(Kept));
    }

    private static Task AllIsOut(ApiHost host) =>
        Eventually.True(
            async () =>
                await host.Hub.Place.IsFollowed()
                && await host.Hub.Place.Number("SELECT count(*) FROM deliveries WHERE state IN ('due', 'waiting')")
                    == 0,
            "all news is out"
        );

    private static string Token(Mail mail, string line) =>
        Regex
            .Match(
                mail.Text.Replace("\r\n", "\n", StringComparison.Ordinal),
                Regex.Escape(line) + @"[^\n]*\n\S*/mail/(?<token>\S+)",
                RegexOptions.ExplicitCapture,
                TimeSpan.FromSeconds(5)
            )
            .Groups["token"]
            .Value;

    private static async Task<string> Body(HttpResponseMessage answer) => await answer.Content.ReadAsStringAsync();

    /// <summary>Opens a page as a browser does, and posts its form.</summary>
    private static async Task<HttpResponseMessage> Press(
        HttpClient browser,
        string page,
        Dictionary<string, string> fields,
        string? action = null
    )
    {
        var shown = await browser.GetStringAsync(new Uri(page, UriKind.Relative));
        fields["__RequestVerificationToken"] = ProofOf().Match(shown).Groups["value"].Value;
        using var form = new FormUrlEncodedContent(fields);
        return await browser.PostAsync(new Uri(action ?? page, UriKind.Relative), form);
    }

    [GeneratedRegex("""__RequestVerificationToken" value="(?<value>[^"]+)""", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex ProofOf();
}
