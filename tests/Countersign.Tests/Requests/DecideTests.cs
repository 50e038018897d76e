using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class DecideTests
{
    [Theory, BothEngines]
    public async Task One_approval_of_the_person_it_is_assigned_to_settles_a_request(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        hub.Clock.Advance(TimeSpan.FromMinutes(5));
        var settled = Assert
            .IsType<DecideOutcome.Settled>(await hub.Answer(request, ann, Answer.Approve, "Looks good."))
            .Request;

        Assert.Equal(
            (Status.Approved, "Approved by Ann", hub.Clock.Now),
            (settled.Status, settled.Display, settled.SettledAt)
        );
        Assert.Equivalent(settled, await hub.Find(request.Id));
        var decision = Assert.Single(await hub.Decisions(request.Id));
        Assert.Equal(
            (1, ann.Id, Answer.Approve, "Looks good.", request.Digest, "api", hub.Clock.Now),
            (decision.N, decision.PersonId, decision.Answer, decision.Note, decision.Digest, decision.Via, decision.At)
        );
        Assert.Equal(["request.submitted", "request.approved"], await hub.Kinds(request.Id));
        Assert.Empty(await hub.WaitsFor(request.Id));
    }

    [Theory, BothEngines]
    public async Task A_rejection_settles_at_once_and_whoever_comes_later_hears_what_it_became(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var request = await hub.Ask(Some.Policy(Some.Step("both", 2, people[0].AsApprover, people[1].AsApprover)));
        Assert.IsType<DecideOutcome.Settled>(await hub.Reject(request, people[0]));
        var late = Assert.IsType<DecideOutcome.AlreadySettled>(await hub.Approve(request, people[1])).Request;
        Assert.Equal((Status.Rejected, "Declined by Ann"), (late.Status, late.Display));
        Assert.IsType<DecideOutcome.AlreadySettled>(await hub.Approve(request, people[0]));
        Assert.Single(await hub.Decisions(request.Id));
        Assert.Equal(["request.submitted", "request.rejected"], await hub.Kinds(request.Id));
    }

    [Theory, BothEngines]
    public async Task An_answer_may_be_changed_until_the_end_and_all_of_them_stay_on_record(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var request = await hub.Ask(Some.Policy(Some.Step("both", 2, people[0].AsApprover, people[1].AsApprover)));
        await hub.Approve(request, people[0]);
        var abstained = Assert.IsType<DecideOutcome.Recorded>(await hub.Abstain(request, people[0])).Request;
        Assert.Equal(
            "0 of 2 approvals, waiting for Ann or Ben. Blocked: both needs 1 more eligible reviewer (Ann "
                + "hasn't approved). "
                + "Name 1 more person in step both of the policy, then apply it to active requests",
            abstained.Display
        );
        Assert.IsType<DecideOutcome.Recorded>(await hub.Approve(request, people[1]));
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[0]));
        Assert.Equal(
            [Answer.Approve, Answer.Abstain, Answer.Approve, Answer.Approve],
            (await hub.Decisions(request.Id)).Select(d => d.Answer)
        );
    }

    [Theory, BothEngines]
    public async Task The_same_answer_again_is_no_second_answer(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var request = await hub.Ask(Some.Policy(Some.Step("both", 2, people[0].AsApprover, people[1].AsApprover)));
        await hub.Answer(request, people[0], Answer.Approve, "yes");
        Assert.IsType<DecideOutcome.Recorded>(await hub.Answer(request, people[0], Answer.Approve, "yes"));
        Assert.Single(await hub.Decisions(request.Id));
        Assert.Equal(["request.submitted", "request.answered"], await hub.Kinds(request.Id));
        // Other words are another answer.
        await hub.Answer(request, people[0], Answer.Approve, "yes, but slowly");
        Assert.Equal(2, (await hub.Decisions(request.Id)).Count);
        Assert.Equal(Status.Active, (await hub.Find(request.Id)).Status);
    }

    [Theory, BothEngines]
    public async Task Each_refusal_names_its_rule_and_leaves_nothing(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ann, ben, rita) = (
            await hub.AddPerson("Ann"),
            await hub.AddPerson("Ben"),
            await hub.AddPerson("Rita", Role.Admin)
        );
        var admin = await hub.AddPerson("Ada", Role.Admin);
        var source = await hub.AddSource("ci");
        var request = await hub.Ask(
            Some.Policy(Some.Step("first", 1, ann.AsApprover, rita.AsApprover), Some.Step("second", 1, ben.AsApprover)),
            s => s.AskedBy(rita) with { SourceId = source.Id }
        );

        Assert.Equal("requester_may_not_decide", Rule(await hub.Approve(request, rita)));
        Assert.Equal("requester_may_not_decide", Rule(await hub.Reject(request, rita)));
        // An admin sees everything and decides only where a policy says so.
        Assert.Equal("not_an_approver", Rule(await hub.Approve(request, admin)));
        Assert.Equal(
            "not_an_approver",
            Rule(await hub.Decide.Run(request.Id, Some.Viewer(source), Answer.Approve, "", null, default))
        );
        Assert.Equal("second", Assert.IsType<DecideOutcome.StepNotOpen>(await hub.Approve(request, ben)).Step);
        Assert.Equal("second", Assert.IsType<DecideOutcome.StepNotOpen>(await hub.Reject(request, ben)).Step);
        Assert.IsType<DecideOutcome.Changed>(await hub.Answer(request, ann, Answer.Approve, digest: "another"));
        await hub.Disable(ann);
        Assert.Equal("person_disabled", Rule(await hub.Approve(request, ann)));

        Assert.Empty(await hub.Decisions(request.Id));
        Assert.Equal(["request.submitted"], await hub.Kinds(request.Id));
        Assert.Equivalent(request, await hub.Find(request.Id));
        await hub.Enable(ann);
        hub.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Answer(request, ann, Answer.Approve, digest: request.Digest));
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, ben));
    }

    [Theory, BothEngines]
    public async Task What_a_person_may_not_see_is_not_there_for_them(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Stranger");
        var stranger = people[2];
        var sre = await hub.AddGroup("SRE", people[0]);
        var (source, other) = (await hub.AddSource("ci"), await hub.AddSource("other"));
        var request = await hub.Ask(Some.Policy(sre.AsApprover), s => s with { SourceId = source.Id });

        Assert.IsType<DecideOutcome.NotFound>(await hub.Approve(request, stranger));
        Assert.IsType<CommentOutcome.NotFound>(
            await hub.Comment.Run(request.Id, Some.Viewer(stranger), "Hello", default)
        );
        Assert.IsType<WithdrawOutcome.NotFound>(await hub.Withdraw.Run(request.Id, Some.Viewer(other), "", default));
        Assert.IsType<MarkAppliedOutcome.NotFound>(await hub.MarkApplied.Run(request.Id, Some.Viewer(other), default));
        Assert.IsType<DecideOutcome.NotFound>(
            await hub.Decide.Run(
                new RequestIds().Next(hub.Clock.Now),
                Some.Viewer(people[0]),
                Answer.Approve,
                "",
                null,
                default
            )
        );

        // Membership is asked of the store and not of what a door remembers.
        Assert.IsType<DecideOutcome.NotFound>(await hub.Approve(request, people[1]));
        await hub.Groups.AddMember("SRE", people[1].Email!, Some.Operator, default);
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[1]));
    }

    [Theory, BothEngines]
    public async Task Where_one_admin_decides_it_is_any_admin_but_the_one_who_asks(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, alan, agent) = (
            await hub.AddPerson("Ada", Role.Admin),
            await hub.AddPerson("Alan", Role.Admin),
            await hub.AddPerson("Ann", Role.Agent)
        );
        var request = await hub.Ask(PolicySelection.For(null, null, null, Certainty.Proven), s => s.AskedBy(ada));
        Assert.Equal("requester_may_not_decide", Rule(await hub.Approve(request, ada)));
        Assert.IsType<DecideOutcome.NotFound>(await hub.Approve(request, agent));
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, alan));
    }

    [Theory, BothEngines]
    public async Task Nobody_knows_who_asks_so_one_more_must_agree(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var sre = await hub.AddGroup("SRE", [.. people]);
        var request = await hub.Ask(
            PolicySelection.For(null, null, PolicySelection.OfSource(sre.AsApprover, 1), Certainty.None)
        );
        Assert.Equal("0 of 2 approvals, waiting for SRE, requester not recognized", request.Display);
        Assert.IsType<DecideOutcome.Recorded>(await hub.Approve(request, people[0]));
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[1]));
    }

    [Theory, BothEngines]
    public async Task The_inboxes_follow_the_open_step_and_those_who_could_make_room_for_it(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Dan");
        var (devs, security) = (
            await hub.AddGroup("Devs", people[0], people[1]),
            await hub.AddGroup("Security", people[0], people[2])
        );
        var (toDevs, toSecurity) = (devs.AsApprover.Party.Text, security.AsApprover.Party.Text);
        var request = await hub.Ask(
            Some.Policy(Some.Step("Devs", 1, devs.AsApprover), Some.Step("Security", 1, security.AsApprover))
        );
        Assert.Equal([toDevs], await hub.WaitsFor(request.Id));
        // Ann could move up if a dev took her place.
        await hub.Approve(request, people[0]);
        Assert.Equal([toDevs, toSecurity], await hub.WaitsFor(request.Id));
        await hub.Abstain(request, people[0]);
        Assert.Equal([toDevs], await hub.WaitsFor(request.Id));
        await hub.Approve(request, people[1]);
        Assert.Equal([toSecurity], await hub.WaitsFor(request.Id));
        await hub.Reject(request, people[2]);
        Assert.Empty(await hub.WaitsFor(request.Id));
    }

    [Theory, BothEngines]
    public async Task Leaving_a_group_later_does_not_undo_an_answer(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var sre = await hub.AddGroup("SRE", [.. people]);
        var request = await hub.Ask(Some.Policy(Some.Step("SRE", 2, sre.AsApprover)));
        await hub.Approve(request, people[0]);
        await hub.Groups.RemoveMember("SRE", people[0].Email!, Some.Operator, default);
        Assert.IsType<DecideOutcome.NotFound>(await hub.Abstain(request, people[0]));
        Assert.Equal(
            "Approved by Ann and Ben",
            Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[1])).Request.Display
        );
    }

    [Theory, BothEngines]
    public async Task Who_is_disabled_before_the_end_counts_no_longer_also_when_they_are_back(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Cleo");
        var (first, second) = (
            await hub.AddGroup("First", people[0], people[1]),
            await hub.AddGroup("Second", people[2])
        );
        var request = await hub.Ask(
            Some.Policy(Some.Step("First", 1, first.AsApprover), Some.Step("Second", 1, second.AsApprover))
        );
        await hub.Approve(request, people[0]);
        Assert.Equal([second.AsApprover.Party.Text], await hub.WaitsFor(request.Id));

        await hub.Disable(people[0]);
        Assert.Equal("0 of 2 approvals, waiting for First", (await hub.Find(request.Id)).Display);
        Assert.Equal([first.AsApprover.Party.Text], await hub.WaitsFor(request.Id));
        Assert.IsType<DecideOutcome.StepNotOpen>(await hub.Approve(request, people[2]));
        Assert.Equal(
            ["request.submitted", "request.answered", "request.step_opened", "request.reweighed"],
            await hub.Kinds(request.Id)
        );

        hub.Clock.Advance(TimeSpan.FromSeconds(1));
        await hub.Enable(people[0]);
        Assert.IsType<DecideOutcome.StepNotOpen>(await hub.Approve(request, people[2]));
        // The same words once more are a new answer now.
        Assert.IsType<DecideOutcome.Recorded>(await hub.Approve(request, people[0]));
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[2]));
    }

    [Theory, BothEngines]
    public async Task Being_disabled_after_the_end_changes_nothing(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        await hub.Approve(request, ann);
        var before = await hub.Find(request.Id);
        await hub.Disable(ann);
        Assert.Equivalent(before, await hub.Find(request.Id));
    }

    [Theory, BothEngines]
    public async Task A_clock_that_goes_back_makes_no_disabled_person_count(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var request = await hub.Ask(Some.Policy(Some.Step("both", 2, people[0].AsApprover, people[1].AsApprover)));
        await hub.Approve(request, people[0]);
        hub.Clock.Advance(TimeSpan.FromHours(-1));
        await hub.Disable(people[0]);
        Assert.StartsWith(
            "1 of 2 approvals, waiting for Ann or Ben",
            Assert.IsType<DecideOutcome.Recorded>(await hub.Approve(request, people[1])).Request.Display,
            StringComparison.Ordinal
        );

        // Back again, she counts only by a new answer, and that one does although the clock says it was before.
        await hub.Enable(people[0]);
        hub.Clock.Advance(TimeSpan.FromHours(-1));
        Assert.StartsWith(
            "1 of 2 approvals, waiting for Ann or Ben",
            (await hub.Find(request.Id)).Display,
            StringComparison.Ordinal
        );
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[0]));
    }

    [Theory, BothEngines]
    public async Task A_clock_that_goes_back_neither_loses_nor_reorders_answers(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var request = await hub.Ask(Some.Policy(Some.Step("both", 2, people[0].AsApprover, people[1].AsApprover)));
        await hub.Approve(request, people[0]);
        hub.Clock.Advance(TimeSpan.FromDays(-400));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Abstain(request, people[0]));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Approve(request, people[1]));
        Assert.StartsWith(
            "1 of 2 approvals, waiting for Ann or Ben",
            (await hub.Find(request.Id)).Display,
            StringComparison.Ordinal
        );
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[0]));
    }

    [Theory, BothEngines]
    public async Task A_crash_between_disabling_someone_and_weighing_anew_leaves_no_inbox_wrong_for_good(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Cleo");
        var (first, second) = (
            await hub.AddGroup("First", people[0], people[1]),
            await hub.AddGroup("Second", people[1], people[2])
        );
        var request = await hub.Ask(
            Some.Policy(Some.Step("First", 1, first.AsApprover), Some.Step("Second", 2, second.AsApprover))
        );
        var withdrawn = await hub.Ask(request.Policy);
        await hub.Approve(request, people[0]);
        await hub.Approve(withdrawn, people[0]);
        await hub.Place.Tamper(
            $"UPDATE people SET disabled_at = '2026-03-04T05:06:07.089Z', disablings = 1 WHERE id = {people[0].Id}"
        );

        // Ben stands in for Ann, and could move up if another of the first group came.
        await hub.Approve(request, people[1]);
        Assert.Equal([first.AsApprover.Party.Text, second.AsApprover.Party.Text], await hub.WaitsFor(request.Id));
        await hub.Reject(request, people[2]);
        Assert.Empty(await hub.WaitsFor(request.Id));
        await hub.Withdraw.Run(withdrawn.Id, Viewer.Hub(Some.Origin), "", default);
        Assert.Empty(await hub.WaitsFor(withdrawn.Id));
    }

    [Theory, BothEngines]
    public async Task Of_sixteen_who_could_settle_it_one_does_and_the_others_hear_what_it_became(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople([.. Enumerable.Range(0, 16).Select(i => $"Racer {i}")]);
        var other = new Decide(await hub.Place.OpenAnother());
        for (var round = 0; round < 3; round++)
        {
            var request = await hub.Ask(Some.Policy(Some.Step("any", 1, [.. people.Select(p => p.AsApprover)])));
            var outcomes = await Task.WhenAll(
                    people.Select(
                        (person, i) =>
                            Task.Run(() =>
                                (i % 4 < 2 ? hub.Decide : other).Run(
                                    request.Id,
                                    Some.Viewer(person),
                                    i % 2 == 0 ? Answer.Approve : Answer.Reject,
                                    "",
                                    null,
                                    default
                                )
                            )
                    )
                )
                .Soon();
            var winner = Assert.Single(outcomes.OfType<DecideOutcome.Settled>()).Request;
            Assert.All(
                outcomes.OfType<DecideOutcome.AlreadySettled>(),
                o => Assert.Equal((winner.Status, winner.Display), (o.Request.Status, o.Request.Display))
            );
            Assert.Equal(15, outcomes.OfType<DecideOutcome.AlreadySettled>().Count());
            Assert.Single(await hub.Decisions(request.Id));
            Assert.Equal(2, (await hub.Kinds(request.Id)).Count);
        }
    }

    [Theory, BothEngines]
    public async Task Where_all_of_sixteen_are_needed_sixteen_at_once_settle_it_once(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople([.. Enumerable.Range(0, 16).Select(i => $"Voter {i}")]);
        var other = new Decide(await hub.Place.OpenAnother());
        var request = await hub.Ask(Some.Policy(Some.Step("all", 16, [.. people.Select(p => p.AsApprover)])));
        var outcomes = await Task.WhenAll(
                people.Select(
                    (person, i) =>
                        Task.Run(() =>
                            (i % 2 == 0 ? hub.Decide : other).Run(
                                request.Id,
                                Some.Viewer(person),
                                Answer.Approve,
                                "",
                                null,
                                default
                            )
                        )
                )
            )
            .Soon();
        Assert.Single(outcomes.OfType<DecideOutcome.Settled>());
        Assert.Equal(15, outcomes.OfType<DecideOutcome.Recorded>().Count());
        Assert.Equal(Enumerable.Range(1, 16), (await hub.Decisions(request.Id)).Select(d => d.N));
        Assert.Equal(Status.Approved, (await hub.Find(request.Id)).Status);
        Assert.Single(await hub.Kinds(request.Id), "request.approved");
    }

    [Theory, PostgresOnly]
    public async Task Who_decides_while_another_node_revises_is_told_that_it_changed(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var request = await hub.Ask(people[0].AsApprover);
        // Another node is in the middle of a revision under another policy.
        hub.Place.IsTampered = true;
        await using var connection = await hub.Place.OpenRaw();
        await using var revision = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        var policy = Some.Policy(people[1].AsApprover, people[0].AsApprover);
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = $"""
                INSERT INTO stamps (hash, policy) VALUES ('{policy.Stamp}', '{policy.ToText()}'); UPDATE requests
                SET stamp = '{policy.Stamp}', digest = 'new', revision = 2 WHERE id = '{request.Id}'
                """;
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        var deciding = hub.Answer(request, people[0], Answer.Approve, digest: request.Digest);
        await Eventually.True(
            async () =>
                await hub.Place.Number(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                    """
                ) == 1,
            "the decision waits for the row"
        );
        await revision.CommitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("new", Assert.IsType<DecideOutcome.Changed>(await deciding.Soon()).Request.Digest);
    }

    private static string Rule(DecideOutcome outcome)
    {
        var refused = Assert.IsType<DecideOutcome.NotAllowed>(outcome);
        Assert.NotEmpty(refused.Why);
        return refused.Rule;
    }
}
