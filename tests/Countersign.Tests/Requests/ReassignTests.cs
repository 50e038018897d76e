using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>An admin gives a request that its assignee decides to someone else.</summary>
public sealed class ReassignTests
{
    [Theory, BothEngines]
    public async Task An_admin_gives_it_to_another_person_or_group_who_decides_from_then_on(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, people) = (await hub.AddPerson("Ada", Role.Admin), await Agents(hub, "Ann", "Ben", "Cleo"));
        var group = await hub.AddGroup("SRE", people[2]);
        var request = await Assigned(hub, people[0]);

        var moved = Assert.IsType<ReassignOutcome.Reassigned>(await To(hub, request, ada, people[1].AsApprover.Party));
        Assert.Equal((people[1].Id, null), (moved.Request.AssigneeUser, moved.Request.AssigneeGroup));
        Assert.Equal("0 of 1 approval, waiting for Ben", moved.Request.Display);
        Assert.Equal([$"person:{people[1].Id}"], await hub.WaitsFor(request.Id));
        Assert.Equal(
            "not_an_approver",
            Assert.IsType<DecideOutcome.NotAllowed>(await hub.Approve(request, people[0])).Rule
        );
        await To(hub, request, ada, group.AsApprover.Party);
        Assert.IsType<ReassignOutcome.Reassigned>(await To(hub, request, ada, group.AsApprover.Party));

        Assert.Equal(
            "Approved by Cleo",
            Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[2])).Request.Display
        );
        Assert.IsType<ReassignOutcome.AlreadySettled>(await To(hub, request, ada, people[1].AsApprover.Party));
        Assert.Equal(
            ["request.submitted", "request.reassigned", "request.reassigned", "request.approved"],
            await hub.Kinds(request.Id)
        );
    }

    [Theory, BothEngines]
    public async Task Only_an_admin_may_and_only_to_someone_who_can_decide(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, people) = (await hub.AddPerson("Ada", Role.Admin), await Agents(hub, "Ann", "Ben", "Gil", "Rita"));
        var endUser = await hub.AddPerson("Una");
        var (empty, asks) = (await hub.AddGroup("Empty"), await hub.AddGroup("Asks", people[3]));
        await hub.Disable(people[2]);
        var request = await Assigned(hub, people[0], s => s.AskedBy(people[3]));

        Assert.IsType<ReassignOutcome.NotAllowed>(await To(hub, request, people[0], people[1].AsApprover.Party));
        Assert.IsType<ReassignOutcome.NotFound>(await To(hub, request, people[1], people[1].AsApprover.Party));
        Party[] unsuitable =
        [
            people[2].AsApprover.Party,
            people[3].AsApprover.Party,
            endUser.AsApprover.Party,
            Party.Person(99),
            Party.Group(99),
            Party.Admins,
            empty.AsApprover.Party,
            asks.AsApprover.Party,
        ];
        foreach (var party in unsuitable)
            Assert.IsType<ReassignOutcome.Unsuitable>(await To(hub, request, ada, party));
        Assert.Equal(people[0].Id, (await hub.Find(request.Id)).AssigneeUser);
    }

    [Theory, BothEngines]
    public async Task What_a_policy_a_source_or_a_destination_decides_is_not_reassigned(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, people) = (await hub.AddPerson("Ada", Role.Admin), await Agents(hub, "Ann", "Ben"));
        var assignee = people[0].AsApprover;
        Policy[] others =
        [
            Some.Policy(assignee),
            new("assignee", [new Step("assignee", 1, [assignee, people[1].AsApprover])]),
            new("assignee", [new Step("assignee", 1, [people[1].AsApprover])]),
            new("assignee", [new Step("assignee", 1, [assignee]), new Step("more", 1, [people[1].AsApprover])]),
            new("source", [new Step("SRE", 1, [assignee])]),
            new Policy("by the board", []) { Destination = "board" },
        ];
        foreach (var policy in others)
        {
            var request = await hub.Ask(policy, s => s with { Assignee = assignee });
            Assert.Equal(
                policy.Name,
                Assert
                    .IsType<ReassignOutcome.NotByAssignee>(await To(hub, request, ada, people[1].AsApprover.Party))
                    .Policy
            );
        }
        var unassigned = await hub.Ask(OfAssignee(assignee));
        Assert.IsType<ReassignOutcome.NotByAssignee>(await To(hub, unassigned, ada, people[1].AsApprover.Party));
    }

    [Theory, BothEngines]
    public async Task An_earlier_approval_counts_where_its_author_may_decide_now_too_and_is_named_where_not(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, people) = (await hub.AddPerson("Ada", Role.Admin), await Agents(hub, "Ann", "Ben", "Cleo", "Dan"));
        var first = await hub.AddGroup("First", people[0], people[1]);
        var second = await hub.AddGroup("Second", people[1], people[2], people[3]);
        foreach (var (author, counts) in new[] { (people[0], false), (people[1], true) })
        {
            var request = await hub.Ask(OfAssignee(first.AsApprover, 2), s => s with { Assignee = first.AsApprover });
            await hub.Approve(request, author);
            var moved = Assert.IsType<ReassignOutcome.Reassigned>(await To(hub, request, ada, second.AsApprover.Party));
            Assert.Equal(counts ? [] : [author.Name], moved.Lost);
            Assert.StartsWith(counts ? "1 of 2" : "0 of 2", moved.Request.Display, StringComparison.Ordinal);
            var next = await hub.Approve(request, people[2]);
            Assert.Equal(counts, next is DecideOutcome.Settled);
        }
    }

    [Theory, BothEngines]
    public async Task A_new_content_stays_with_the_assignee_whom_the_admin_chose(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, people) = (await hub.AddPerson("Ada", Role.Admin), await Agents(hub, "Ann", "Ben"));
        var request = await Assigned(hub, people[0], s => s with { ExternalId = "X-1" });
        await To(hub, request, ada, people[1].AsApprover.Party);
        Submission Next(Person assignee) =>
            Some.Submission(OfAssignee(assignee.AsApprover)).Saying("Something else") with
            {
                ExternalId = "X-1",
                Assignee = assignee.AsApprover,
            };

        Assert.IsType<SubmitOutcome.AssigneeDiffers>(
            await hub.Submit.Run(Next(await hub.AddPerson("Eve", Role.Agent)), Some.Origin, null, default)
        );
        var revised = Assert
            .IsType<SubmitOutcome.Revised>(await hub.Submit.Run(Next(people[0]), Some.Origin, null, default))
            .Request;

        Assert.Equal((people[1].Id, 2), (revised.AssigneeUser, revised.Revision));
        Assert.IsType<DecideOutcome.NotAllowed>(
            await hub.Answer(revised, people[0], Answer.Approve, digest: revised.Digest)
        );
        Assert.IsType<DecideOutcome.Settled>(
            await hub.Answer(revised, people[1], Answer.Approve, digest: revised.Digest)
        );
    }

    [Theory, BothEngines]
    public async Task A_seat_that_was_delegated_ends_with_the_assignment(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ada, people) = (await hub.AddPerson("Ada", Role.Admin), await Agents(hub, "Ann", "Ben", "Cleo"));
        var request = await Assigned(hub, people[0]);
        await new DelegateSeat(hub.Store).Run(request.Id, Some.Viewer(people[0]), people[1].Id, default);

        await To(hub, request, ada, people[2].AsApprover.Party);

        Assert.Equal(0, await hub.Place.Count("delegations"));
        Assert.IsType<DecideOutcome.NotFound>(await hub.Approve(request, people[1]));
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, people[2]));
    }

    private static Policy OfAssignee(Approver assignee, int need = 1) =>
        new(PolicySelection.Assignee, [new Step(PolicySelection.Assignee, need, [assignee])]);

    private static Task<ApprovalRequest> Assigned(
        TestHub hub,
        Person assignee,
        Func<Submission, Submission>? change = null
    ) =>
        hub.Ask(
            OfAssignee(assignee.AsApprover),
            s => (change ?? (same => same))(s with { Assignee = assignee.AsApprover })
        );

    private static Task<ReassignOutcome> To(TestHub hub, ApprovalRequest request, Person by, Party party) =>
        new Reassign(hub.Store).Run(request.Id, Some.Viewer(by), party, default);

    private static async Task<List<Person>> Agents(TestHub hub, params string[] names)
    {
        var people = new List<Person>();
        foreach (var name in names)
            people.Add(await hub.AddPerson(name, Role.Agent));
        return people;
    }
}
