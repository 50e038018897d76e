using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>What becomes known about a person applies to requests that are still active.</summary>
public sealed class LearnedAliasTests
{
    [Theory, BothEngines]
    public async Task An_alias_learnt_later_bars_the_person_from_active_requests_and_takes_back_their_answer(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var (ann, ben) = (await hub.AddPerson("Ann"), await hub.AddPerson("Ben"));
        var team = await hub.AddGroup("Team", ann, ben);
        var one = await Ask(hub, team, need: 1, "R. Roe-Miller");
        var two = await Ask(hub, team, need: 2, "rroe");
        var other = await Ask(hub, team, need: 1, "Somebody Else");
        await hub.Approve(two, ann);
        var aliases = new Aliases(hub.Store);

        Some.Done(await aliases.Add(ann.Email!, "Roe-Miller, R", Some.Operator, default));

        one = await hub.Find(one.Id);
        Assert.Equal([ann.Id], one.Barred);
        Assert.Null(one.Stuck);
        var barred = Assert.Single(await hub.Place.Events(one.Id.Subject), e => e.Kind == "request.barred");
        Assert.Equal(Actor.Operator.Text, barred.Actor);
        Assert.Equal(
            "requester_may_not_decide",
            Assert.IsType<DecideOutcome.NotAllowed>(await hub.Approve(one, ann)).Rule
        );
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(one, ben));
        Assert.Empty((await hub.Find(other.Id)).Barred);

        // Two of two cannot both approve when one of them asks: told before it is saved.
        var blocked = Assert.IsType<AccessOutcome<Alias>.WouldBlock>(
            await aliases.Add(ann.Email!, "rroe", Some.Operator, default)
        );
        Assert.Equal(two.Id, Assert.Single(blocked.Requests).Id);
        Assert.Contains(two.Id.Value, blocked.Text, StringComparison.Ordinal);
        Assert.Equal(["Roe-Miller, R"], (await aliases.List(ann.Id, default)).Select(a => a.Text));
        Assert.Empty((await hub.Find(two.Id)).Barred);

        Some.Done(await aliases.Add(ann.Email!, "rroe", Some.Operator, default, isForced: true));
        two = await hub.Find(two.Id);
        Assert.Equal([ann.Id], two.Barred);
        Assert.NotNull(two.Stuck);
        await hub.Approve(two, ben);
        Assert.Equal(Status.Active, (await hub.Find(two.Id)).Status);

        // Whoever was barred stays barred.
        Some.Done(await aliases.Remove(ann.Email!, "rroe", Some.Operator, default));
        Assert.Equal([ann.Id], (await hub.Find(two.Id)).Barred);
    }

    [Theory, BothEngines]
    public async Task A_new_name_and_an_imported_alias_bar_from_active_requests_too(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ann, ben) = (await hub.AddPerson("Ann"), await hub.AddPerson("Ben"));
        var team = await hub.AddGroup("Team", ann, ben);
        var (named, imported) = (
            await Ask(hub, team, need: 1, "Anna Roe"),
            await Ask(hub, team, need: 2, "benny the bold")
        );
        Some.Done(await hub.People.Rename(ann.Email!, "Anna Roe", Some.Operator, default));
        Assert.Equal([ann.Id], (await hub.Find(named.Id)).Barred);

        var import = new PeopleImport(hub.Store);
        ImportedPerson[] people = [ImportedPerson.Of("line 2", ben.Email, "Benjamin", null, null, ["Benny the Bold"])];
        Assert.IsType<ImportOutcome.WouldBlock>(await import.Run(people, Some.Operator, default));
        Assert.Equal("Ben", await hub.Place.Text("SELECT name FROM people WHERE id = @id", new { id = ben.Id }));
        Assert.IsType<ImportOutcome.Done>(await import.Run(people, Some.Operator, default, isForced: true));
        Assert.Equal([ben.Id], (await hub.Find(imported.Id)).Barred);
    }

    private static Task<ApprovalRequest> Ask(TestHub hub, Group team, int need, string name) =>
        hub.Ask(
            Some.Policy(Some.Step("team", need, team.AsApprover)),
            s =>
                s with
                {
                    Requester = new Requester(null, name, [], Certainty.None) { Claim = RequesterClaim.Of([], [name]) },
                }
        );
}
