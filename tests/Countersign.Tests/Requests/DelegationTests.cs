using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>A reviewer gives their own seat on one request to another person, and takes it back.</summary>
public sealed class DelegationTests
{
    [Theory, BothEngines]
    public async Task The_delegate_decides_for_the_reviewer_who_no_longer_has_it_waiting(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var request = await town.Ask();

        Assert.IsType<DelegateOutcome.Delegated>(await town.Delegate(request, town.Ann, town.Ben));
        Assert.IsType<DelegateOutcome.Delegated>(await town.Delegate(request, town.Ann, town.Ben));

        Assert.Equal([request.Id], await town.WaitsFor(town.Ben));
        Assert.Empty(await town.WaitsFor(town.Ann));
        Assert.Equal(
            "seat_delegated",
            Assert.IsType<DecideOutcome.NotAllowed>(await town.Hub.Approve(request, town.Ann)).Rule
        );
        var settled = Assert.IsType<DecideOutcome.Settled>(await town.Hub.Approve(request, town.Ben)).Request;
        Assert.Equal("Approved by Ben for Ann", settled.Display);
        Assert.Equal(
            (town.Ann.Id, 0),
            ((await town.Hub.Decisions(request.Id))[0].ForPerson, settled.Delegations.Count)
        );
        Assert.Equal(0, await town.Hub.Place.Count("delegations"));
        Assert.Equal(["request.submitted", "request.delegated", "request.approved"], await town.Hub.Kinds(request.Id));
    }

    [Theory, BothEngines]
    public async Task It_can_be_taken_back_until_it_was_used(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var request = await town.Ask(need: 2);
        Assert.IsType<EndDelegationOutcome.NotDelegated>(await town.End(request, town.Ann));
        await town.Delegate(request, town.Ann, town.Ben);

        Assert.IsType<EndDelegationOutcome.Ended>(await town.End(request, town.Ann));
        Assert.Equal([request.Id], await town.WaitsFor(town.Ann));
        Assert.Empty(await town.WaitsFor(town.Ben));
        Assert.IsType<DecideOutcome.NotFound>(await town.Hub.Approve(request, town.Ben));

        await town.Delegate(request, town.Ann, town.Ben);
        Assert.IsType<DecideOutcome.Recorded>(await town.Hub.Approve(request, town.Ben));
        Assert.Equal("Ben", Assert.IsType<EndDelegationOutcome.Used>(await town.End(request, town.Ann)).Delegate);
        Assert.Equal(
            "seat_delegated",
            Assert.IsType<DecideOutcome.NotAllowed>(await town.Hub.Approve(request, town.Ann)).Rule
        );
        // What a disabled person said does not count, so the seat is free again.
        await town.Hub.Disable(town.Ben);
        Assert.IsType<EndDelegationOutcome.Ended>(await town.End(request, town.Ann));
        Assert.IsType<DecideOutcome.Recorded>(await town.Hub.Approve(request, town.Ann));
        await town.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
        Assert.IsType<EndDelegationOutcome.AlreadySettled>(await town.End(request, town.Ann));
    }

    [Theory, BothEngines]
    public async Task Only_who_could_decide_now_and_has_not_delegates_their_own_seat_and_once(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var request = await town.Ask(need: 2);
        Task<DelegateOutcome> By(Person person) => town.Delegate(request, person, town.Eve);

        await town.Delegate(request, town.Ann, town.Ben);
        Assert.Equal("not_your_seat", Rule(await By(town.Ben)));
        Assert.Equal("already_delegated", Rule(await By(town.Ann)));
        Assert.IsType<DelegateOutcome.NotFound>(await By(town.Dan));
        Assert.Equal("requester_may_not_decide", Rule(await By(town.Rita)));
        await town.Hub.Approve(request, town.Cleo);
        Assert.Equal("already_decided", Rule(await By(town.Cleo)));

        var later = await town.Hub.Ask(
            Some.Policy(Some.Step("First", 1, town.Cleo.AsApprover), Some.Step("Second", 1, town.Ann.AsApprover))
        );
        Assert.Equal(
            "Second",
            Assert.IsType<DelegateOutcome.StepNotOpen>(await town.Delegate(later, town.Ann, town.Ben)).Step
        );
        await town.Hub.Reject(later, town.Cleo);
        Assert.IsType<DelegateOutcome.AlreadySettled>(await town.Delegate(later, town.Ann, town.Ben));
    }

    [Theory, BothEngines]
    public async Task The_delegate_is_an_active_agent_or_admin_who_does_not_ask_and_has_no_seat(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var request = await town.Ask();
        var (endUser, away, gone) = (
            await town.Hub.AddPerson("Una"),
            await town.Hub.AddPerson("Walt", Role.Agent),
            await town.Hub.AddPerson("Gil", Role.Agent)
        );
        var absences = new Absences(town.Hub.Store);
        var now = town.Hub.Clock.Now;
        Some.Done(await absences.Set(away.Email!, now, now.AddDays(1), null, Some.Operator, default));
        await town.Hub.Disable(gone);

        foreach (var person in new[] { town.Ann, town.Cleo, town.Rita, endUser, away, gone })
            Assert.IsType<DelegateOutcome.Unsuitable>(await town.Delegate(request, town.Ann, person));
        await town.Delegate(request, town.Ann, town.Ben);
        Assert.IsType<DelegateOutcome.Unsuitable>(await town.Delegate(request, town.Cleo, town.Ben));
    }

    [Theory, BothEngines]
    public async Task Whatever_happens_to_either_afterwards_gives_nobody_a_seat_they_should_not_have(Engine engine)
    {
        await using var town = await Town.Start(engine);
        // The holder leaves the group.
        var left = await town.Ask();
        await town.Delegate(left, town.Ann, town.Ben);
        await town.Hub.Groups.RemoveMember(town.Group.Name, town.Ann.Email!, Some.Operator, default);
        Assert.IsType<DecideOutcome.NotFound>(await town.Hub.Approve(left, town.Ben));
        await town.Hub.Groups.AddMember(town.Group.Name, town.Ann.Email!, Some.Operator, default);

        // A new content, in which the delegate turns out to ask.
        var revised = await town.Ask(change: s => s with { ExternalId = "X-1" });
        await town.Delegate(revised, town.Ann, town.Ben);
        var next = Some.Submission(town.Policy()).Saying("Something else").AskedBy(town.Ben) with
        {
            ExternalId = "X-1",
        };
        next = next with { CreatorId = revised.CreatorId };
        var now = Assert
            .IsType<SubmitOutcome.Revised>(await town.Hub.Submit.Run(next, Some.Origin, null, default))
            .Request;
        Assert.Equal(
            "requester_may_not_decide",
            Assert
                .IsType<DecideOutcome.NotAllowed>(
                    await town.Hub.Answer(now, town.Ben, Answer.Approve, digest: now.Digest)
                )
                .Rule
        );
        // Its holder has it back by that.
        Assert.Contains(now.Id, await town.WaitsFor(town.Ann));
        Assert.IsType<DecideOutcome.Settled>(await town.Hub.Answer(now, town.Ann, Answer.Approve, digest: now.Digest));
    }

    [Theory, BothEngines]
    public async Task Of_a_decision_and_the_end_of_the_delegation_and_of_two_delegates_one_wins(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var (decided, ended) = (0, 0);
        for (var i = 0; i < 20; i++)
        {
            var request = await town.Ask(need: 2);
            var both = await Task.WhenAll(
                town.Delegate(request, town.Ann, town.Ben),
                town.Delegate(request, town.Ann, town.Eve)
            );
            var to =
                Assert.Single(both, outcome => outcome is DelegateOutcome.Delegated) == both[0] ? town.Ben : town.Eve;
            var (answer, end) = (
                Task.Run(() => town.Hub.Approve(request, to)),
                Task.Run(() => town.End(request, town.Ann))
            );
            await Task.WhenAll(answer, end);
            if (await answer is DecideOutcome.Recorded)
                decided++;
            ended += await end is EndDelegationOutcome.Ended ? 1 : 0;
            Assert.Equal(await answer is DecideOutcome.Recorded, await end is EndDelegationOutcome.Used);
        }
        Assert.Equal(20, decided + ended);
    }

    /// <summary>However people delegate their seats, a request is approved by as many seats as it needs.</summary>
    [Theory, BothEngines]
    public async Task No_course_of_delegations_and_decisions_counts_a_seat_twice(Engine engine)
    {
        await using var town = await Town.Start(engine);
        var random = new Random(20);
        Person[] all = [town.Ann, town.Ben, town.Cleo, town.Dan, town.Eve];
        for (var round = 0; round < 12; round++)
        {
            var request = await town.Ask(need: 2);
            for (var step = 0; step < 14; step++)
            {
                var (one, other) = (all[random.Next(all.Length)], all[random.Next(all.Length)]);
                _ = random.Next(3) switch
                {
                    0 => (object)await town.Delegate(request, one, other),
                    1 => await town.End(request, one),
                    _ => await town.Hub.Answer(request, one, random.Next(4) == 0 ? Answer.Abstain : Answer.Approve),
                };
                var now = await town.Hub.Find(request.Id);
                var counting = Weigh.LatestThatCount(now, await town.Hub.Decisions(request.Id));
                var seats = counting.Select(d => d.ForPerson ?? d.PersonId).ToList();
                Assert.Equal(seats.Distinct(), seats);
                Assert.All(seats, seat => Assert.Contains(seat, new[] { town.Ann.Id, town.Cleo.Id }));
                var yes = counting.Count(d => d.Answer == Answer.Approve);
                Assert.Equal(yes == 2, now.Status == Status.Approved);
                if (now.IsSettled)
                    break;
                await AgreeOn(town, now, all);
            }
        }
    }

    /// <summary>The lists show to each what the decision would take from them.</summary>
    private static async Task AgreeOn(Town town, ApprovalRequest request, Person[] all)
    {
        var decisions = await town.Hub.Decisions(request.Id);
        var (verdict, pools) = (
            Weigh.Of(request, decisions, town.Hub.Clock.Now),
            await town.Hub.Store.Read(PoolRows.All)
        );
        foreach (var person in all)
        {
            var may = ReviewerSeat.Of(request, decisions, verdict, pools, person.Id).IsOpen;
            var has = Weigh.LatestThatCount(request, decisions).Exists(d => d.PersonId == person.Id);
            Assert.Equal(may && !has, (await town.WaitsFor(person)).Contains(request.Id));
        }
    }

    private static string Rule(DelegateOutcome outcome) => Assert.IsType<DelegateOutcome.NotAllowed>(outcome).Rule;

    /// <summary>A group of Ann and Cleo decides what Rita asks.</summary>
    private sealed class Town : IAsyncDisposable
    {
        public required TestHub Hub { get; init; }
        public required Group Group { get; init; }
        public required Person Ann { get; init; }
        public required Person Ben { get; init; }
        public required Person Cleo { get; init; }
        public required Person Dan { get; init; }
        public required Person Eve { get; init; }
        public required Person Rita { get; init; }

        public static async Task<Town> Start(Engine engine)
        {
            var hub = await TestHub.Start(engine);
            var people = new List<Person>();
            foreach (var name in new[] { "Ann", "Ben", "Cleo", "Dan", "Eve", "Rita" })
                people.Add(await hub.AddPerson(name, Role.Agent));
            return new Town
            {
                Hub = hub,
                Ann = people[0],
                Ben = people[1],
                Cleo = people[2],
                Dan = people[3],
                Eve = people[4],
                Rita = people[5],
                Group = await hub.AddGroup("SRE", people[0], people[2]),
            };
        }

        public Policy Policy(int need = 1) => Some.Policy(Some.Step("SRE", need, Group.AsApprover));

        public Task<ApprovalRequest> Ask(int need = 1, Func<Submission, Submission>? change = null) =>
            Hub.Ask(Policy(need), s => (change ?? (same => same))(s.AskedBy(Rita)));

        public Task<DelegateOutcome> Delegate(ApprovalRequest request, Person from, Person to) =>
            new DelegateSeat(Hub.Store).Run(request.Id, Some.Viewer(from), to.Id, default);

        public Task<EndDelegationOutcome> End(ApprovalRequest request, Person person) =>
            new EndDelegation(Hub.Store).Run(request.Id, Some.Viewer(person), default);

        public async Task<List<RequestId>> WaitsFor(Person person) =>
            [
                .. (
                    await new RequestList(Hub.Store, new RequestSummaries(Hub.Store)).Run(
                        Some.Viewer(person),
                        new Filter { WaitingForMe = true },
                        100,
                        null,
                        default
                    )
                ).Requests.Select(r => r.Id),
            ];

        public ValueTask DisposeAsync() => Hub.DisposeAsync();
    }
}
