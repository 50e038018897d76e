using Countersign.Audit;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Slack;
using Countersign.People;
using Countersign.Requests;
using Countersign.Tests.Audit;
using Countersign.Work;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Countersign.Tests.Work;

/// <summary>What is thrown away when its time is over, and not before.</summary>
public sealed class RetentionTests
{
    private static readonly RetentionOptions Keep = new();

    [Theory, BothEngines]
    public async Task Idempotency_keys_are_forgotten_after_a_day_and_not_before(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await Submit("old");
        hub.Clock.Advance(Keep.IdempotencyKeys - TimeSpan.FromMinutes(1));
        await Submit("young");
        var step = Requests.Submit.OldKeys(hub.Store, Keep);

        Assert.Equal(0, await step.Run(default));
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await step.Run(default));

        Assert.Equal("young", await hub.Place.Text("SELECT key FROM idempotency"));

        Task Submit(string key)
        {
            var content = Some.Content(key);
            return hub.Submit.Run(
                content,
                Some.Origin,
                new Repeatable(key, content.Digest, request => request.Id.Value),
                default
            );
        }
    }

    [Theory, BothEngines]
    public async Task A_key_is_good_for_as_long_as_it_is_kept(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        hub.HasPoliciesOfItsOwn = true;
        var submit = new Submit(hub.Store, new RequestIds(), Keep with { IdempotencyKeys = TimeSpan.FromDays(7) });
        var content = Some.Content("x");
        Task<SubmitOutcome> Call() =>
            submit.Run(content, Some.Origin, new Repeatable("k", content.Digest, r => r.Id.Value), default);
        await Call();
        hub.Clock.Advance(TimeSpan.FromDays(6));
        Assert.IsType<SubmitOutcome.Replayed>(await Call());
    }

    [Theory, BothEngines]
    public async Task Bodies_of_settled_requests_are_let_go_and_a_body_taken_away_earlier_is_found(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var jane = await hub.AddPerson("Jane", Role.Admin);
        var settled = await hub.Ask(jane.AsApprover);
        await hub.Approve(settled, jane);
        var active = await hub.Ask(jane.AsApprover);
        var forget = new DeleteOldBodies(hub.Store, Keep);
        hub.Clock.Advance(Keep.Bodies);
        Assert.Equal(0, await forget.Run(default));
        hub.Clock.Advance(TimeSpan.FromDays(1));
        var late = await hub.Ask(jane.AsApprover);
        await hub.Reject(late, jane);

        Assert.Equal(1, await forget.Run(default));
        Assert.Equal(0, await forget.Run(default));

        var admin = Some.Viewer(jane) with { IsAdmin = true };
        var revision = await Revisions.Find(hub.Store, settled.Id, 1, admin, default);
        Assert.Equal((null, true, settled.Digest), (revision!.Body, revision.IsBodyForgotten, revision.Content.Digest));
        Assert.False((await Revisions.Find(hub.Store, active.Id, 1, admin, default))!.IsBodyForgotten);
        Assert.Equal((true, 1), await Proven());

        await hub.Place.Tamper($"UPDATE revisions SET body = '' WHERE request_id = '{late.Id}'");
        Assert.Equal((false, 1), await Proven());

        async Task<(bool, long)> Proven()
        {
            var found = await recorded.Check();
            return (found.Ok, found.BodiesForgotten);
        }
    }

    [Theory, BothEngines]
    public async Task Used_links_go_when_they_are_good_for_nothing_and_one_taken_away_before_is_found(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var jane = await hub.AddPerson("Jane");
        await Use(1);
        hub.Clock.Advance(Keep.UsedLinks);
        await Use(2);

        Assert.Equal(1, await MailLinks.OldUses(hub.Store, Keep).Run(default));

        Assert.True((await recorded.Check()).Ok);
        await hub.Place.Tamper("DELETE FROM used_links");
        Assert.Contains("link 2 is gone", (await recorded.Check()).Problem, StringComparison.Ordinal);

        Task Use(long delivery) =>
            hub.Store.InTransaction(async tx =>
            {
                var link = new MailLink.SignIn(delivery, jane.Id, tx.Now);
                Assert.True(await DecideByMail.Use(tx, link));
                await DecideByMail.NoteUse(tx, link, "127.0.0.1");
            });
    }

    [Theory, BothEngines]
    public async Task Chat_messages_stay_known_until_their_request_has_been_settled_for_long(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var jane = await hub.AddPerson("Jane");
        var (settled, active) = (await hub.Ask(jane.AsApprover), await hub.Ask(jane.AsApprover));
        foreach (var request in new[] { settled, active })
        {
            await hub.Store.InTransaction(async tx =>
                await tx.Execute(
                    "INSERT INTO chats (request_id, receiver, channel, ts) VALUES (@id, 'group:1', 'C1', '1.2')",
                    new { id = request.Id }
                )
            );
        }
        await hub.Approve(settled, jane);
        var step = SlackChannel.OldMessages(hub.Store, Keep);
        Assert.Equal(0, await step.Run(default));
        hub.Clock.Advance(Keep.ChatMessages);
        Assert.Equal(1, await step.Run(default));
        Assert.Equal(active.Id.Value, await hub.Place.Text("SELECT request_id FROM chats"));
    }

    [Theory, BothEngines]
    public async Task Rejected_bodies_are_bounded_by_number_and_by_time(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var source = await hub.AddSource("deploys");
        var bodies = new RejectedBodies(hub.Store);
        for (var i = 1; i <= RejectedBodies.MaxPerSource + 3; i++)
            await bodies.Keep(source.Id, "No JSON.", $"body {i}", Some.Origin, default);
        var kept = await bodies.List("Deploys", default);
        Assert.Equal((RejectedBodies.MaxPerSource, "body 103"), (kept!.Count, kept[0].Text));
        Assert.Null(await bodies.List("another", default));
        hub.Clock.Advance(Keep.RejectedBodies);
        Assert.Equal(RejectedBodies.MaxPerSource, await RejectedBodies.Old(hub.Store, Keep).Run(default));
    }

    [Theory, BothEngines]
    public async Task Jobs_that_were_set_aside_are_forgotten_in_the_end_and_others_never(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.Store.InTransaction(async tx =>
        {
            await Jobs.Add(tx, new JobToAdd("k", "dead", "", tx.Now));
            await Jobs.Add(tx, new JobToAdd("k", "waits", "", tx.Now));
            await tx.Execute("UPDATE jobs SET state = 'dead' WHERE key = 'dead'");
        });
        Assert.Equal(0, await hub.Work.ForgetSetAside(Keep, default));
        hub.Clock.Advance(Keep.SetAsideWork);
        Assert.Equal(1, await hub.Work.ForgetSetAside(Keep, default));
        Assert.Equal("waits", await hub.Place.Text("SELECT key FROM jobs"));
    }

    [Theory, BothEngines]
    public async Task More_than_a_chunk_goes_in_one_round(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.Store.InTransaction(async tx =>
        {
            for (var i = 0; i < 1_234; i++)
            {
                await tx.Execute(
                    "INSERT INTO used_links (delivery_id, at) VALUES (@i, @now)",
                    new { i = (long)i, now = tx.Now }
                );
            }
        });
        hub.Clock.Advance(Keep.UsedLinks);
        Assert.Equal(1_234, await MailLinks.OldUses(hub.Store, Keep).Run(default));
    }

    [Fact]
    public void A_retention_that_is_none_or_shorter_than_what_others_rely_on_is_named()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["Retention:Bodies"] = "soon",
                    ["Retention:UsedLinks"] = "2d",
                    ["Retention:IdempotencyKeys"] = "1h",
                    ["Retention:Deliveries"] = "0s",
                    ["Retention:ChatMessages"] = "7d",
                }
            )
            .Build();
        var options = new CountersignOptions(configuration);
        Assert.Equal(TimeSpan.FromDays(7), options.Get<RetentionOptions>().ChatMessages);
        Assert.Equal(
            ["Retention:Bodies", "Retention:Deliveries", "Retention:IdempotencyKeys", "Retention:UsedLinks"],
            options.Problems().Select(p => p.Split(' ')[0].Trim('`')).Order()
        );
    }
}
