using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class RevisionTests
{
    [Theory, BothEngines]
    public async Task A_content_that_comes_back_under_another_policy_starts_without_answers(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (dev, security) = (await hub.AddPerson("Dev"), await hub.AddPerson("Sec"));
        var first = Some.Policy(Some.Step("devs", 2, dev.AsApprover, security.AsApprover));
        var request = await hub.Ask(first);
        await hub.Approve(request, dev);

        var submission = Some.Submission(first) with { ExternalId = request.ExternalId };
        Assert.IsType<SubmitOutcome.Revised>(
            await hub.Submit.Run(submission.Saying("Something else"), Some.Origin, null, default)
        );
        var strict = submission with
        {
            Policy = Some.Policy(Some.Step("security", 1, security.AsApprover), Some.Step("devs", 1, dev.AsApprover)),
        };
        var back = Assert
            .IsType<SubmitOutcome.Revised>(await hub.Submit.Run(strict, Some.Origin, null, default))
            .Request;

        Assert.Equal(request.Digest, back.Digest);
        // As a dev's yes to the first it would now pass for security's.
        Assert.IsType<DecideOutcome.StepNotOpen>(await hub.Answer(back, dev, Answer.Approve, digest: back.Digest));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Answer(back, security, Answer.Abstain, digest: back.Digest));
        Assert.Equal(Status.Active, (await hub.Find(request.Id)).Status);
    }

    [Theory, BothEngines]
    public async Task A_requester_who_was_unknown_at_first_costs_an_approval_in_every_revision(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Cleo");
        var policy = Some.Policy(Some.Step("SRE", 1, [.. people.Select(p => p.AsApprover)]));
        var request = await hub.Ask(PolicySelection.For(null, null, policy, Certainty.None));
        Assert.Equal(2, request.Policy.Steps[0].Need);

        async Task<ApprovalRequest> Revise(Submission submission) =>
            Assert.IsType<SubmitOutcome.Revised>(await hub.Submit.Run(submission, Some.Origin, null, default)).Request;
        var ann = new Requester(people[0].Id, "Ann", [people[0].Id], Certainty.Proven);
        var known = Some.Submission(policy) with { ExternalId = request.ExternalId, Requester = ann };
        var revised = await Revise(known.Saying("Something else"));
        Assert.Equal((2, true), (revised.Policy.Steps[0].Need, revised.Policy.RequesterUnknown));
        Assert.Equal([people[0].Id], revised.Barred);
        // And is not charged twice.
        var again = known with
        {
            Policy = PolicySelection.For(null, null, policy, Certainty.None),
        };
        Assert.Equal(2, (await Revise(again)).Policy.Steps[0].Need);
        // The policy as it is without that was never needed so far, and is now.
        var other = await hub.Ask(policy, s => s with { Requester = ann });
        Assert.Equal(1, other.Policy.Steps[0].Need);
    }
}
