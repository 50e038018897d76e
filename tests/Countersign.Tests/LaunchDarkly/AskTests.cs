using System.Text.Json.Nodes;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>The job that asks LaunchDarkly, against a LaunchDarkly that answers in every way.</summary>
public sealed class AskTests
{
    private static readonly ConnectionChange Identify = new() { Identify = true };
    private static readonly ConnectionChange Both = new() { Identify = true, Describe = true };

    private static async Task<(ConnectedHub Hub, Person Ada, Person Bea)> Start(Engine engine, ConnectionChange change)
    {
        var hub = await ConnectedHub.Start(engine);
        await hub.Connect();
        await hub.Set(change);
        return (hub, await hub.Hub.AddPerson("Ada", Role.Admin), await hub.Hub.AddPerson("Bea", Role.Admin));
    }

    [Theory, BothEngines]
    public async Task The_members_email_settles_who_asked_and_what_an_unknown_requester_costs_falls_away(Engine engine)
    {
        var (hub, ada, bea) = await Start(engine, Identify);
        await using var _ = hub;
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var request = await hub.Create();
        Assert.Equal((OpenCheck.Requester, Certainty.None), (request.OpenCheck, request.Certainty));
        Assert.StartsWith("0 of 2", request.Display, StringComparison.Ordinal);
        hub.Theirs.Approval(request.ExternalId!, "m1");
        hub.Theirs.Member("m1", "ADA@example.test");
        // The answer to the creation did not wait.
        Assert.Empty(hub.Theirs.Calls);
        await hub.Hub.Approve(request, ada);

        await hub.After(TimeSpan.FromSeconds(2));

        var confirmed = await hub.Now(request);
        Assert.Equal((OpenCheck.None, true), (confirmed.OpenCheck, confirmed.IsRequesterConfirmed));
        Assert.Equal(
            (ada.Id, "Ada", Status.Active),
            (confirmed.RequesterId, confirmed.RequesterName, confirmed.Status)
        );
        Assert.StartsWith("0 of 1", confirmed.Display, StringComparison.Ordinal);
        Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Approve(request, ada));
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, bea));
    }

    public static TheoryData<string> Doubts =>
        [
            "a service token asked",
            "the address is not verified",
            "the member was only invited",
            "nobody has the address",
            "two people have the address",
            "the person came after the request",
            "the approval belongs to another external id",
            "the approval is about another flag",
            "the approval is about another environment",
            "the member is gone",
        ];

    [Theory, MemberData(nameof(Doubts))]
    public async Task Where_anything_is_in_doubt_the_requester_stays_unknown_and_whoever_may_be_meant_is_barred(
        string why
    )
    {
        var (hub, ada, bea) = await Start(Engine.Sqlite, Identify);
        await using var _ = hub;
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var request = await hub.Create();
        var approval = hub.Theirs.Approval(request.ExternalId!, why == "a service token asked" ? null : "m1");
        hub.Hub.Clock.Advance(TimeSpan.FromMilliseconds(10));
        if (why == "the member is gone")
        {
            Assert.NotNull(ada);
        }
        else if (why == "nobody has the address")
        {
            hub.Theirs.Member("m1", "stranger@example.test");
        }
        else if (why == "the person came after the request")
        {
            await hub.Hub.AddPerson("Zoe", Role.Admin);
            hub.Theirs.Member("m1", "zoe@example.test");
        }
        else
        {
            hub.Theirs.Member(
                "m1",
                "ada@example.test",
                isVerified: why != "the address is not verified",
                isPending: why == "the member was only invited"
            );
        }
        if (why == "two people have the address")
        {
            Some.Done(
                await new Aliases(hub.Hub.Store).Add(
                    bea.Email!,
                    "ada@example.test",
                    Some.Operator,
                    default,
                    isForced: true
                )
            );
        }
        if (why == "the approval belongs to another external id")
            approval["integrationMetadata"]!["externalId"] = "another";
        if (why == "the approval is about another flag")
            approval["resourceId"] = "proj/shop:env/production:flag/another";
        if (why == "the approval is about another environment")
            approval["resourceId"] = "proj/shop:env/staging:flag/dark-mode";

        await hub.After(TimeSpan.FromSeconds(2));

        var ended = await hub.Now(request);
        Assert.Equal((OpenCheck.None, Certainty.None, Status.Active), (ended.OpenCheck, ended.Certainty, ended.Status));
        Assert.Equal(2, ended.Policy.Steps.Sum(s => s.Need));
        var meant = why switch
        {
            "a service token asked" or "nobody has the address" or "the member is gone" => Array.Empty<string>(),
            "the person came after the request" => ["Zoe"],
            "two people have the address" => ["Ada", "Bea"],
            _ => ["Ada"],
        };
        Assert.Equal(
            meant,
            (await hub.Directory.Refresh())
                .People.Values.Where(p => ended.Barred.Contains(p.Id))
                .Select(p => p.Name)
                .Order()
        );
    }

    public static TheoryData<Conduct> Faults =>
        [
            new Conduct.Answers(500, "{}"),
            new Conduct.Answers(503, "{}", "Retry-After: 3600\r\n"),
            new Conduct.Answers(429, "{}", "Retry-After: 3600\r\n"),
            new Conduct.Answers(200, "<html></html>"),
            new Conduct.Answers(401, "{}"),
            new Conduct.Answers(403, "{}"),
            new Conduct.Answers(404, "{}"),
            new Conduct.Answers(302, "", "Location: http://127.0.0.1:1/\r\n"),
            new Conduct.Resets(),
        ];

    [Theory, MemberData(nameof(Faults))]
    public async Task Where_LaunchDarkly_cannot_be_asked_nothing_is_approved_that_would_not_have_been(Conduct fault)
    {
        var (hub, ada, bea) = await Start(Engine.Sqlite, Both);
        await using var _ = hub;
        var request = await hub.Create();
        hub.Theirs.Before = _ => fault;
        await hub.Hub.Approve(request, ada);
        await hub.Hub.Approve(request, bea);

        for (var minute = 0; minute < 9; minute++)
        {
            await hub.After(TimeSpan.FromMinutes(1));
            Assert.Equal(Status.Active, (await hub.Now(request)).Status);
        }
        Assert.InRange(hub.Theirs.Calls.Count, 1, 40);
        await hub.After(TimeSpan.FromMinutes(2));

        // Two answered an unknown requester's request, as it takes.
        var ended = await hub.Now(request);
        Assert.Equal((Status.Approved, Certainty.None, null), (ended.Status, ended.Certainty, ended.ChangeDigest));
    }

    [Theory, BothEngines]
    public async Task A_LaunchDarkly_that_hangs_keeps_no_request_longer_than_the_patience(Engine engine)
    {
        var (hub, ada, bea) = await Start(engine, Both);
        await using var _ = hub;
        var ask = new AskLaunchDarkly(
            hub.Hub.Store,
            hub.Connections,
            hub.Client,
            hub.Directory,
            new LaunchDarklyOptions()
        )
        {
            MaxAsking = TimeSpan.FromMilliseconds(50),
        };
        using var worker = new Countersign.Work.JobWorker(
            hub.Hub.Store,
            [ask],
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Countersign.Work.JobWorker>.Instance
        );
        var request = await hub.Create();
        hub.Theirs.Before = _ => new Conduct.Hangs();
        await hub.Hub.Approve(request, ada);
        for (var minute = 0; minute < 3; minute++)
        {
            hub.Hub.Clock.Advance(TimeSpan.FromMinutes(3));
            await worker.Drain();
            Assert.Equal(request.OpenCheck, (await hub.Now(request)).OpenCheck);
        }
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(3));
        await worker.Drain();

        Assert.Equal(OpenCheck.None, (await hub.Now(request)).OpenCheck);
        Assert.Equal(Status.Active, (await hub.Now(request)).Status);
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, bea));
    }

    [Theory, BothEngines]
    public async Task While_LaunchDarkly_still_creates_the_approval_it_is_asked_again(Engine engine)
    {
        var (hub, _, _) = await Start(engine, Identify);
        await using var __ = hub;
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var request = await hub.Create();
        await hub.After(TimeSpan.FromSeconds(2));
        Assert.Equal(OpenCheck.Requester, (await hub.Now(request)).OpenCheck);
        var approval = hub.Theirs.Approval(request.ExternalId!, "m1");
        var metadata = approval["integrationMetadata"]!.DeepClone();
        approval.Remove("integrationMetadata");
        hub.Theirs.Member("m1", "ada@example.test");
        await hub.After(TimeSpan.FromSeconds(5));
        Assert.Equal(OpenCheck.Requester, (await hub.Now(request)).OpenCheck);
        approval["integrationMetadata"] = metadata;

        await hub.After(TimeSpan.FromSeconds(10));

        Assert.True((await hub.Now(request)).IsRequesterConfirmed);
    }

    [Theory, BothEngines]
    public async Task The_change_is_described_and_policies_are_matched_by_it(Engine engine)
    {
        var (hub, ada, _) = await Start(engine, Both);
        await using var __ = hub;
        await using var policies = PolicyHub.On(hub.Hub);
        hub.Hub.HasPoliciesOfItsOwn = false;
        await policies.Set(
            $$"""
            version: 1
            policies:
              - name: turning off
                when: { source: [{{ConnectedHub.Source}}], change.kind: [turnFlagOff] }
                auto: { answer: approve, because: turning off is safe }
              - name: two
                steps: [ { name: admins, need: 2, from: { people: [ada@example.test, bea@example.test] } } ]
            """
        );
        var (off, other) = (await hub.Create(), await hub.Create());
        Assert.Equal("two", off.Policy.Name);
        hub.Theirs.Flag(isOn: true);
        hub.Theirs.Member("m1", "stranger@example.test");
        hub.Theirs.Approval(off.ExternalId!, "m1", """[{"kind":"turnFlagOff"}]""");
        hub.Theirs.Approval(other.ExternalId!, "m1", """[{"kind":"turnFlagOff"},{"kind":"launchRocket"}]""");

        await hub.After(TimeSpan.FromSeconds(2));

        var done = await hub.Now(off);
        Assert.Equal((Status.Approved, "turning off"), (done.Status, done.Policy.Name));
        var changes = await hub.Hub.Store.Read(reader => ReadChanges.Of(reader, done));
        Assert.Equal("turnFlagOff", Assert.Single(changes!.Changes).Kind);
        Assert.True(changes.IsUnderstood);
        // One instruction that isn't known, and no policy answers by itself.
        var asked = await hub.Now(other);
        Assert.Equal((Status.Active, "two"), (asked.Status, asked.Policy.Name));
        Assert.Equal(2, (await hub.Hub.Store.Read(reader => ReadChanges.Of(reader, asked)))!.Changes.Count);
    }

    [Theory, BothEngines]
    public async Task Reviews_are_dismissed_when_LaunchDarkly_holds_another_change_than_was_reviewed(Engine engine)
    {
        var (hub, ada, bea) = await Start(engine, Both);
        await using var __ = hub;
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var request = await hub.Create();
        hub.Theirs.Flag();
        hub.Theirs.Member("m1", "stranger@example.test");
        var approval = hub.Theirs.Approval(request.ExternalId!, "m1");
        await hub.After(TimeSpan.FromSeconds(2));
        await hub.Hub.Approve(request, ada);
        await hub.Hub.Approve(request, bea);
        approval["instructions"] = JsonNode.Parse(
            """[{"kind":"turnFlagOn"},{"kind":"updateOffVariation","variationId":"v-true"}]"""
        );

        await hub.After(TimeSpan.FromSeconds(1));

        var changed = await hub.Now(request);
        Assert.Equal((Status.Active, 2, OpenCheck.None), (changed.Status, changed.Reading, changed.OpenCheck));
        var first = await hub.Hub.Store.Read(r => ReadChanges.Of(r, changed, 1));
        var second = await hub.Hub.Store.Read(r => ReadChanges.Of(r, changed));
        Assert.Equal((1, 2), (first!.Changes.Count, second!.Changes.Count));
        foreach (var person in new[] { ada, bea })
            await hub.Hub.Answer(request, person, Answer.Approve, digest: changed.AnswerDigest);
        Assert.Equal(Status.Active, (await hub.Now(request)).Status);
        await hub.After(TimeSpan.FromSeconds(1));
        Assert.Equal(Status.Approved, (await hub.Now(request)).Status);
    }

    [Theory, BothEngines]
    public async Task A_resource_that_is_not_shown_leaves_a_change_that_is_not_understood(Engine engine)
    {
        var (hub, _, _) = await Start(engine, new ConnectionChange { Describe = true });
        await using var __ = hub;
        var request = await hub.Create();
        var approval = hub.Theirs.Approval(
            request.ExternalId!,
            null,
            """[{"kind":"updateOffVariation","variationId":"x"}]"""
        );
        approval["resourceId"] = "proj/shop:env/production:experiment/x";

        await hub.After(TimeSpan.FromSeconds(2));

        var ended = await hub.Now(request);
        Assert.Equal(OpenCheck.None, ended.OpenCheck);
        Assert.False((await hub.Hub.Store.Read(reader => ReadChanges.Of(reader, ended)))!.IsUnderstood);
    }

    [Theory, BothEngines]
    public async Task Who_asked_is_looked_for_after_the_patience_and_an_approval_of_theirs_taken_back(Engine engine)
    {
        var (hub, ada, bea) = await Start(engine, Identify);
        await using var __ = hub;
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var request = await hub.Create();
        hub.Theirs.Before = _ => new Conduct.Answers(500, "{}");
        await hub.Hub.Approve(request, ada);
        await hub.Hub.Approve(request, bea);
        for (var minute = 0; minute < 12; minute++)
            await hub.After(TimeSpan.FromMinutes(1));
        Assert.Equal(Status.Approved, (await hub.Now(request)).Status);
        hub.Theirs.Before = _ => null;
        hub.Theirs.Approval(request.ExternalId!, "m1");
        hub.Theirs.Member("m1", "ada@example.test");

        await hub.After(TimeSpan.FromMinutes(16));

        var ended = await hub.Now(request);
        Assert.Equal((Status.Withdrawn, true), (ended.Status, ended.Barred.Contains(ada.Id)));
        Assert.Equal(0, await hub.Hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'ask_launchdarkly'"));
    }

    [Theory, BothEngines]
    public async Task What_waits_ends_without_an_answer_when_the_connection_is_removed(Engine engine)
    {
        var (hub, _, _) = await Start(engine, Both);
        await using var __ = hub;
        var request = await hub.Create();
        Some.Done(await hub.Connections.Remove(ConnectedHub.Source, Some.Operator, default));

        await hub.After(TimeSpan.FromSeconds(2));

        Assert.Equal(
            (OpenCheck.None, Certainty.None, Status.Active),
            ((await hub.Now(request)).OpenCheck, (await hub.Now(request)).Certainty, (await hub.Now(request)).Status)
        );
    }

    [Theory, BothEngines]
    public async Task One_request_that_cannot_be_read_keeps_no_other_from_being_confirmed(Engine engine)
    {
        var (hub, _, _) = await Start(engine, Identify);
        await using var __ = hub;
        hub.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var (bad, good) = (await hub.Create(), await hub.Create());
        foreach (var request in new[] { bad, good })
            hub.Theirs.Approval(request.ExternalId!, "m1");
        hub.Theirs.Member("m1", "ada@example.test");
        await hub.Hub.Place.Tamper($"UPDATE revisions SET facts = '[' WHERE request_id = '{bad.Id}'");

        await hub.After(TimeSpan.FromSeconds(2));

        Assert.True((await hub.Now(good)).IsRequesterConfirmed);
        Assert.Equal(OpenCheck.Requester, (await hub.Now(bad)).OpenCheck);
    }

    [Theory, BothEngines]
    public async Task Without_a_token_or_a_switch_everything_is_as_before(Engine engine)
    {
        var (hub, _, _) = await Start(
            engine,
            new ConnectionChange
            {
                Token = "",
                Identify = true,
                Describe = true,
            }
        );
        await using var __ = hub;

        var request = await hub.Create();
        await hub.After(TimeSpan.FromMinutes(20));

        Assert.Equal(OpenCheck.None, request.OpenCheck);
        Assert.Empty(hub.Theirs.Calls);
        Assert.Equal(0, await hub.Hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'ask_launchdarkly'"));
    }
}
