using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>What admins and everybody do on pages, without scripts.</summary>
public sealed class AdminPagesTests
{
    [Theory, BothEngines]
    public async Task An_admin_adds_people_and_groups_and_changes_them(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var root = await host.Hub.AddPerson("Root", Role.Admin);
        using var admin = await host.SignIn(root);
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    "/people",
                    "/people",
                    ("do", "add-person"),
                    ("name", "Ann <b>"),
                    ("email", "ann@example.test"),
                    ("role", "agent"),
                    ("password", "correct horse battery")
                )
            ).Status
        );
        var again = await admin.Submit(
            "/people",
            "/people",
            ("do", "add-person"),
            ("name", "Ann"),
            ("email", "ANN@example.test"),
            ("role", "agent")
        );
        Assert.Equal(422, again.Status);
        Assert.Contains("This email is already in use.", again.Text, StringComparison.Ordinal);
        var ann = (await Snapshot(host)).FindPerson("ann@example.test")!;
        Assert.Contains("Ann &lt;b&gt;", (await admin.Get("/people")).Text, StringComparison.Ordinal);

        var group = await admin.Submit("/people", "/people", ("do", "add-group"), ("group", "SRE"));
        var path = group.Location!.Split('?')[0];
        Assert.Equal(302, (await admin.Submit(path, path, ("do", "add"), ("email", "ann@example.test"))).Status);
        Assert.Equal("SRE", Assert.Single((await Snapshot(host)).GroupsOf(ann.Id)).Name);
        Assert.Equal(302, (await admin.Submit(path, path, ("do", "name"), ("name", "Site <i>Reliability"))).Status);
        Assert.Contains("Site &lt;i&gt;Reliability", (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.Equal(422, (await admin.Submit(path, path, ("do", "name"), ("name", " "))).Status);
        Assert.Equal(302, (await admin.Submit(path, path, ("do", "remove"), ("email", "ann@example.test"))).Status);
        Assert.Empty((await Snapshot(host)).GroupsOf(ann.Id));

        var person = $"/people/{ann.Id}";
        Assert.Equal(
            422,
            (await admin.Submit(person, person, ("do", "profile"), ("name", " "), ("role", "admin"))).Status
        );
        Assert.Equal(Role.Agent, (await Snapshot(host)).People[ann.Id].Role);
        Assert.Equal(
            302,
            (await admin.Submit(person, person, ("do", "profile"), ("name", "Anna"), ("role", "admin"))).Status
        );
        Assert.Equal(
            422,
            (await admin.Submit(person, person, ("do", "password"), ("password", "password1234"))).Status
        );
        using var anna = await host.SignIn(ann);
        Assert.Equal(302, (await admin.Submit(person, person, ("do", "disable"))).Status);
        Assert.Equal(302, (await anna.Get("/account")).Status);
        var now = (await Snapshot(host)).People[ann.Id];
        Assert.Equal(("Anna", Role.Admin, true), (now.Name, now.Role, now.IsDisabled));
        Assert.Equal(302, (await admin.Submit(person, person, ("do", "enable"))).Status);

        Assert.Equal(
            422,
            (await admin.Submit(person, person, ("do", "absence"), ("from", "2026-03-04"), ("to", "2026-03-01"))).Status
        );
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    person,
                    person,
                    ("do", "absence"),
                    ("from", "2026-03-04"),
                    ("to", "2026-03-09"),
                    ("standIn", root.Email!)
                )
            ).Status
        );
        Assert.Contains("Root reviews meanwhile.", (await admin.Get(person)).Text, StringComparison.Ordinal);
        Assert.Contains(
            "<span class=\"badge warning\">Out of office</span>",
            (await admin.Get("/people")).Text,
            StringComparison.Ordinal
        );
        Assert.Equal(302, (await admin.Submit(person, person, ("do", "absence-end"))).Status);
        Assert.DoesNotContain("Root reviews meanwhile.", (await admin.Get(person)).Text, StringComparison.Ordinal);

        // Nobody takes the branch away on which they sit.
        var self = $"/people/{root.Id}";
        foreach (var what in new[] { "disable", "profile", "erase" })
        {
            Assert.Equal(
                422,
                (await admin.Submit(self, self, ("do", what), ("name", "Root"), ("role", "agent"))).Status
            );
        }
        Assert.True((await host.Services.GetRequiredService<Verify>().Run(null)).Ok);
    }

    [Theory, BothEngines]
    public async Task A_source_is_added_with_all_that_is_pasted_and_turns_green_with_its_first_call(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("PublicUrl", "http://approvals.example.test"));
        await host.Hub.AddGroup("SRE");
        using var admin = await host.SignIn(await host.Hub.AddPerson("Root", Role.Admin));
        var added = await admin.Submit(
            "/sources/new",
            "/sources",
            ("name", "LD production"),
            ("kind", "launchdarkly"),
            ("who", "group:SRE"),
            ("need", "2")
        );
        Assert.Equal(302, added.Status);
        var made = await admin.Get(added.Location!);
        var key = Regex.Match(made.Text, "csk_[A-Za-z0-9_-]+", RegexOptions.None, TimeSpan.FromSeconds(1)).Value;
        foreach (
            var value in new[]
            {
                "Custom approval service base URL",
                "http://approvals.example.test",
                "LD production",
                "Approval system",
                "No calls yet",
            }
        )
        {
            Assert.Contains(value, made.Text, StringComparison.Ordinal);
        }
        var source = (await Snapshot(host)).FindSource("LD production")!;
        Assert.Equal(2, source.Need);
        var path = $"/sources/{source.Id}";
        var waiting = await admin.Get(path);
        Assert.Contains("No calls yet", waiting.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(key, waiting.Text, StringComparison.Ordinal);

        using var caller = host.Source(new NewSourceKey(source.Id, source.Name, key));
        Assert.Equal(201, (await caller.Post("/api/approvals", new { _id = "first" })).Status);
        await Eventually.True(
            async () => (await admin.Get(path)).Text.Contains(">Active<", StringComparison.Ordinal),
            "the source shows as active"
        );

        Assert.DoesNotContain("Revoke old key", (await admin.Get(path)).Text, StringComparison.Ordinal);
        var rotated = await admin.Submit(path, path, ("do", "rotate"));
        Assert.Equal(302, rotated.Status);
        var shown = (await admin.Get(rotated.Location!)).Text;
        Assert.Contains("csk_", shown, StringComparison.Ordinal);
        Assert.Contains("Revoke old key", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("csk_", (await admin.Get(rotated.Location!)).Text, StringComparison.Ordinal);
        Assert.Equal(200, (await caller.Get("/api/members")).Status);
        await admin.Submit(path, path, ("do", "end-old"));
        Assert.DoesNotContain("Revoke old key", (await admin.Get(path)).Text, StringComparison.Ordinal);
        await Eventually.True(async () => (await caller.Get("/api/members")).Status == 401, "the old key is refused");
        Assert.Equal(422, (await admin.Submit(path, path, ("do", "set"), ("who", "group:SRE"), ("need", "0"))).Status);
        Assert.Equal(302, (await admin.Submit(path, path, ("do", "set"), ("who", "group:SRE"), ("need", "3"))).Status);
        Assert.Contains("3 of SRE", (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.Equal(302, (await admin.Submit(path, path, ("do", "set"), ("who", ""), ("need", "3"))).Status);
        Assert.Equal(
            ((long?)null, (int?)null),
            ((await Snapshot(host)).Sources[source.Id] is var set ? set.GroupId : 0, set.Need)
        );
        Assert.Equal(302, (await admin.Submit(path, path, ("do", "disable"))).Status);
        Assert.True((await Snapshot(host)).Sources[source.Id].IsDisabled);
        Assert.Equal(
            422,
            (await admin.Submit("/sources/new", "/sources", ("name", "LD production"), ("kind", "launchdarkly"))).Status
        );
        Assert.Equal(
            422,
            (
                await admin.Submit(
                    "/sources/new",
                    "/sources",
                    ("name", "x"),
                    ("kind", "api"),
                    ("who", "group:SRE"),
                    ("need", "none")
                )
            ).Status
        );
    }

    [Theory, BothEngines]
    public async Task Everybody_looks_after_their_own_tokens_sessions_and_password_and_nobody_elses(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (ann, ben) = (
            await host.Hub.AddPerson("Ann", password: "correct horse battery"),
            await host.Hub.AddPerson("Ben")
        );
        var bens = Some.Done(await host.Hub.Tokens.Add(ben.Email!, Some.Operator, default));
        using var bensBrowser = await host.SignIn(ben);
        var bensSession = Assert.Single(await host.Hub.Sessions.List(ben.Id, default));
        using var browser = await host.SignIn(ann);
        using var elsewhere = await host.SignIn(ann);

        var made = await browser.Submit(
            "/account",
            "/tokens",
            ("do", "add"),
            ("person", $"{ben.Id}"),
            ("impersonates", "true"),
            ("back", "/account")
        );
        Assert.Equal((302, "/tokens/new"), (made.Status, made.Location));
        var shown = await browser.Get("/tokens/new");
        // It is shown once, and to its owner alone.
        Assert.Equal("/account#tokens", (await browser.Get("/tokens/new")).Location);
        var token = Regex.Match(shown.Text, "cst_[A-Za-z0-9_-]+", RegexOptions.None, TimeSpan.FromSeconds(1)).Value;
        using var program = host.Person(ann.Email!, token);
        Assert.Equal(200, (await program.Get("/api/v1/requests")).Status);
        Assert.False((await host.Hub.Tokens.List(default)).Single(t => t.Email == ann.Email).Impersonates);
        Assert.Equal(404, (await browser.Submit("/account", "/tokens", ("do", "revoke"), ("id", $"{bens.Id}"))).Status);
        Assert.Equal(
            404,
            (await browser.Submit("/account", "/sessions", ("do", "end"), ("id", $"{bensSession.Id}"))).Status
        );
        Assert.Equal(200, (await bensBrowser.Get("/account")).Status);
        Assert.Equal(
            "/account?done=revoked",
            (
                await browser.Submit(
                    "/account",
                    "/tokens",
                    ("do", "revoke"),
                    ("id", $"{(await host.Hub.Tokens.List(default, ann.Id))[0].Id}"),
                    ("back", "//evil.example")
                )
            ).Location
        );

        Assert.Equal(
            422,
            (
                await browser.Submit(
                    "/account",
                    "/account",
                    ("do", "password"),
                    ("current-password", "a wrong one"),
                    ("new-password", "another one entirely")
                )
            ).Status
        );
        Assert.Equal(
            302,
            (
                await browser.Submit(
                    "/account",
                    "/account",
                    ("do", "password"),
                    ("current-password", "correct horse battery"),
                    ("new-password", "another one entirely")
                )
            ).Status
        );
        Assert.Equal((200, 302), ((await browser.Get("/account")).Status, (await elsewhere.Get("/account")).Status));
        using var third = await host.SignIn(ann);
        Assert.Equal(302, (await browser.Submit("/account", "/sessions", ("do", "end-others"))).Status);
        Assert.Equal(302, (await third.Get("/account")).Status);
        // A name tells the hub who asks, so nobody chooses their own.
        var account = (await browser.Get("/account")).Text;
        Assert.DoesNotContain("name=\"name\"", account, StringComparison.Ordinal);
        Assert.Equal(404, (await browser.Submit("/account", "/account", ("do", "name"), ("name", "Ann Other"))).Status);
        Assert.Equal(ann.Name, (await Snapshot(host)).People[ann.Id].Name);
        Assert.True((await host.Services.GetRequiredService<Verify>().Run(null)).Ok);
    }

    [Theory, BothEngines]
    public async Task An_admin_says_what_people_are_called_elsewhere(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (root, ann) = (await host.Hub.AddPerson("Root", Role.Admin), await host.Hub.AddPerson("Ann"));
        using var admin = await host.SignIn(root);
        var person = $"/people/{ann.Id}";
        Assert.Equal(
            302,
            (await admin.Submit(person, person, ("do", "add-alias"), ("alias", "Ann <b> of Darkly"))).Status
        );
        Assert.Equal(302, (await admin.Submit(person, person, ("do", "profile"), ("name", "Anna"))).Status);
        var refused = await admin.Submit(person, person, ("do", "add-alias"), ("alias", " "));
        Assert.Equal(422, refused.Status);
        Assert.Contains("An alias is a name or an email of", refused.Text, StringComparison.Ordinal);
        var page = (await admin.Get(person)).Text;
        Assert.Contains("<bdi>Ann &lt;b&gt; of Darkly</bdi>", page, StringComparison.Ordinal);
        Assert.Contains("<dt>Earlier names</dt><dd>Ann</dd>", page, StringComparison.Ordinal);
        var alias = Assert.Single(await host.Services.GetRequiredService<Aliases>().List(ann.Id, default));
        Assert.Equal(404, (await admin.Submit(person, person, ("do", "remove-alias"), ("id", "x"))).Status);
        Assert.Equal(302, (await admin.Submit(person, person, ("do", "remove-alias"), ("id", $"{alias.Id}"))).Status);
        Assert.DoesNotContain("of Darkly", (await admin.Get(person)).Text, StringComparison.Ordinal);

        // Where no one else could approve an active request, it is asked once more.
        await host.Hub.Ask(
            Some.Policy(ann.AsApprover),
            s =>
                s with
                {
                    Subject = "Turn <i> on",
                    Requester = new Requester(null, "annie", [], Certainty.None)
                    {
                        Claim = RequesterClaim.Of([], ["annie"]),
                    },
                }
        );
        var warned = await admin.Submit(person, person, ("do", "add-alias"), ("alias", "Annie"));
        Assert.Equal(422, warned.Status);
        Assert.Contains("1 active request could no longer be approved", warned.Text, StringComparison.Ordinal);
        Assert.Contains("Turn &lt;i&gt; on</a>", warned.Text, StringComparison.Ordinal);
        Assert.Empty((await Snapshot(host)).People[ann.Id].Aliases);
        Assert.Equal(
            302,
            (await admin.Submit(person, person, ("do", "add-alias"), ("alias", "Annie"), ("force", "true"))).Status
        );
        Assert.Equal(["Annie"], (await Snapshot(host)).People[ann.Id].Aliases);
        Assert.Null(await host.Hub.Proof());
    }

    [Fact]
    public async Task A_source_whose_requesters_LaunchDarkly_names_takes_no_one_at_their_word()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var root = await host.Hub.AddPerson("Root", Role.Admin);
        var flags = await host.Hub.AddSource("flags", kind: "launchdarkly");
        using var api = await host.Person(root);
        Assert.Equal(
            200,
            (
                await api.Put("/api/v1/sources/flags/launchdarkly", new { token = "api-1111-2222", identify = true })
            ).Status
        );
        using var admin = await host.SignIn(root);
        Assert.DoesNotContain(
            "taken at their word",
            (await admin.Get($"/sources/{flags.Id}")).Text,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task A_source_says_what_its_settings_leave_open(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (root, ann) = (await host.Hub.AddPerson("Root", Role.Admin), await host.Hub.AddPerson("Ann"));
        var (flags, builds) = (
            await host.Hub.AddSource("flags", kind: "launchdarkly"),
            await host.Hub.AddSource("builds")
        );
        using var admin = await host.SignIn(root);
        const string unknown = "Anyone whose LaunchDarkly name is unknown here can approve their own change.",
            claimed = "A named requester is taken at their word.";
        var path = $"/sources/{flags.Id}";
        Assert.Contains(claimed, (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(unknown, (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    path,
                    path,
                    ("do", "who-asks"),
                    ("unknown", "allow"),
                    ("claimed", "one_more"),
                    ("owner", ann.Email!)
                )
            ).Status
        );
        Assert.DoesNotContain(claimed, (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.Contains(unknown, (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.Contains($"Ann ({ann.Email})", (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.Equal(
            422,
            (
                await admin.Submit(
                    path,
                    path,
                    ("do", "who-asks"),
                    ("unknown", "refuse"),
                    ("claimed", "accept"),
                    ("owner", "eve@example.test")
                )
            ).Status
        );
        var source = (await Snapshot(host)).Sources[flags.Id];
        Assert.Equal(
            (UnknownRequester.Allow, ClaimedRequester.OneMore, (long?)ann.Id),
            (source.UnknownRequester, source.ClaimedRequester, source.OwnerId)
        );
        path = $"/sources/{builds.Id}";
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    path,
                    path,
                    ("do", "who-asks"),
                    ("unknown", "refuse"),
                    ("claimed", "accept"),
                    ("owner", ""),
                    ("required", "true")
                )
            ).Status
        );
        source = (await Snapshot(host)).Sources[builds.Id];
        Assert.Equal(
            (UnknownRequester.Refuse, (long?)null, true),
            (source.UnknownRequester, source.OwnerId, source.RequesterRequired)
        );
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    path,
                    path,
                    ("do", "who-asks"),
                    ("unknown", "refuse"),
                    ("claimed", "accept"),
                    ("owner", "")
                )
            ).Status
        );
        Assert.False((await Snapshot(host)).Sources[builds.Id].RequesterRequired);
    }

    [Theory, BothEngines]
    public async Task Admins_see_all_tokens_and_sessions_and_end_them_and_read_the_record(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (root, ben) = (await host.Hub.AddPerson("Root", Role.Admin), await host.Hub.AddPerson("Ben"));
        var token = Some.Done(await host.Hub.Tokens.Add(ben.Email!, Some.Operator, default));
        using var admin = await host.SignIn(root);
        using var bens = await host.SignIn(ben);
        Assert.Contains(ben.Email!, (await admin.Get("/tokens")).Text, StringComparison.Ordinal);
        var session = Assert.Single(await host.Hub.Sessions.List(ben.Id, default));
        Assert.Equal(
            "/sessions?done=ended",
            (
                await admin.Submit(
                    "/sessions",
                    "/sessions",
                    ("do", "end"),
                    ("id", $"{session.Id}"),
                    ("back", "/sessions")
                )
            ).Location
        );
        Assert.Equal(302, (await bens.Get("/account")).Status);
        Assert.Equal(
            302,
            (
                await admin.Submit("/tokens", "/tokens", ("do", "revoke"), ("id", $"{token.Id}"), ("back", "/tokens"))
            ).Status
        );

        var ended = await admin.Get($"/audit?kind=session.&subject={Uri.EscapeDataString(ben.Email!)}");
        Assert.Contains("session.ended", ended.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("token.revoked", ended.Text, StringComparison.Ordinal);
        Assert.Contains(
            "No matching events",
            (await admin.Get("/audit?from=2030-01-01")).Text,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "person.added",
            (await admin.Get($"/audit?who=operator&until={host.Hub.Clock.Now:yyyy-MM-dd}")).Text,
            StringComparison.Ordinal
        );
        Assert.Equal(422, (await admin.Get("/audit?who=nobody@example.test")).Status);
        Assert.Equal("/audit#integrity", (await admin.Submit("/audit", "/audit")).Location);
        Assert.Contains("Integrity verified", (await admin.Get("/audit")).Text, StringComparison.Ordinal);
        Assert.Equal(422, (await admin.Submit("/audit", "/audit", ("head", "nonsense"))).Status);
        using var export = new HttpRequestMessage(HttpMethod.Get, "/api/v1/audit/export");
        export.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/html"));
        Assert.Contains("\"session.ended\"", (await admin.Send(export)).Text, StringComparison.Ordinal);
        await host.Hub.Place.Tamper("UPDATE people SET role = 'admin' WHERE name = 'Ben'");
        Assert.Equal("/audit#integrity", (await admin.Submit("/audit", "/audit")).Location);
        Assert.Contains("Verification failed", (await admin.Get("/audit")).Text, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task The_record_is_read_page_by_page_each_event_once(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        for (var i = 0; i < 30; i++)
            await hub.AddPerson($"Person {i}");
        var browse = new SearchEvents(hub.Store);
        var seen = new List<long>();
        long? below = null;
        do
        {
            var page = await browse.Run(new EventFilter(null, "person.", null, null, null), below, 7, default);
            seen.AddRange(page.Events.Select(e => e.Id));
            below = page.Next;
        } while (below is not null);
        Assert.Equal(30, seen.Count);
        Assert.Equal(seen.Distinct().OrderDescending(), seen);
    }

    [Theory, BothEngines]
    public async Task Lists_of_an_admin_are_exported_without_secrets_and_without_formulas(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var boss = await host.Hub.AddPerson("Boss", Role.Admin);
        var group = await host.Hub.AddGroup("=cmd()", boss);
        var key = await host.Hub.AddSource("@pipeline", group, need: 1);
        using var admin = await host.SignIn(boss);
        using var api = await host.Person(boss);
        var made = await api.Post("/api/v1/webhooks", new { url = "https://hooks.example/in?token=hidden" });
        Assert.True(made.Status == 201, made.Text);
        var destination = await api.Post(
            "/api/v1/destinations",
            new
            {
                name = "+Desk",
                manifest = System.Text.Json.Nodes.JsonNode.Parse(Destinations.Manifest.Sample.Text),
                settings = new { baseURL = "https://desk.example" },
                secrets = new { apiKey = "k-123" },
            }
        );
        await host.Noticed();

        var sources = await File("sources");
        Assert.StartsWith("id,name,kind,group,required_approvals,", sources[0], StringComparison.Ordinal);
        Assert.StartsWith($"{key.Id},\"'@pipeline\",api,\"'=cmd()\",1,", sources[1], StringComparison.Ordinal);
        Assert.Equal(["id,name,members", $"{group.Id},\"'=cmd()\",Boss@example.test"], await File("groups"));
        var webhooks = await File("webhooks");
        Assert.Contains(",https://hooks.example/in?…,", webhooks[1], StringComparison.Ordinal);
        var tokens = await File("tokens");
        Assert.Contains(",Boss@example.test,false,", tokens[1], StringComparison.Ordinal);
        var all = string.Join('\n', [.. sources, .. webhooks, .. tokens, .. await File("destinations")]);
        Assert.Equal(201, destination.Status);
        Assert.Contains(",\"'+Desk\",", all, StringComparison.Ordinal);
        foreach (var secret in new[] { key.Key, made["secret"]!, "hidden", "k-123" })
            Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
        foreach (var list in new[] { "sources", "groups", "webhooks", "destinations", "tokens" })
            Assert.Contains($"href=\"/{list}.csv\"", (await admin.Get("/" + list)).Text, StringComparison.Ordinal);

        async Task<string[]> File(string name)
        {
            var file = await admin.Get($"/{name}.csv");
            Assert.Equal(200, file.Status);
            return file.Text.TrimStart('\uFEFF').Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        }
    }

    [Fact]
    public async Task For_everybody_else_these_pages_are_not_there()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ben = await host.Hub.AddPerson("Ben", Role.Agent);
        using var browser = await host.SignIn(ben);
        using var stranger = host.Browser();
        foreach (
            var path in new[]
            {
                "/people",
                "/people.csv",
                "/people/new",
                $"/people/{ben.Id}",
                "/sources",
                "/sources/1",
                "/sources.csv",
                "/groups",
                "/groups/1",
                "/groups.csv",
                "/tokens",
                "/tokens.csv",
                "/webhooks.csv",
                "/destinations.csv",
                "/sessions",
                "/audit",
            }
        )
        {
            Assert.Equal(404, (await browser.Get(path)).Status);
            Assert.Equal(302, (await stranger.Get(path)).Status);
        }
        foreach (var path in new[] { "/people", $"/people/{ben.Id}", "/sources", "/audit" })
        {
            Assert.Equal(
                404,
                (
                    await browser.Submit(
                        "/account",
                        path,
                        ("do", "add-person"),
                        ("name", "x"),
                        ("email", "x@example.test"),
                        ("role", "admin")
                    )
                ).Status
            );
        }
        Assert.Null((await Snapshot(host)).FindPerson("x@example.test"));
    }

    private static ValueTask<PeopleSnapshot> Snapshot(ApiHost host) =>
        host.Services.GetRequiredService<PeopleDirectory>().Refresh();
}
