using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class MarkAppliedTests
{
    [Theory, BothEngines]
    public async Task Applying_what_was_approved_is_a_fact_beside_the_status_and_said_once(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (request, source) = await Asked(hub, Status.Approved);
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var applied = Assert
            .IsType<MarkAppliedOutcome.Applied>(await hub.MarkApplied.Run(request.Id, source, default))
            .Request;
        Assert.Equal(
            (Status.Approved, "Approved, applied", hub.Clock.Now, null),
            (applied.Status, applied.Display, applied.AppliedAt, applied.BreachedAt)
        );
        Assert.Equivalent(applied, await hub.Find(request.Id));
        var kinds = await hub.Kinds(request.Id);
        Assert.Equal("request.applied", kinds[^1]);

        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equivalent(
            applied,
            Assert
                .IsType<MarkAppliedOutcome.AlreadyApplied>(await hub.MarkApplied.Run(request.Id, source, default))
                .Request
        );
        Assert.Equal(kinds, await hub.Kinds(request.Id));
    }

    [Theory, BothEngines]
    public async Task Applying_anything_else_is_taken_down_as_a_breach_and_told(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        foreach (var status in new[] { Status.Active, Status.Rejected, Status.Withdrawn })
        {
            var (request, source) = await Asked(hub, status);
            var told = (await hub.Kinds(request.Id)).Count;
            var breached = Assert
                .IsType<MarkAppliedOutcome.Breach>(await hub.MarkApplied.Run(request.Id, source, default))
                .Request;
            Assert.Equal(
                (status, hub.Clock.Now, hub.Clock.Now),
                (breached.Status, breached.AppliedAt, breached.BreachedAt)
            );
            Assert.Equivalent(breached, await hub.Find(request.Id));
            Assert.Equal("request.breached", (await hub.Kinds(request.Id))[^1]);
            Assert.Equal(told + 1, (await hub.Kinds(request.Id)).Count);
            Assert.IsType<MarkAppliedOutcome.AlreadyApplied>(await hub.MarkApplied.Run(request.Id, source, default));
            Assert.Equal(told + 1, (await hub.Kinds(request.Id)).Count);
        }
    }

    [Theory, BothEngines]
    public async Task Only_the_source_its_creator_or_an_admin_says_so(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (request, _) = await Asked(hub, Status.Approved);
        var (ann, admin) = ((await hub.Decisions(request.Id))[0].PersonId, await hub.AddPerson("Ada", Role.Admin));
        var other = await hub.AddSource("other");
        var approver = new Person(ann, null, "Ann", Role.EndUser, false, default);
        Assert.IsType<MarkAppliedOutcome.NotAllowed>(
            await hub.MarkApplied.Run(request.Id, Some.Viewer(approver), default)
        );
        Assert.IsType<MarkAppliedOutcome.NotFound>(await hub.MarkApplied.Run(request.Id, Some.Viewer(other), default));
        Assert.Null((await hub.Find(request.Id)).AppliedAt);
        Assert.IsType<MarkAppliedOutcome.Applied>(await hub.MarkApplied.Run(request.Id, Some.Viewer(admin), default));
    }

    [Theory, BothEngines]
    public async Task Of_sixteen_who_say_so_at_once_one_is_taken_down(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (request, source) = await Asked(hub, Status.Approved);
        var outcomes = await Task.WhenAll(
                Enumerable.Range(0, 16).Select(_ => Task.Run(() => hub.MarkApplied.Run(request.Id, source, default)))
            )
            .Soon();
        Assert.Single(outcomes.OfType<MarkAppliedOutcome.Applied>());
        Assert.Equal(15, outcomes.OfType<MarkAppliedOutcome.AlreadyApplied>().Count());
        Assert.Single(await hub.Kinds(request.Id), "request.applied");
    }

    private static async Task<(ApprovalRequest Request, Viewer Source)> Asked(TestHub hub, Status status)
    {
        var ann = await hub.AddPerson($"Ann {status}");
        var source = await hub.AddSource($"source {status}");
        var request = await hub.Ask(Some.Policy(ann.AsApprover), s => s with { SourceId = source.Id });
        _ = status switch
        {
            Status.Approved => (object)await hub.Approve(request, ann),
            Status.Rejected => await hub.Reject(request, ann),
            Status.Withdrawn => await hub.Withdraw.Run(request.Id, Some.Viewer(source), "", default),
            _ => request,
        };
        Assert.Equal(status, (await hub.Find(request.Id)).Status);
        return (await hub.Find(request.Id), Some.Viewer(source));
    }
}
