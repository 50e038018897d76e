using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>What follows from LaunchDarkly's answer, or from none.</summary>
public sealed class EndCheckTests
{
    [Theory, BothEngines]
    public async Task Who_asked_is_barred_and_their_approval_does_not_count(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var (ann, ben) = (await hub.Hub.AddPerson("Ann"), await hub.Hub.AddPerson("Ben"));
        var request = await hub.Ask(Some.Policy(ann.AsApprover, ben.AsApprover));
        await hub.Hub.Approve(request, ann);

        var ended = await hub.End(
            request,
            new CheckResult(1, request.OpenCheck) { Requester = ConnectedHub.Learned(ann) }
        );

        Assert.Equal((Status.Active, Certainty.Proven), (ended.Status, ended.Certainty));
        Assert.True(ended.IsRequesterConfirmed);
        Assert.Equal((ann.Id, "Ann"), (ended.RequesterId, ended.RequesterName));
        Assert.Equal(
            "requester_may_not_decide",
            Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Approve(request, ann)).Rule
        );
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, ben));
    }

    [Theory, BothEngines]
    public async Task Whoever_was_barred_by_the_claim_stays_barred(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var (ann, ben, cid) = (
            await hub.Hub.AddPerson("Ann"),
            await hub.Hub.AddPerson("Ben"),
            await hub.Hub.AddPerson("Cid")
        );
        var request = await hub.Ask(
            Some.Policy(ann.AsApprover, ben.AsApprover, cid.AsApprover),
            change: s =>
                s with
                {
                    Requester = new Requester(ben.Id, "Ben", [ben.Id], Certainty.Claimed)
                    {
                        Claim = RequesterClaim.Of([], ["Ben"]) with { People = [ben.Id] },
                    },
                }
        );

        var ended = await hub.End(
            request,
            new CheckResult(1, request.OpenCheck) { Requester = ConnectedHub.Learned(ann) }
        );

        Assert.Equal([ann.Id, ben.Id], ended.Barred);
        Assert.Equal(ann.Id, ended.RequesterId);
    }

    [Theory, BothEngines]
    public async Task A_requester_who_was_not_confirmed_is_unknown(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ben = await hub.Hub.AddPerson("Ben");
        var claimed = await hub.Ask(
            Some.Policy(ben.AsApprover),
            change: s => s with { Requester = new Requester(7, "Zoe", [], Certainty.Claimed) with { PersonId = null } }
        );

        var ended = await hub.End(claimed);

        Assert.Equal((Certainty.None, OpenCheck.None), (ended.Certainty, ended.OpenCheck));
        Assert.False(ended.IsRequesterConfirmed);
    }

    [Theory, BothEngines]
    public async Task Answers_fill_the_steps_of_the_policy_that_the_answer_led_to(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var (ann, ben) = (await hub.Hub.AddPerson("Ann"), await hub.Hub.AddPerson("Ben"));
        var strict = Some.Policy(
            Some.Step("first", 1, ann.AsApprover, ben.AsApprover),
            Some.Step("second", 1, ann.AsApprover, ben.AsApprover)
        );
        var easy = new Policy("easy", [new Step("one", 1, [ann.AsApprover])]);
        var (loosened, tightened) = (await hub.Ask(strict), await hub.Ask(easy));
        await hub.Hub.Approve(loosened, ann);
        await hub.Hub.Approve(tightened, ann);

        var one = await hub.End(loosened, today: (_, _, _) => easy);
        var two = await hub.End(tightened, today: (_, _, _) => strict);

        Assert.Equal((Status.Approved, "easy"), (one.Status, one.Policy.Name));
        Assert.Equal((Status.Active, "1 of 2 approvals, waiting for Ann or Ben"), (two.Status, two.Display));
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(tightened, ben));
    }

    [Theory, BothEngines]
    public async Task The_change_is_kept_and_its_facts_lead_to_the_policy(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));
        var seen = "";

        var ended = await hub.End(
            request,
            new CheckResult(1, request.OpenCheck) { Change = ConnectedHub.Change() },
            (r, facts, change) =>
            {
                seen = facts + change;
                return r.Policy;
            }
        );

        Assert.Equal(ConnectedHub.Change().Digest, ended.ChangeDigest);
        Assert.Contains("\"project\":\"shop\"", seen, StringComparison.Ordinal);
        Assert.Contains("\"change.kind\":[\"turnFlagOn\"]", seen, StringComparison.Ordinal);
        Assert.Equal(ConnectedHub.Change(), await hub.Hub.Store.Read(reader => ReadChanges.Of(reader, ended)));
    }

    [Theory, BothEngines]
    public async Task A_person_who_is_erased_is_no_target_in_a_change_that_was_read(Engine engine)
    {
        await using var recorded = await Audit.RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var (ann, zoe) = (await hub.AddPerson("Ann"), await hub.AddPerson("Zoe Zimmer"));
        var request = await hub.Ask(Some.Policy(ann.AsApprover), s => s with { Check = OpenCheck.Change });
        var change = new DescribedChanges(
            [new DescribedChange("addTargets") { Targets = new ChangeTargets(1, [zoe.Email!], "user") }],
            "digest"
        );
        await hub.Store.InTransaction(async tx =>
        {
            await EndCheck.Run(
                tx,
                request.Id,
                new CheckResult(1, OpenCheck.Change) { Change = change },
                (r, _, _) => r.Policy
            );
        });

        Some.Done(
            await new Countersign.Audit.ErasePerson(hub.Store, recorded.Key, hub.Reweigh, hub.Withdraw).Run(
                zoe.Email!,
                Some.Operator,
                default
            )
        );

        var kept = await hub.Store.Read(async reader => await ReadChanges.Of(reader, await hub.Find(request.Id)));
        Assert.DoesNotContain(zoe.Email!, kept!.Changes[0].Targets!.First);
    }

    [Theory, BothEngines]
    public async Task Before_reviews_approve_it_the_change_is_compared_and_another_one_dismisses_them(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));
        await hub.End(request, new CheckResult(1, request.OpenCheck) { Change = ConnectedHub.Change() });

        var kept = Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(request, ann)).Request;
        Assert.Equal((Status.Active, OpenCheck.Comparison), (kept.Status, kept.OpenCheck));
        var other = await hub.End(
            request,
            new CheckResult(1, OpenCheck.Comparison) { Change = ConnectedHub.Change("turnFlagOff") }
        );

        Assert.Equal((Status.Active, 2, OpenCheck.None), (other.Status, other.Reading, other.OpenCheck));
        Assert.StartsWith("0 of 1 approval, waiting for Ann", other.Display, StringComparison.Ordinal);
        Assert.Equal([$"person:{ann.Id}"], await hub.Hub.WaitsFor(request.Id));
        // Who has not seen the other change does not approve it.
        Assert.IsType<DecideOutcome.Changed>(await hub.Hub.Approve(request, ann));
        Assert.IsType<DecideOutcome.Changed>(
            await hub.Hub.Answer(request, ann, Answer.Approve, digest: request.Digest)
        );
        await hub.Hub.Answer(request, ann, Answer.Approve, digest: other.AnswerDigest);
        var same = await hub.End(
            request,
            new CheckResult(1, OpenCheck.Comparison) { Change = ConnectedHub.Change("turnFlagOff") }
        );
        Assert.Equal(Status.Approved, same.Status);
    }

    [Theory, BothEngines]
    public async Task A_change_that_cannot_be_compared_any_more_is_decided_as_an_unknown_one(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var (ann, ben) = (await hub.Hub.AddPerson("Ann"), await hub.Hub.AddPerson("Ben"));
        var request = await hub.Ask(Some.Policy(ann.AsApprover));
        await hub.End(request, new CheckResult(1, request.OpenCheck) { Change = ConnectedHub.Change() });
        await hub.Hub.Approve(request, ann);
        var strict = Some.Policy(Some.Step("both", 2, ann.AsApprover, ben.AsApprover));

        var ended = await hub.End(request, today: (r, _, change) => change is not null ? r.Policy : strict);

        Assert.Equal((Status.Active, null), (ended.Status, ended.ChangeDigest));
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, ben));
    }

    [Theory, BothEngines]
    public async Task A_requester_who_turns_out_to_have_approved_takes_the_approval_back(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var (ann, ben) = (await hub.Hub.AddPerson("Ann"), await hub.Hub.AddPerson("Ben"));
        var policy = Some.Policy(ann.AsApprover, ben.AsApprover);
        var (active, approved, applied, others) = (
            await hub.Ask(Some.Policy(Some.Step("both", 2, ann.AsApprover, ben.AsApprover))),
            await hub.Ask(policy),
            await hub.Ask(policy),
            await hub.Ask(policy)
        );
        foreach (var request in new[] { active, approved, applied, others })
            await hub.End(request);
        foreach (var request in new[] { active, approved, applied })
            await hub.Hub.Approve(request, ann);
        await hub.Hub.Approve(others, ben);
        await hub.Hub.MarkApplied.Run(applied.Id, Some.Viewer(hub.Key), default);

        foreach (var request in new[] { active, approved, applied, others })
        {
            await hub.Hub.Store.InTransaction(async tx => await LateRequesters.Bar(tx, request.Id, [ann.Id]));
            // Once is enough.
            await hub.Hub.Store.InTransaction(async tx => await LateRequesters.Bar(tx, request.Id, [ann.Id]));
        }

        var weighed = await hub.Hub.Find(active.Id);
        Assert.Equal(Status.Active, weighed.Status);
        Assert.Contains(ann.Id, weighed.Barred);
        Assert.StartsWith("0 of 2", weighed.Display, StringComparison.Ordinal);
        Assert.Equal(Status.Withdrawn, (await hub.Hub.Find(approved.Id)).Status);
        var breached = await hub.Hub.Find(applied.Id);
        Assert.Equal((Status.Approved, true), (breached.Status, breached.BreachedAt is not null));
        Assert.Equal("request.breached", (await hub.Hub.Kinds(applied.Id))[^1]);
        Assert.Equal(Status.Approved, (await hub.Hub.Find(others.Id)).Status);
    }
}
