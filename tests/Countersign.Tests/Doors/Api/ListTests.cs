using Countersign.Audit;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Api;

public sealed class ListTests
{
    private const string Requests = "/api/v1/requests";

    [Theory, BothEngines]
    public async Task A_walk_finds_every_request_once_while_new_ones_arrive_and_finds_its_way_back(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        using var admin = await host.Person(await host.Hub.AddPerson("Boss", Role.Admin));
        var asked = new List<string>();
        for (var i = 0; i < 25; i++)
            asked.Add((await source.Post(Requests, new { subject = $"Number {i}" }))["id"]!);
        asked.Reverse();

        var (there, last) = await Walk(
            admin,
            $"{Requests}?size=10",
            "next",
            whileWalking: () => source.Post(Requests, new { subject = "Newcomer" })
        );
        Assert.Equal(asked, there);
        Assert.Null(last["next"]);

        // Back towards the newest: the same requests, then the newcomers that arrived in front of them.
        var (back, top) = await Walk(admin, $"{Requests}?size=10&cursor={last["previous"]}", "previous");
        var newer = back.Chunk(10).SelectMany(page => page.Reverse()).ToList();
        Assert.Equal(asked.SkipLast(5).Reverse(), newer.Take(20));
        Assert.Equal(2, newer.Count - 20);
        Assert.Null(top["previous"]);
    }

    [Theory, BothEngines]
    public async Task Each_filter_finds_what_it_says_alone_and_together(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var hub = host.Hub;
        var (ann, ben, boss) = (
            await hub.AddPerson("Ann"),
            await hub.AddPerson("Ben"),
            await hub.AddPerson("Boss", Role.Admin)
        );
        await hub.AddGroup("SRE", ann, ben);
        await hub.AddGroup("DBA", ben);
        using var one = host.Source(await hub.AddSource("one"));
        using var two = host.Source(await hub.AddSource("two"));
        using var admin = await host.Person(boss);
        using var asAnn = await host.Person(ann);
        using var asBen = await host.Person(ben);
        await host.Noticed();

        var toAnn = await Ask(one, "Lift 100% of limits_now", new { person = ann.Email });
        hub.Clock.Advance(TimeSpan.FromHours(1));
        var toSre = await Ask(one, "Rotate the Café certificate", new { group = "SRE" });
        hub.Clock.Advance(TimeSpan.FromHours(1));
        var toDba = await Ask(two, "Add an index", new { group = "DBA" });
        hub.Clock.Advance(TimeSpan.FromHours(1));
        var toAdmins = await Ask(two, "Anything else", null);
        await asBen.Post($"{Requests}/{toDba}/decisions", new { answer = "approve" });

        await Finds(admin, "", toAdmins, toDba, toSre, toAnn);
        await Finds(admin, "status=approved", toDba);
        await Finds(admin, "status=active,approved&status=rejected", toAdmins, toDba, toSre, toAnn);
        await Finds(admin, "status=withdrawn");
        await Finds(admin, "assignee=Ann@example.test", toAnn);
        await Finds(admin, "group=SRE,DBA", toDba, toSre);
        await Finds(admin, "group=SRE,DBA&status=active", toSre);
        await Finds(admin, "source=one", toSre, toAnn);
        await Finds(admin, "source=one&group=SRE", toSre);
        await Finds(admin, "source=two&status=active", toAdmins);
        await Finds(admin, "assignee=Ann@example.test&group=SRE");
        await Finds(admin, "text=CAF%C3%89", toSre);
        await Finds(admin, "text=100%25%20of", toAnn);
        await Finds(admin, "text=limits_now", toAnn);
        await Finds(admin, "text=limits-now");
        await Finds(admin, "text=%25", toAnn);
        await Finds(admin, "text=%25%25");
        var hour = hub
            .Clock.GetUtcNow()
            .AddMinutes(-90)
            .ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
        await Finds(admin, $"from={hour}", toAdmins, toDba);
        await Finds(admin, $"before={hour}", toSre, toAnn);
        await Finds(admin, "waiting=me", toAdmins);
        await Finds(asAnn, "", toSre, toAnn);
        await Finds(asAnn, "waiting=me", toSre, toAnn);
        await Finds(asAnn, "group=SRE", toSre);
        await Finds(asAnn, "group=DBA");
        await Finds(asBen, "", toDba, toSre);
        await Finds(asBen, "status=approved", toDba);
        await Finds(one, "", toSre, toAnn);
        await Finds(one, "status=active&text=limits", toAnn);

        // Whoever has answered is not waited for, though the group still is.
        await asAnn.Post($"{Requests}/{toSre}/decisions", new { answer = "abstain" });
        await Finds(asAnn, "waiting=me", toAnn);
        await Finds(asBen, "waiting=me", toSre);
    }

    [Theory, BothEngines]
    public async Task A_group_finds_what_names_it_and_what_a_policy_asks_of_it_also_while_that_is_stuck(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var hub = host.Hub;
        var (ann, boss) = (await hub.AddPerson("Ann"), await hub.AddPerson("Boss", Role.Admin));
        await hub.AddGroup("owners", ann);
        await hub.AddGroup("SRE");
        using var source = host.Source(await hub.AddSource("pipeline"));
        using var admin = await host.Person(boss);
        using var asAnn = await host.Person(ann);
        await admin.Put(
            "/api/v1/policies",
            new
            {
                text = """
                version: 1
                policies:
                  - name: two
                    when: { source: [pipeline], environment: [core] }
                    steps: [ { name: first, from: { groups: [owners] } }, { name: second, from: { groups: [SRE] } } ]
                """,
            }
        );
        var named = await Ask(source, "Named", new { group = "SRE" });
        var asked = (await source.Post(Requests, new { subject = "Asked", facts = new { environment = "core" } }))[
            "id"
        ]!;
        var both = (
            await source.Post(
                Requests,
                new
                {
                    subject = "Both",
                    assignee = new { group = "SRE" },
                    facts = new { environment = "core" },
                }
            )
        )["id"]!;
        await Ask(source, "Neither", new { person = ann.Email });
        Assert.NotNull((await admin.Get($"{Requests}/{asked}")).Json["stuck"]);

        await Finds(admin, "group=SRE", both, asked, named);
        await Finds(admin, "group=sre&source=pipeline&text=as", asked);
        await Finds(admin, "group=owners", both, asked);
        await Finds(admin, "group=owners,SRE", both, asked, named);
        await Finds(asAnn, "group=SRE", both, asked);
        await Finds(asAnn, "waiting=me&group=SRE", both, asked);
        await Finds(admin, "group=owners&status=active", both, asked);
        await asAnn.Post($"{Requests}/{asked}/decisions", new { answer = "approve" });
        await Finds(admin, "group=owners&status=active", both);
        await Finds(admin, "group=SRE&status=active", both, asked, named);
        await asAnn.Post($"{Requests}/{both}/decisions", new { answer = "reject" });
        await Finds(admin, "group=owners&status=rejected", both);
        await Finds(admin, "group=SRE&status=rejected,withdrawn", both);
    }

    [Theory, BothEngines]
    public async Task A_filter_of_many_groups_finds_all_of_theirs_and_nothing_else_on_full_pages(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        using var admin = await host.Person(await host.Hub.AddPerson("Boss", Role.Admin));
        var teams = new List<Group>();
        for (var i = 0; i < 14; i++)
            teams.Add(await host.Hub.AddGroup($"team {i}", await host.Hub.AddPerson($"Member {i}")));
        await host.Noticed();
        var wanted = new List<string>();
        // The oldest fit the filter, then come more of others than are looked at before the ranges are merged, then
        // some that fit.
        for (var i = 0; i < 30; i++)
            wanted.Add(await AskOneOf(i));
        await Task.WhenAll(
            Enumerable
                .Range(0, 450)
                .Select(i =>
                    source.Post(Requests, new { subject = $"Other {i}", assignee = new { group = "team 13" } })
                )
        );
        for (var i = 0; i < 15; i++)
            wanted.Add(await AskOneOf(i));
        wanted.Reverse();

        var groups = string.Join(',', Enumerable.Range(0, 12).Select(i => $"team {i}"));
        foreach (var statuses in new[] { "", "&status=active,approved,rejected,withdrawn" })
        {
            var query = $"{Requests}?group={groups}{statuses}&size=10";
            var (there, last) = await Walk(admin, query, "next");
            Assert.Equal(wanted, there);
            Assert.Null(last["next"]);
            var (back, _) = await Walk(admin, $"{query}&cursor={last["previous"]}", "previous");
            Assert.Equal(wanted.SkipLast(5), back.Chunk(10).Reverse().SelectMany(page => page));
        }

        // One half names the group, the other has a policy that asks it.
        async Task<string> AskOneOf(int i)
        {
            host.Hub.Clock.Advance(TimeSpan.FromSeconds(1));
            var team = teams[i % 12];
            return i / 12 % 2 == 0
                ? await Ask(source, $"Named {i}", new { group = team.Name })
                : (await host.Hub.Ask(Some.Policy(team.AsApprover))).Id.Value;
        }
    }

    [Theory, BothEngines]
    public async Task A_search_that_skips_much_answers_short_pages_and_still_finds_all(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        using var admin = await host.Person(await host.Hub.AddPerson("Boss", Role.Admin));
        var needle = (await source.Post(Requests, new { subject = "The needle" }))["id"]!;
        host.Hub.Clock.Advance(TimeSpan.FromSeconds(1));
        var policy = Some.Policy(new Policies.Approver(Policies.Party.Admins, "an admin"));
        await Task.WhenAll(Enumerable.Range(0, 2_100).Select(_ => host.Hub.Ask(policy)));

        var byWord = await admin.Get($"{Requests}?text=needle&size=10");
        Assert.Equal((1, null), (byWord.Json["requests"]!.AsArray().Count, byWord["next"]));
        // No word begins with this, so it is looked for in titles.
        var first = await admin.Get($"{Requests}?text=eedle&size=10");
        Assert.True(first.Status == 200, first.Text);
        Assert.Empty(first.Json["requests"]!.AsArray());
        Assert.NotNull(first["next"]);
        var (found, _) = await Walk(admin, $"{Requests}?text=eedle&size=10", "next");
        Assert.Equal([needle], found);
    }

    [Theory, BothEngines]
    public async Task An_environment_is_found_among_many_others_page_by_page_in_both_directions(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        using var admin = await host.Person(await host.Hub.AddPerson("Boss", Role.Admin));
        var production = new List<string>();
        for (var i = 0; i < 130; i++)
        {
            host.Hub.Clock.Advance(TimeSpan.FromSeconds(1));
            var asked = await source.Post(
                Requests,
                new
                {
                    subject = $"Change {i % 2}",
                    facts = new Dictionary<string, object>
                    {
                        ["environment"] = "key",
                        ["environment.name"] = i % 5 == 0 ? "Produktion Süd" : "Staging",
                    },
                }
            );
            if (i % 5 == 0)
                production.Insert(0, asked["id"]!);
        }
        await source.Post(Requests, new { subject = "The words environment.name Produktion Süd" });

        var query = $"{Requests}?environment={Uri.EscapeDataString("produktion süd")}";
        var (there, last) = await Walk(admin, $"{query}&size=4", "next");
        Assert.Equal(production, there);
        var (back, _) = await Walk(admin, $"{query}&size=4&cursor={last["previous"]}", "previous");
        Assert.Equal(
            production.SkipLast(last.Json["requests"]!.AsArray().Count),
            back.Chunk(4).Reverse().SelectMany(page => page)
        );
        await Finds(
            admin,
            $"environment={Uri.EscapeDataString("Produktion Süd")}&text=change+1&size=100",
            [.. production.Where((_, i) => (production.Count - 1 - i) % 2 == 1)]
        );
        await Finds(admin, "environment=key");
        await Finds(admin, "environment=Produktion");
    }

    private static async Task<string> Ask(ApiClient source, string subject, object? assignee) =>
        (await source.Post(Requests, assignee is null ? new { subject } : new { subject, assignee }))["id"]!;

    private static async Task Finds(ApiClient viewer, string query, params string[] expected)
    {
        var answer = await viewer.Get($"{Requests}?{query}");
        Assert.True(answer.Status == 200, $"{query}: {answer.Text}");
        Assert.Equal((query, string.Join(' ', expected)), (query, string.Join(' ', Ids(answer))));
    }

    private static async Task<(List<string> Ids, ApiAnswer Last)> Walk(
        ApiClient viewer,
        string start,
        string link,
        Func<Task>? whileWalking = null
    )
    {
        var ids = new List<string>();
        var answer = await viewer.Get(start);
        while (true)
        {
            Assert.Equal(200, answer.Status);
            ids.AddRange(Ids(answer));
            if (answer[link] is not { } cursor)
                return (ids, answer);
            if (whileWalking is not null)
                await whileWalking();
            answer = await viewer.Get($"{start.Split("&cursor")[0]}&cursor={cursor}");
        }
    }

    private static IEnumerable<string> Ids(ApiAnswer answer) =>
        answer.Json["requests"]!.AsArray().Select(r => r!["id"]!.ToString());
}
