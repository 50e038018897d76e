using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>
/// What a reader finds in each kind of mail, in both of its parts: what happened, the question, the facts, and the one
/// button.
/// </summary>
public sealed partial class MailKindsTests
{
    private const string File = """
        version: 1
        policies:
          - name: production
            steps:
              - { name: developers, need: 1, from: { people: [Ann@example.test] } }
              - { name: operations, need: 1, from: { people: [Ben@example.test] } }
            remind: { after: 1h }
            escalate: { after: 24h, to: { people: [Mia@example.test] } }
        """;

    private const string Facts = """{"environment":"production","project":"shop"}""";

    private static readonly string[] Asked =
    [
        "Turn on dark mode",
        "environment",
        "production",
        "shop",
        "Requested by",
        "Rita",
    ];

    [Theory, BothEngines]
    public async Task Whoever_comes_next_is_told_when_their_step_opens(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var people = await Furnish(hub);
        var request = await hub.Ask(Facts, people["Rita"]);
        await news.Go();
        Assert.Equal("Ann@example.test", Assert.Single(box.Mails).To);
        await hub.Hub.Approve(request, people["Ann"]);
        await news.Go();
        Reads(
            box.Mails[1],
            "Ben@example.test",
            request,
            "Review and decide",
            ["It's your turn now: operations.", "So far", .. Asked]
        );
        Assert.Equal(box.Mails[0].Header("References"), box.Mails[1].Header("References"));
    }

    [Theory, BothEngines]
    public async Task Whoever_keeps_it_waiting_is_reminded_and_after_a_day_others_hear_as_well(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var people = await Furnish(hub);
        var request = await hub.Ask(Facts, people["Rita"]);
        await news.Go();
        await hub.Wait(TimeSpan.FromHours(1));
        await news.Go();
        Reads(
            box.Mails[1],
            "Ann@example.test",
            request,
            "Review and decide",
            ["Reminder: this request still needs your review.", .. Asked]
        );
        await hub.Wait(TimeSpan.FromHours(23));
        await news.Go();
        var escalated = box.Mails.Skip(2).ToList();
        Assert.Equal(["Ann@example.test", "Mia@example.test"], escalated.Select(m => m.To).Order());
        Reads(
            escalated.Single(m => m.To.StartsWith("Mia", StringComparison.Ordinal)),
            "Mia@example.test",
            request,
            "Review and decide",
            ["No one responded in time, so more people can review this now.", .. Asked]
        );
    }

    [Theory, BothEngines]
    public async Task Whoever_stands_in_is_asked_beside_whom_they_stand_in_for(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var people = await Furnish(hub);
        Some.Done(
            await hub.Absences.Set(
                "Ann@example.test",
                hub.Hub.Clock.Now,
                hub.Hub.Clock.Now.AddDays(2),
                "Sam@example.test",
                Some.Operator,
                default
            )
        );
        var request = await hub.Ask(Facts, people["Rita"]);
        await news.Go();
        Assert.Equal(["Ann@example.test", "Sam@example.test"], box.Mails.Select(m => m.To).Order());
        Reads(
            box.Mails.Single(m => m.To.StartsWith("Sam", StringComparison.Ordinal)),
            "Sam@example.test",
            request,
            "Review and decide",
            ["requests your approval.", .. Asked],
            isFirst: true
        );
    }

    [Theory, BothEngines]
    public async Task A_delegate_alone_is_told_whose_review_they_have_whoever_set_it_up(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var people = new Dictionary<string, Person>();
        foreach (var name in new[] { "Ann", "Ben", "Rita", "Sam" })
            people[name] = await hub.Hub.AddPerson(name, Role.Agent);
        var sre = await hub.Hub.AddGroup("SRE", people["Ann"], people["Ben"]);
        var request = await hub.Ask(Facts, people["Rita"], assignee: sre.AsApprover);
        await news.Go();
        Assert.Equal(["Ann@example.test", "Ben@example.test"], box.Mails.Select(m => m.To).Order());

        var delegates = new DelegateSeat(hub.Hub.Store);
        Assert.IsType<DelegateOutcome.Delegated>(
            await delegates.Run(request.Id, Some.Viewer(people["Ann"]), people["Sam"].Id, default)
        );
        await news.Go();
        Reads(
            Assert.Single(box.Mails.Skip(2)),
            "Sam@example.test",
            request,
            "Review and decide",
            [
                "Ann asks you to review this in their place.",
                "You get this because you can review this request",
                .. Asked,
            ]
        );
        Assert.Equal(box.Mails[0].Header("References"), box.Mails[2].Header("References"));

        // Taken back, which is news to no one, and given once more on the command line.
        await new EndDelegation(hub.Hub.Store).Run(request.Id, Some.Viewer(people["Ann"]), default);
        var byOperator = Some.Viewer(people["Ann"]) with { Origin = Some.Operator };
        Assert.IsType<DelegateOutcome.Delegated>(
            await delegates.Run(request.Id, byOperator, people["Sam"].Id, default)
        );
        await news.Go();
        Reads(
            Assert.Single(box.Mails.Skip(3)),
            "Sam@example.test",
            request,
            "Review and decide",
            ["You review this in place of Ann.", .. Asked]
        );
    }

    [Theory, BothEngines]
    public async Task A_new_assignee_is_told_by_whom_they_were_chosen(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var people = new Dictionary<string, Person>();
        foreach (var name in new[] { "Ann", "Ben", "Mia", "Rita" })
            people[name] = await hub.Hub.AddPerson(name, Role.Agent);
        var ada = await hub.Hub.AddPerson("Ada", Role.Admin);
        var team = await hub.Hub.AddGroup("Operations", people["Ben"], people["Mia"]);
        var request = await hub.Ask(Facts, people["Rita"], assignee: people["Ann"].AsApprover);
        await news.Go();
        Assert.Equal("Ann@example.test", Assert.Single(box.Mails).To);

        var reassign = new Reassign(hub.Hub.Store);
        Assert.IsType<ReassignOutcome.Reassigned>(
            await reassign.Run(request.Id, Some.Viewer(ada), Policies.Party.Group(team.Id), default)
        );
        await news.Go();
        var mails = box.Mails.Skip(1).OrderBy(m => m.To, StringComparer.Ordinal).ToList();
        Assert.Equal(2, mails.Count);
        foreach (var (mail, to) in mails.Zip(["Ben@example.test", "Mia@example.test"]))
            Reads(mail, to, request, "Review and decide", ["Ada assigned this to Operations.", .. Asked]);

        var byOperator = Viewer.Hub(Some.Operator);
        await reassign.Run(request.Id, byOperator, Policies.Party.Person(people["Mia"].Id), default);
        await news.Go();
        Reads(
            Assert.Single(box.Mails.Skip(3)),
            "Mia@example.test",
            request,
            "Review and decide",
            ["The operator assigned this to Mia.", .. Asked]
        );
    }

    [Theory, BothEngines]
    public async Task Admins_hear_what_cannot_pass_any_more_and_how_to_mend_it(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        await hub.Hub.AddPerson("Ada", Role.Admin);
        var people = await Furnish(hub);
        var request = await hub.Ask(Facts, people["Rita"]);
        await hub.Hub.Disable(people["Ann"]);
        await hub.Looking.Drain();
        await news.Go();
        var stuck = (await hub.Find(request)).Stuck!;
        Reads(
            Assert.Single(box.Mails, m => m.To == "Ada@example.test"),
            "Ada@example.test",
            request,
            "Open the request",
            ["This request is blocked.", stuck.Why, stuck.Fix, "Turn on dark mode"]
        );
    }

    [Theory, BothEngines]
    public async Task All_admins_and_whoever_asks_hear_of_broken_glass_with_its_reason(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var ada = await hub.Hub.AddPerson("Ada", Role.Admin);
        await hub.Hub.AddPerson("Bob", Role.Admin);
        var people = await Furnish(hub);
        var request = await hub.Ask(Facts, people["Rita"]);
        await news.Go();
        const string reason = "Checkout is down and Ann does not answer.";
        Assert.IsType<OverrideOutcome.Approved>(
            await hub.BreakGlass.Run(request.Id, Some.Viewer(ada), reason, null, default)
        );
        await news.Go();
        foreach (var admin in new[] { "Ada@example.test", "Bob@example.test" })
        {
            Reads(
                Assert.Single(box.Mails, m => m.To == admin),
                admin,
                request,
                "Open the request",
                ["Ada overrode the policy and approved this.", reason, "Turn on dark mode"]
            );
        }
        Reads(
            Assert.Single(box.Mails, m => m.To == "Rita@example.test"),
            "Rita@example.test",
            request,
            "Open the request",
            ["Approved by Ada, overriding the policy.", "Turn on dark mode"]
        );
    }

    [Theory, BothEngines]
    public async Task An_admin_who_asked_for_it_hears_once_of_broken_glass(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var ada = await hub.Hub.AddPerson("Ada", Role.Admin);
        var bob = await hub.Hub.AddPerson("Bob", Role.Admin);
        await Furnish(hub);
        var request = await hub.Ask(Facts, bob);
        await hub.BreakGlass.Run(
            request.Id,
            Some.Viewer(ada),
            "Checkout is down and Ann does not answer.",
            null,
            default
        );
        await news.Go();
        Assert.Contains(
            "Ada overrode the policy and approved this.",
            Assert.Single(box.Mails, m => m.To == "Bob@example.test").Text,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task Whoever_is_named_twice_and_stands_in_for_another_is_asked_once(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var people = await hub.Hub.AddPeople("Ann", "Ben");
        var group = await hub.Hub.AddGroup("SRE", [.. people]);
        Some.Done(
            await hub.Absences.Set(
                "Ann@example.test",
                hub.Hub.Clock.Now,
                hub.Hub.Clock.Now.AddDays(2),
                "Ben@example.test",
                Some.Operator,
                default
            )
        );
        await hub.Hub.Ask(Some.Policy(group.AsApprover, people[1].AsApprover));
        await news.Go();
        Assert.Equal(["Ann@example.test", "Ben@example.test"], box.Mails.Select(m => m.To).Order());
    }

    [Theory, BothEngines]
    public async Task Whoever_asks_hears_that_nobody_answered_in_time(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        await hub.Set(
            """
            version: 1
            policies:
              - name: short
                steps: [{ name: developers, need: 1, from: { people: [Ann@example.test] } }]
                expire: { after: 72h, as: rejected }
            """
        );
        var people = await hub.Hub.AddPeople("Ann", "Rita");
        var request = await hub.Ask(Facts, people[1]);
        await news.Go();
        await hub.Wait(TimeSpan.FromHours(72));
        await news.Go();
        Reads(
            box.Mails[1],
            "Rita@example.test",
            request,
            "Open the request",
            ["Expired after 72 h.", "Turn on dark mode"]
        );
    }

    [Theory, BothEngines]
    public async Task A_webhook_that_fails_for_the_whole_schedule_is_disabled_and_its_owner_is_told(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        await using var dead = new Receiver(new Conduct.Answers(500));
        await hub.AddPerson("Ada", Role.Admin);
        var (owner, ann) = (await hub.AddPerson("Olga"), await hub.AddPerson("Ann"));
        Some.Done(
            await news.Webhooks.Add(
                dead.Address.ToString(),
                ["request.submitted"],
                [],
                Some.Operator,
                owner.Id,
                default
            )
        );
        await hub.Ask(ann.AsApprover);
        foreach (var step in Countersign.Outcomes.OutcomeOptions.DefaultSchedule.Steps)
        {
            Assert.DoesNotContain(box.Mails, m => m.To != "Ann@example.test");
            hub.Clock.Advance(step);
            await news.Go();
        }
        await news.Go();
        foreach (var told in new[] { "Ada@example.test", "Olga@example.test" })
        {
            var mail = Assert.Single(box.Mails, m => m.To == told);
            Assert.Contains($"The webhook to {dead.Address} was disabled.", mail.Text, StringComparison.Ordinal);
            Assert.Contains("The last failure was: status", mail.Html, StringComparison.Ordinal);
        }
    }

    [Theory, BothEngines]
    public async Task Admins_hear_which_destination_is_dead_and_which_webhook_was_switched_off(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        await using var gone = new Receiver(new Conduct.Answers(410));
        await hub.AddPerson("Ada", Role.Admin);
        await hub.Store.InTransaction(async tx =>
        {
            await tx.Append("destination:1", Some.Origin, "destination.dead", new { destination = "Desk" });
        });
        await news.Go();
        var dead = Assert.Single(box.Mails);
        Assert.Equal(
            "The destination Desk hasn't responded for an hour, and requests are waiting for it",
            dead.Header("Subject")
        );
        HasOneButton(dead, "Open Countersign", "https://approvals.example.test/destinations");

        await news.Hook(new Uri(gone.Address, "/hook?key=hidden"), "request.submitted");
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Go();
        await news.Go();
        var off = Assert.Single(box.Mails, m => m.Text.Contains("was disabled", StringComparison.Ordinal));
        Assert.Equal("Ada@example.test", off.To);
        Assert.Contains($"127.0.0.1:{gone.Port}/hook?… was disabled", off.Text, StringComparison.Ordinal);
        Assert.Contains("It responded with 410", off.Html, StringComparison.Ordinal);
        HasOneButton(off, "Open Countersign", "https://approvals.example.test/webhooks");
    }

    private static async Task<Dictionary<string, Person>> Furnish(PolicyHub hub)
    {
        await hub.Set(File);
        return (await hub.Hub.AddPeople("Ann", "Ben", "Mia", "Rita", "Sam")).ToDictionary(p => p.Name);
    }

    private static void Reads(
        Mail mail,
        string to,
        ApprovalRequest request,
        string button,
        string[] words,
        bool isFirst = false
    )
    {
        Assert.Equal(to, mail.To);
        Assert.StartsWith(isFirst ? "Approval: " : "Re: Approval: ", mail.Header("Subject"), StringComparison.Ordinal);
        Assert.EndsWith("Turn on dark mode", mail.Header("Subject"), StringComparison.Ordinal);
        var html = System.Net.WebUtility.HtmlDecode(mail.Html);
        foreach (var word in words)
        {
            Assert.Contains(word, mail.Text, StringComparison.Ordinal);
            Assert.Contains(word, html, StringComparison.Ordinal);
        }
        HasOneButton(mail, button, $"https://approvals.example.test/requests/{request.Id}");
        var thread = $"<request.{request.Id}@approvals.example.test>";
        Assert.Equal((thread, thread), (mail.Header("References"), mail.Header("In-Reply-To")));
    }

    private static void HasOneButton(Mail mail, string text, string url)
    {
        // And the way to hear no more, which is a link and no button.
        Assert.Equal(
            "Turn off email",
            Assert
                .Single(
                    Links().Matches(mail.Html),
                    l => l.Groups["url"].Value == "https://approvals.example.test/account"
                )
                .Groups["text"]
                .Value
        );
        Assert.Contains(
            "Turn off email:\nhttps://approvals.example.test/account\n",
            mail.Text.ReplaceLineEndings("\n"),
            StringComparison.Ordinal
        );
        var link = Assert.Single(Links().Matches(mail.Html), l => l.Groups["text"].Value != "Turn off email");
        Assert.Equal((url, text), (link.Groups["url"].Value, link.Groups["text"].Value));
        Assert.Contains($"{text}:\n{url}\n", mail.Text.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [GeneratedRegex("<a href=\"(?<url>[^\"]+)\"[^>]*>(?<text>[^<]+)</a>", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Links();
}
