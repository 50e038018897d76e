using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class WithdrawTests
{
    [Theory, BothEngines]
    public async Task Only_the_requester_the_creator_the_source_the_tickets_assignee_and_admins_may_withdraw_it(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Rita", "Cora", "Theo", "Ann", "Stranger");
        var (requester, creator, assignee, approver, stranger) = (
            people[0],
            people[1],
            people[2],
            people[3],
            people[4]
        );
        var admin = await hub.AddPerson("Ada", Role.Admin);
        var (source, other) = (await hub.AddSource("ci"), await hub.AddSource("other"));
        await hub.Place.Tamper(
            $"""
            INSERT INTO tickets (subject, requester_id, assignee_id, assigned_by, assigned_by_admin, created_at)
            VALUES ('T', {requester.Id}, {assignee.Id}, {admin.Id}, 1, '')
            """
        );
        var ticket = await hub.Place.Number("SELECT id FROM tickets");

        (Viewer Who, Type Expected)[] cases =
        [
            (Some.Viewer(requester), typeof(WithdrawOutcome.Withdrawn)),
            (Some.Viewer(creator), typeof(WithdrawOutcome.Withdrawn)),
            (Some.Viewer(source), typeof(WithdrawOutcome.Withdrawn)),
            (Some.Viewer(assignee), typeof(WithdrawOutcome.Withdrawn)),
            (Some.Viewer(admin), typeof(WithdrawOutcome.Withdrawn)),
            (Some.Viewer(approver), typeof(WithdrawOutcome.NotAllowed)),
            (Some.Viewer(stranger), typeof(WithdrawOutcome.NotFound)),
            (Some.Viewer(other), typeof(WithdrawOutcome.NotFound)),
        ];
        foreach (var (who, expected) in cases)
        {
            var request = await hub.Ask(
                Some.Policy(approver.AsApprover),
                s => s.AskedBy(requester) with { CreatorId = creator.Id, SourceId = source.Id, TicketId = ticket }
            );
            var outcome = await hub.Withdraw.Run(request.Id, who, "Not today", default);
            Assert.IsType(expected, outcome);
            var withdrawn = outcome is WithdrawOutcome.Withdrawn;
            Assert.Equal(withdrawn ? Status.Withdrawn : Status.Active, (await hub.Find(request.Id)).Status);
            Assert.Equal(withdrawn ? 0 : 1, (await hub.WaitsFor(request.Id)).Count);
            Assert.Equal(
                withdrawn ? ["request.submitted", "request.withdrawn"] : ["request.submitted"],
                await hub.Kinds(request.Id)
            );
        }
    }

    [Theory, BothEngines]
    public async Task What_is_withdrawn_is_over_and_says_so(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var withdrawn = Assert.IsType<WithdrawOutcome.Withdrawn>(await Withdraw(hub, request)).Request;
        Assert.Equal(
            (Status.Withdrawn, "Cancelled", hub.Clock.Now),
            (withdrawn.Status, withdrawn.Display, withdrawn.SettledAt)
        );
        Assert.Equivalent(withdrawn, await hub.Find(request.Id));
        Assert.IsType<DecideOutcome.AlreadySettled>(await hub.Approve(request, ann));
    }

    [Theory, BothEngines]
    public async Task An_approval_may_be_taken_back_until_it_is_applied(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var (one, other) = (await hub.Ask(ann.AsApprover), await hub.Ask(ann.AsApprover));
        await hub.Approve(one, ann);
        await hub.Approve(other, ann);
        await hub.MarkApplied.Run(other.Id, Viewer.Hub(Some.Origin), default);
        Assert.IsType<WithdrawOutcome.Withdrawn>(await Withdraw(hub, one));
        Assert.IsType<WithdrawOutcome.AlreadySettled>(await Withdraw(hub, other));
        Assert.Equal(Status.Approved, (await hub.Find(other.Id)).Status);
    }

    [Theory, BothEngines]
    public async Task A_cancel_that_comes_too_late_changes_nothing_but_the_record(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var (rejected, withdrawn) = (await hub.Ask(ann.AsApprover), await hub.Ask(ann.AsApprover));
        await hub.Reject(rejected, ann);
        await Withdraw(hub, withdrawn);
        foreach (var request in new[] { rejected, withdrawn })
        {
            var before = await hub.Find(request.Id);
            var outcome = Assert.IsType<WithdrawOutcome.AlreadySettled>(await Withdraw(hub, request)).Request;
            Assert.Equivalent(before with { Head = outcome.Head }, outcome);
            Assert.Equivalent(outcome, await hub.Find(request.Id));
            Assert.Equal("request.withdrawal_refused", (await hub.Kinds(request.Id))[^1]);
        }
    }

    [Theory, BothEngines]
    public async Task A_cancel_and_an_approval_at_once_leave_a_lawful_end(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        for (var round = 0; round < 10; round++)
        {
            var request = await hub.Ask(ann.AsApprover);
            var (deciding, withdrawing) = (
                Task.Run(() => hub.Approve(request, ann)),
                Task.Run(() => Withdraw(hub, request))
            );
            var decided = await deciding.Soon();
            Assert.IsType<WithdrawOutcome.Withdrawn>(await withdrawing.Soon());
            Assert.Equal(Status.Withdrawn, (await hub.Find(request.Id)).Status);
            Assert.Equal(decided is DecideOutcome.Settled ? 1 : 0, (await hub.Decisions(request.Id)).Count);
        }
    }

    private static Task<WithdrawOutcome> Withdraw(TestHub hub, ApprovalRequest request) =>
        hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
}
