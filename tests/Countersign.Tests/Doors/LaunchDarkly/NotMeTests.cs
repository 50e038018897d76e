using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>"Not me": what the person can do in whose name a request was opened.</summary>
public sealed class NotMeTests
{
    private const string Rest = " requested approval for changes to the flag Dark mode in 'Live'";

    [Theory, BothEngines]
    public async Task Not_me_costs_one_more_and_frees_nobody(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var (ann, ben, cem) = (host.People[0], host.People[1], host.People[2]);
        await RequesterTests.Create(host, "false", "Ann" + Rest);
        Assert.Equal("0 of 1 approval, waiting for SRE", (await host.Side.Status("false")).Display());

        Assert.IsType<DisownOutcome.NotInYourName>(await Disown(host, "false", ben));
        var disowned = Assert.IsType<DisownOutcome.Disowned>(await Disown(host, "false", ann)).Request;
        Assert.Equal((Certainty.None, null), (disowned.Certainty, disowned.RequesterId));
        Assert.Equal(
            "0 of 2 approvals, waiting for SRE, requester not recognized",
            (await host.Side.Status("false")).Display()
        );
        // Said twice it is said once.
        Assert.IsType<DisownOutcome.Disowned>(await Disown(host, "false", ann));
        Assert.Equal(["request.submitted", "request.disowned"], await host.Hub.Kinds(disowned.Id));

        Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(ann, "false"));
        Assert.IsType<DecideOutcome.Recorded>(await host.Approve(ben, "false"));
        Assert.IsType<DecideOutcome.Settled>(await host.Approve(cem, "false"));
        Assert.Null(await RequesterTests.Proof(host));
    }

    [Theory, BothEngines]
    public async Task Sent_again_it_is_not_claimed_again(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await RequesterTests.Create(host, "false", "Ann" + Rest);
        await Disown(host, "false", host.People[0]);
        var body = LaunchDarklySide.Body("false");
        (body["shortDescription"], body["comment"]) = ("Ann" + Rest, "the same, in other words");
        Assert.Equal(
            "0 of 2 approvals, waiting for SRE, requester not recognized",
            (await host.Side.Create(body)).Display()
        );
        var request = await host.Request("false");
        Assert.Equal((2, Certainty.None, null), (request.Revision, request.Certainty, request.RequesterId));
        Assert.Equal([host.People[0].Id], request.Barred);
        Assert.Null(await RequesterTests.Proof(host));
    }

    [Theory, BothEngines]
    public async Task It_costs_what_the_policy_says(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        foreach (
            var (rule, claimed, display) in new[]
            {
                ("refuse", "accept", "Requester not recognized"),
                ("allow", "accept", "0 of 1 approval, waiting for SRE"),
                ("one_more", "one_more", "0 of 2 approvals, waiting for SRE, requester not recognized"),
            }
        )
        {
            await RequesterTests.SetPolicy(
                host,
                $"steps: [ {{ name: SRE, from: {{ groups: [SRE] }} }} ]\n    unknown_requester: {rule}\n    "
                    + $"claimed_requester: {claimed}"
            );
            await RequesterTests.Create(host, rule, "Ann" + Rest);
            await Disown(host, rule, host.People[0]);
            Assert.Equal(display, (await host.Side.Status(rule)).Display());
        }
        Assert.Equal("declined", (await host.Side.Status("refuse")).Value());
        Assert.Null(await RequesterTests.Proof(host));
    }

    [Theory, BothEngines]
    public async Task Of_two_who_may_be_meant_the_other_may_still_have_asked(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var twin = Some.Done(
            await host.Hub.People.Add("ann.two@example.test", "Ann", Role.EndUser, null, Some.Operator, default)
        );
        await host.Host.Noticed();
        await RequesterTests.Create(host, "twins", "Ann" + Rest);
        Assert.Null((await host.Request("twins")).RequesterId);
        await Disown(host, "twins", host.People[0]);
        var request = await host.Request("twins");
        Assert.Equal((Certainty.Claimed, twin.Id), (request.Certainty, request.RequesterId));
        await Disown(host, "twins", twin);
        Assert.Equal(Certainty.None, (await host.Request("twins")).Certainty);
        Assert.Equal([host.People[0].Id, twin.Id], (await host.Request("twins")).Barred);
        Assert.Null(await RequesterTests.Proof(host));
    }

    [Theory, BothEngines]
    public async Task Said_too_late_it_is_on_record_and_changes_nothing(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await RequesterTests.Create(host, "late", "Ann" + Rest);
        await host.Approve(host.People[1], "late");
        await Disown(host, "late", host.People[0]);
        var request = await host.Request("late");
        Assert.Equal((Status.Approved, Certainty.None), (request.Status, request.Certainty));
        Assert.Equal("Approved by Ben", (await host.Side.Status("late")).Display());
        Assert.Null(await RequesterTests.Proof(host));
    }

    [Theory, BothEngines]
    public async Task A_forged_certainty_or_claim_is_found(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await RequesterTests.Create(host, "one", "Ann" + Rest);
        var id = (await host.Request("one")).Id;
        Assert.Null(await RequesterTests.Proof(host));
        await host.Hub.Place.Tamper($"UPDATE requests SET certainty = 'proven' WHERE id = '{id}'");
        Assert.Contains("its certainty is not", await RequesterTests.Proof(host), StringComparison.Ordinal);
        await host.Hub.Place.Tamper($"UPDATE requests SET certainty = 'claimed', claim = NULL WHERE id = '{id}'");
        Assert.Contains("its claim is not", await RequesterTests.Proof(host), StringComparison.Ordinal);
    }

    private static async Task<DisownOutcome> Disown(LaunchDarklyHost host, string id, Person person) =>
        await new Disown(host.Hub.Store).Run((await host.Request(id)).Id, Some.Viewer(person), default);
}
