using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>
/// A right that is removed is also removed from what is queued already. <see cref="Doors.RemovedRightsTests"/> says the
/// same of what one asks for. Jobs of disabled sources are in <see cref="LaunchDarkly.ApplyTests"/>,
/// <see cref="LaunchDarkly.ImportMembersTests"/> and <see cref="Gates.GitHubTests"/>, those of paused destinations in
/// <see cref="Destinations.ForwardTests"/>.
/// </summary>
public sealed class QueuedForRemovedTests
{
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    public static TheoryData<Engine, string> Removals =>
        new(
            from engine in new[] { Engine.Sqlite, Engine.Postgres }
            where engine == Engine.Sqlite || PostgresServer.Missing is null
            from removal in new[] { "disabled", "left the group", "is back", "delegation ended", "admin no more" }
            select (engine, removal)
        );

    [Theory, MemberData(nameof(Removals))]
    public async Task A_message_is_not_sent_to_a_person_who_may_no_longer_see_the_request(Engine engine, string removal)
    {
        await using var hub = await TestHub.Start(engine);
        await using var policies = PolicyHub.On(hub);
        await using var box = new MailBox();
        await using var slack = new SlackTests.FakeSlack("Eve@example.test");
        using var news = new News(hub, mail: News.Mail(box), slack: slack.Options(""));
        var eve = await hub.AddPerson("Eve", removal == "admin no more" ? Role.Admin : Role.Agent);
        var ann = await hub.AddPerson("Ann", removal == "admin no more" ? Role.Admin : Role.Agent);
        var group = await hub.AddGroup("SRE", ann, eve);
        if (removal == "is back")
        {
            var now = hub.Clock.Now;
            Some.Done(await policies.Absences.Set(ann.Email!, now, now + Week, eve.Email, Some.Operator, default));
        }
        var request = await hub.Ask(
            Some.Policy(
                removal switch
                {
                    "admin no more" => new Approver(Party.Admins, "an admin"),
                    "is back" or "delegation ended" => ann.AsApprover,
                    _ => group.AsApprover,
                }
            )
        );
        await news.Expand();
        if (removal == "delegation ended")
            await new DelegateSeat(hub.Store).Run(request.Id, Some.Viewer(ann), eve.Id, default);
        await news.Expand();

        switch (removal)
        {
            case "disabled":
                await hub.Disable(eve);
                break;
            case "left the group":
                await hub.Groups.RemoveMember("SRE", eve.Email!, Some.Operator, default);
                break;
            case "is back":
                await policies.Absences.Cancel(ann.Email!, Some.Operator, default);
                break;
            case "delegation ended":
                await new EndDelegation(hub.Store).Run(request.Id, Some.Viewer(ann), default);
                break;
            default:
                Some.Done(await hub.People.SetRole(eve.Email!, Role.Agent, Some.Operator, default));
                break;
        }
        await news.Go();

        Assert.Equal([ann.Email], box.Mails.Select(m => m.To).Distinct());
        Assert.Empty(slack.Calls);
        var lines = (await news.Lines()).FindAll(l => l.Receiver == $"person:{eve.Id}");
        Assert.Equal(["mail", "slack"], lines.Select(l => l.Channel).Distinct().Order(StringComparer.Ordinal));
        Assert.All(lines, l => Assert.Equal("dropped", l.State));
    }

    [Theory, BothEngines]
    public async Task An_alarm_is_not_sent_to_a_person_who_is_no_longer_an_admin(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        await using var gone = new Receiver(new Conduct.Answers(410));
        var (eve, root) = (await hub.AddPerson("Eve", Role.Admin), await hub.AddPerson("Root", Role.Admin));
        await news.Hook(gone, "request.submitted");
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        // The webhook is disabled, and the admins' mails about it are queued.
        await news.Go();
        await news.Expand();
        Some.Done(await hub.People.SetRole(eve.Email!, Role.Agent, Some.Operator, default));
        await news.Go();

        Assert.Equal([root.Email], box.Mails.Select(m => m.To).Where(to => to != "Ann@example.test"));
    }

    [Theory, BothEngines]
    public async Task A_digest_lists_only_what_its_reader_may_still_see(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var hub = await TestHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub, mail: News.Mail(box));
        var eve = await hub.AddPerson("Eve");
        var group = await hub.AddGroup("SRE", eve);
        for (var i = 0; i < 20; i++)
            await hub.Ask(eve.AsApprover);
        for (var i = 0; i < 3; i++)
            await hub.Ask(Some.Policy(group.AsApprover), s => s with { Subject = $"Secret {i}" });
        await hub.Ask(Some.Policy(eve.AsApprover), s => s with { Subject = "Still mine" });
        await news.Go();
        Assert.Equal(20, box.Mails.Count);
        await hub.Groups.RemoveMember("SRE", eve.Email!, Some.Operator, default);
        hub.Clock.Advance(TimeSpan.FromMinutes(2));
        await news.Go();

        var digest = box.Mails[20];
        Assert.Equal("And 1 more in Countersign", digest.Header("Subject"));
        Assert.Contains("Still mine", digest.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Secret", digest.Text, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_reminder_and_an_escalation_do_not_go_to_people_who_were_removed(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await using var box = new MailBox();
        using var news = new News(hub.Hub, mail: News.Mail(box));
        var (ann, eve, mia) = (
            await hub.Hub.AddPerson("Ann"),
            await hub.Hub.AddPerson("Eve"),
            await hub.Hub.AddPerson("Mia")
        );
        await hub.Hub.AddGroup("SRE", ann, eve);
        await hub.Hub.AddGroup("Leads", mia, eve);
        await hub.Set(
            """
            version: 1
            policies:
              - name: all
                steps: [ { name: SRE, from: { groups: [SRE] } } ]
                remind: { after: 1h }
                escalate: { after: 24h, to: { groups: [Leads] } }
            """
        );
        await hub.Ask();
        await news.Go();
        Assert.Equal([ann.Email, eve.Email], box.Mails.Select(m => m.To).Order(StringComparer.Ordinal));
        await hub.Hub.Groups.RemoveMember("SRE", eve.Email!, Some.Operator, default);
        await hub.Wait(TimeSpan.FromHours(1));
        await news.Go();
        await hub.Hub.Groups.RemoveMember("Leads", eve.Email!, Some.Operator, default);
        await hub.Wait(TimeSpan.FromHours(23));
        await news.Go();

        Assert.Equal(
            [ann.Email, ann.Email, mia.Email],
            box.Mails.Skip(2).Select(m => m.To).Order(StringComparer.Ordinal)
        );
    }

    [Theory, BothEngines]
    public async Task A_webhook_that_was_disabled_or_deleted_gets_nothing_that_was_queued_for_it(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(200));
        var disabled = await news.Hook(receiver, "request.submitted");
        var deleted = await news.Hook(new Uri(receiver.Address, "/deleted"), "request.submitted");
        await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await news.Expand();
        await news.Webhooks.Disable(disabled.Id, Some.Operator, default);
        await news.Webhooks.Delete(deleted.Id, Some.Operator, default);
        await news.Go();

        Assert.Empty(receiver.Calls);
        Assert.All(await news.Lines(), l => Assert.Contains(l.State, new[] { "dropped", "failed" }));
    }
}
