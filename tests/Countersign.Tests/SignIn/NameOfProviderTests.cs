using Countersign.Audit;
using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests;

public sealed class NameOfProviderTests
{
    [Theory, BothEngines]
    public async Task A_changed_name_of_the_provider_renames_at_sign_in_and_the_earlier_name_stays_known(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann", Role.Agent);
        var elsewhere = new ExternalSignIn(hub.Store, hub.Sessions);
        async Task SignIn(string? name, string subject = "1") =>
            await elsewhere.Run(
                new Identity("https://login.example.test", subject, ann.Email, IsVerified: true, name, null),
                null,
                new ClientInfo("page", "127.0.0.1", "a browser"),
                default
            );

        await SignIn("Ann");
        await SignIn(null);
        await SignIn("no\nname");
        await SignIn(" ");
        Assert.Empty((await Ann()).EarlierNames);
        await SignIn("Ann Smith");
        await SignIn("Ann Smith");
        Assert.Equal("Ann Smith", (await Ann()).Name);
        Assert.Equal(["Ann"], (await Ann()).EarlierNames);
        var renamed = Assert.Single(await hub.Place.Events($"person:{ann.Id}"), e => e.Kind == "person.renamed");
        Assert.Equal(("hub", "page"), (renamed.Actor, renamed.Via));

        // Another account of the provider with the same address is nobody here, and a disabled person stays as they
        // are.
        await SignIn("Eve", subject: "2");
        await hub.Disable(ann);
        await SignIn("Ann Jones");
        Assert.Equal("Ann Smith", (await Ann()).Name);

        async Task<Person> Ann()
        {
            using var directory = new PeopleDirectory(hub.Store);
            return (await directory.Refresh()).People[ann.Id];
        }
    }
}
