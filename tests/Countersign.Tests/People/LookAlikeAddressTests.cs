using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests;

/// <summary>An address with a letter that only looks like an ASCII one, or folds to one, is another address.</summary>
public sealed class LookAlikeAddressTests
{
    private const string Kim = "kim@example.test",
        Kelvin = "\u212Aim@example.test";

    [Theory, BothEngines]
    public async Task A_verified_address_with_a_look_alike_letter_does_not_sign_in_as_the_person_with_the_letter(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var kim = Some.Done(await hub.People.Add(Kim, "Kim", Role.Admin, null, Some.Operator, default));
        var elsewhere = new ExternalSignIn(hub.Store, hub.Sessions);
        Identity Proven(string subject, string email) =>
            new("https://login.example.test", subject, email, IsVerified: true, "Kim", null);
        var visit = new ClientInfo("page", "127.0.0.1", "a browser");

        Assert.IsType<ElsewhereOutcome.NotHere>(
            await elsewhere.Run(Proven("1", Kelvin), newAccounts: null, visit, default)
        );
        var done = Assert.IsType<ElsewhereOutcome.Done>(
            await elsewhere.Run(Proven("1", Kelvin), newAccounts: Role.EndUser, visit, default)
        );
        Assert.NotEqual(kim.Id, done.Session.PersonId);
        done = Assert.IsType<ElsewhereOutcome.Done>(
            await elsewhere.Run(Proven("2", "KIM@Example.Test"), newAccounts: null, visit, default)
        );
        Assert.Equal(kim.Id, done.Session.PersonId);
    }

    [Theory, BothEngines]
    public async Task A_group_claim_with_a_look_alike_letter_joins_no_group(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var kim = Some.Done(await hub.People.Add(Kim, "Kim", Role.Agent, null, Some.Operator, default));
        var group = await hub.AddGroup("kings");
        await new ExternalSignIn(hub.Store, hub.Sessions).Run(
            new Identity("https://login.example.test", "1", Kim, IsVerified: true, "Kim", ["\u212Aings"]),
            null,
            new ClientInfo("page", "127.0.0.1", "a browser"),
            default
        );
        Assert.Equal(
            0,
            await hub.Place.Number("SELECT count(*) FROM members WHERE group_id = @group", new { group = group.Id })
        );
        await new ExternalSignIn(hub.Store, hub.Sessions).Run(
            new Identity("https://login.example.test", "1", Kim, IsVerified: true, "Kim", ["KINGS"]),
            null,
            new ClientInfo("page", "127.0.0.1", "a browser"),
            default
        );
        Assert.Equal(
            kim.Id,
            await hub.Place.Number("SELECT person_id FROM members WHERE group_id = @group", new { group = group.Id })
        );
    }

    [Theory, BothEngines]
    public async Task Nothing_done_to_one_address_reaches_the_person_with_the_other(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var kim = Some.Done(await hub.People.Add(Kim, "Kim", Role.Admin, null, Some.Operator, default));
        Assert.IsType<AccessOutcome<long>.NotFound>(
            await hub.People.SetPassword(Kelvin, "a long and good password", Some.Operator, default)
        );
        Assert.IsType<AccessOutcome<NewToken>.NotFound>(await hub.Tokens.Add(Kelvin, Some.Operator, default));
        Assert.IsType<AccessOutcome<long>.NotFound>(await hub.People.Rename(Kelvin, "Other", Some.Operator, default));
        var other = Some.Done(await hub.People.Add(Kelvin, "Other", Role.EndUser, null, Some.Operator, default));
        Assert.NotEqual(kim.Id, other.Id);
        using var directory = new PeopleDirectory(hub.Store);
        var snapshot = await directory.Refresh();
        Assert.Equal(
            (kim.Id, other.Id),
            (snapshot.FindPerson("KIM@example.test")!.Id, snapshot.FindPerson(Kelvin)!.Id)
        );
    }
}
