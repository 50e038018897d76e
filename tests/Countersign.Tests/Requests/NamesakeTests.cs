using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Two people may share a name. Then the email address stands beside it wherever the name stands for one of them.
/// </summary>
public sealed class NamesakeTests
{
    [Theory, BothEngines]
    public async Task What_was_decided_names_one_of_two_people_with_the_same_name(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ann, cid) = (await Add(hub, "ann@example.test", "Ann Smith"), await Add(hub, "cid@example.test", "Cid"));
        var group = await hub.AddGroup("Team", ann, cid);
        var alone = await hub.Ask(Some.Policy(group.AsApprover));
        Assert.Equal("Approved by Ann Smith", (await Settled(hub, alone, ann)).Display);

        // Spelled otherwise, but the same to a reader.
        var other = await Add(hub, "ann2@example.test", "ANN  Smith");
        var one = await hub.Ask(Some.Policy(group.AsApprover));
        Assert.Equal("Approved by Ann Smith (ann@example.test)", (await Settled(hub, one, ann)).Display);
        var another = await hub.Ask(Some.Policy(group.AsApprover));
        Assert.Equal("Approved by Cid", (await Settled(hub, another, cid)).Display);
        using var directory = new PeopleDirectory(hub.Store);
        var snapshot = await directory.Refresh();
        Assert.Equal(
            ("Ann Smith (ann@example.test)", "ANN  Smith (ann2@example.test)", "Cid"),
            (
                snapshot.People[ann.Id].DisplayName,
                snapshot.People[other.Id].DisplayName,
                snapshot.People[cid.Id].DisplayName
            )
        );
        Assert.Equal("Ann Smith", snapshot.People[ann.Id].Name);
        Assert.Equal("Ann Smith (ann@example.test)", snapshot.Pools.Find(ann.Id)!.Name);
        Assert.Equal("Ann Smith (ann@example.test)", snapshot.People[ann.Id].AsApprover.Name);

        Some.Done(await hub.People.Rename("ann2@example.test", "Ann Jones", Some.Operator, default));
        Assert.Equal("Ann Smith", (await directory.Refresh()).People[ann.Id].DisplayName);
    }

    [Theory, BothEngines]
    public async Task People_from_before_names_were_folded_are_told_apart_from_new_ones(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var old = await Add(hub, "old@example.test", "Özil");
        await hub.Place.Tamper("UPDATE people SET name_key = lower(name)");
        await Add(hub, "new@example.test", "Özil");
        // A source's service person is no namesake of anyone.
        await hub.AddSource("Zoe");
        var zoe = await Add(hub, "zoe@example.test", "Zoe");
        using var directory = new PeopleDirectory(hub.Store);
        var people = (await directory.Refresh()).People;
        Assert.Equal(("Özil (old@example.test)", "Zoe"), (people[old.Id].DisplayName, people[zoe.Id].DisplayName));
    }

    private static async Task<Person> Add(TestHub hub, string email, string name) =>
        Some.Done(await hub.People.Add(email, name, Role.Agent, null, Some.Operator, default));

    private static async Task<ApprovalRequest> Settled(TestHub hub, ApprovalRequest request, Person by) =>
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, by)).Request;
}
