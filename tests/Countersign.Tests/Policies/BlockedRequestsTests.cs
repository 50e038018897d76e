using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Requests that nobody left could make pass say so, with what would free them, and say so no more when it has.
/// </summary>
public sealed class BlockedRequestsTests
{
    [Theory, BothEngines]
    public async Task What_people_groups_and_absences_do_to_it_is_said_as_it_happens(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Cleo");
        await hub.Hub.AddGroup("SRE", people[0], people[1]);
        await hub.Set(
            "version: 1\npolicies: [ { name: two, steps: [ { name: SRE, need: 2, from: { groups: [SRE] } } ] } ]"
        );
        var request = await hub.Ask(by: people[2]);
        Assert.Null(request.Stuck);

        await hub.Hub.Groups.RemoveMember("SRE", people[1].Email!, Some.Operator, default);
        await Says("SRE needs 1 more eligible reviewer", "Add 1 person to the group SRE");
        await hub.Hub.Groups.AddMember("SRE", people[1].Email!, Some.Operator, default);
        await Says(null, null);
        await hub.Hub.Disable(people[1]);
        await Says("SRE needs 1 more eligible reviewer (Ben is disabled)", "Add 1 person to the group SRE");
        await hub.Hub.Enable(people[1]);
        await Says(null, null);
        Some.Done(
            await hub.Absences.Set(
                people[0].Email!,
                hub.Hub.Clock.Now,
                hub.Hub.Clock.Now.AddDays(2),
                null,
                Some.Operator,
                default
            )
        );
        await Says(
            "SRE needs 1 more eligible reviewer (Ann is out of office)",
            "Add 1 person to the group SRE, or wait for Ann, who is back on 2026-03-06"
        );
        // Whoever asks stands in for nobody; a stand-in who did not ask frees it.
        Some.Done(
            await hub.Absences.Set(
                people[0].Email!,
                hub.Hub.Clock.Now,
                hub.Hub.Clock.Now.AddDays(2),
                people[2].Email,
                Some.Operator,
                default
            )
        );
        await Says(
            "SRE needs 1 more eligible reviewer (Ann is out of office)",
            "Add 1 person to the group SRE, or wait for Ann, who is back on 2026-03-06"
        );
        Some.Done(
            await hub.Absences.Set(
                people[0].Email!,
                hub.Hub.Clock.Now,
                hub.Hub.Clock.Now.AddDays(2),
                (await hub.Hub.AddPerson("Dan")).Email,
                Some.Operator,
                default
            )
        );
        await Says(null, null);
        Assert.Equal(
            (3, 3),
            (
                (await hub.Kinds(request)).Count(k => k == "request.freed"),
                (await hub.Kinds(request)).Count(k => k == "request.stuck")
            )
        );
        Assert.Null(await hub.Proof());

        async Task Says(string? why, string? fix)
        {
            await hub.Looking.Drain();
            var now = await hub.Find(request);
            Assert.Equal((why, fix), (now.Stuck?.Why, now.Stuck?.Fix));
            Assert.Equal(
                why is null
                    ? "0 of 2 approvals, waiting for SRE"
                    : $"0 of 2 approvals, waiting for SRE. Blocked: {why}. {fix}",
                now.Display
            );
        }
    }

    [Theory, BothEngines]
    public async Task What_never_could_pass_says_so_from_the_beginning(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben");
        await hub.Set(
            """
            version: 1
            policies:
              - name: ghosts
                when: { facts.team: ghosts }
                steps: [ { name: ghosts, from: { groups: [ghosts] } } ]
              - name: two hats
                steps:
                  - { name: first, from: { people: [Ann@example.test, Ben@example.test] } }
                  - { name: second, from: { people: [Ann@example.test, Ben@example.test] } }
            """
        );
        Assert.Equal(
            new Blocked(
                "ghosts needs 1 more eligible reviewer",
                "Create the group ghosts, then apply the policies to active requests"
            ),
            (await hub.Ask("""{"team":"ghosts"}""")).Stuck
        );
        Assert.Null((await hub.Ask()).Stuck);
        var alone = await hub.Ask(by: people[0]);
        Assert.Equal(
            "second needs 1 more eligible reviewer in addition to those in first (Ann can't approve this)",
            alone.Stuck!.Why
        );
        Assert.Equal(["request.submitted", "request.stuck"], await hub.Kinds(alone));
        Assert.Contains("Blocked: second needs 1 more eligible reviewer", alone.Display, StringComparison.Ordinal);
        Assert.Null(await hub.Proof());
    }
}
