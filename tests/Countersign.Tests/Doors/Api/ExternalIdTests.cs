using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Doors.Api;

/// <summary>An external id belongs to its caller: nobody else's call finds, changes or shows the request.</summary>
public sealed class ExternalIdTests
{
    private const string Path = "/api/v1/requests";

    [Theory, BothEngines]
    public async Task The_same_id_of_another_agent_is_another_request(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", Role.Agent);
        var mallory = await host.Hub.AddPerson("Mallory", Role.Agent);
        var ben = await host.Hub.AddPerson("Ben");
        using var asAnn = await host.Person(ann);
        using var asMallory = await host.Person(mallory);
        var mine = await asAnn.Post(Path, Body("Deploy the shop", ben));
        Assert.Equal(201, mine.Status);

        // Neither the same content nor another finds Ann's request, or hands its decision to Mallory.
        var other = await asMallory.Post(Path, Body("Deploy the shop", mallory));
        Assert.Equal(201, other.Status);
        Assert.NotEqual(mine["id"], other["id"]);
        Assert.Equal(200, (await asMallory.Post(Path, Body("Something else", mallory))).Status);
        Assert.Equal(404, (await asMallory.Get($"{Path}/{mine["id"]}")).Status);
        var kept = await asAnn.Get($"{Path}/{mine["id"]}");
        Assert.Equal(("Deploy the shop", "1"), (kept["subject"], kept["revision"]));
        Assert.Equal("Ben", kept.Json["assignee"]!["name"]!.ToString());

        // Once it is settled, a refusal shows it to Ann alone.
        await host.Hub.Approve(await host.Hub.Find(RequestId.Of(mine["id"]!)), ben);
        var late = await asAnn.Post(Path, Body("Something else", ben));
        Assert.Equal((409, "already_settled"), (late.Status, late.Code));
        Assert.Equal(mine["id"], late.Json["request"]!["id"]!.ToString());
        var third = await host.Hub.AddPerson("Theo", Role.Agent);
        using var asTheo = await host.Person(third);
        var fresh = await asTheo.Post(Path, Body("Something else", ben));
        Assert.Equal(201, fresh.Status);
        Assert.DoesNotContain(mine["id"]!, fresh.Text, StringComparison.Ordinal);
        Assert.Equal(200, (await asAnn.Post(Path, Body("Deploy the shop", ben))).Status);
        Assert.Equal(3, await host.Hub.Place.Count("requests"));
    }

    [Theory, BothEngines]
    public async Task A_race_for_one_id_makes_one_request_per_person_and_one_per_source(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ben = await host.Hub.AddPerson("Ben");
        using var asAnn = await host.Person(await host.Hub.AddPerson("Ann", Role.Agent));
        using var asCora = await host.Person(await host.Hub.AddPerson("Cora", Role.Agent));
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        ApiClient[] callers = [asAnn, asCora, source];
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 24).Select(i => callers[i % callers.Length].Post(Path, Body("Deploy the shop", ben)))
        );
        Assert.All(answers, a => Assert.True(a.Status is 200 or 201, a.Text));
        Assert.Equal(3, answers.Count(a => a.Status == 201));
        Assert.Equal(3, answers.Select(a => a["id"]).Distinct().Count());
    }

    [Theory, BothEngines]
    public async Task A_revision_keeps_who_may_not_decide_and_who_was_named_to_decide(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (rita, ben) = (await host.Hub.AddPerson("Rita"), await host.Hub.AddPerson("Ben"));
        var sre = await host.Hub.AddGroup("SRE", rita, ben);
        using var asAnn = await host.Person(await host.Hub.AddPerson("Ann", Role.Agent));
        using var asRita = await host.Person(rita);
        object Ask(string subject, object? requester, object assignee) =>
            new
            {
                externalId = "deploy-1",
                subject,
                requester,
                assignee,
            };
        var asked = await asAnn.Post(Path, Ask("One node", new { email = rita.Email }, new { group = sre.Name }));

        var moved = await asAnn.Post(Path, Ask("All nodes", null, new { person = rita.Email }));
        Assert.Equal((409, "assignee_differs"), (moved.Status, moved.Code));
        var dropped = await asAnn.Post(Path, new { externalId = "deploy-1", subject = "All nodes" });
        Assert.Equal((409, "assignee_differs"), (dropped.Status, dropped.Code));
        Assert.Equal("1", (await asAnn.Get($"{Path}/{asked["id"]}"))["revision"]);

        // Without a requester, or with another, Rita stays barred.
        (string, object?)[] revisions = [("All nodes", null), ("Every node", new { email = ben.Email })];
        foreach (var (subject, requester) in revisions)
        {
            var revised = await asAnn.Post(Path, Ask(subject, requester, new { group = sre.Name }));
            Assert.Equal(200, revised.Status);
            var refused = await asRita.Post(
                $"{Path}/{asked["id"]}/decisions",
                new { answer = "approve", digest = revised["digest"] }
            );
            Assert.Equal((403, "requester_may_not_decide"), (refused.Status, refused["rule"]));
        }
        var request = await host.Hub.Find(RequestId.Of(asked["id"]!));
        Assert.Superset(new HashSet<long> { rita.Id, ben.Id }, request.Barred.ToHashSet());
        // Both members of the group asked, as far as the hub knows, and it says so.
        Assert.NotNull(request.Stuck);
        Assert.Null(await host.Hub.Proof());
    }

    private static object Body(string subject, Person assignee) =>
        new
        {
            externalId = "deploy-1",
            subject,
            assignee = new { person = assignee.Email },
        };
}
