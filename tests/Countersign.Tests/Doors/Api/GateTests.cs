using Countersign.Hosting;
using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests.Doors.Api;

public sealed class GateTests
{
    [Theory, BothEngines]
    public async Task Every_credential_that_is_not_good_gets_the_same_answer(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var people = await host.Hub.AddPeople("Ann", "Ben");
        var token = Some.Done(await host.Hub.Tokens.Add(people[0].Email!, Some.Operator, default)).Token;
        using var good = host.Person(people[0].Email!.ToUpperInvariant(), token);
        Assert.Equal(200, (await good.Get("/api/v1/requests")).Status);

        var answers = new List<string>();
        foreach (
            var client in new[]
            {
                host.Nobody(),
                host.Source(new NewSourceKey(1, "x", "csk_wrong")),
                host.Source(new NewSourceKey(1, "x", "")),
                host.Source(new NewSourceKey(1, "x", token)),
                host.Person(people[0].Email!, token[..^1]),
                host.Person(people[1].Email!, token),
                host.Person("nobody@example.test", "x"),
            }
        )
        {
            using (client)
            {
                var answer = await client.Get("/api/v1/requests");
                Assert.Equal((401, "unauthenticated"), (answer.Status, answer.Code));
                answers.Add(answer["title"] + answer["detail"] + answer.Headers.WwwAuthenticate);
            }
        }
        Assert.Single(answers.Distinct());

        // Once the server stops, or the minute is over, the failures are on record: by account, without any key.
        await host.Stop();
        var failed = (await host.Hub.Place.Events("hub")).Where(e => e.Kind == "sign_in.failed").ToList();
        Assert.Contains(failed, e => e.Data.Contains("ann@example.test", StringComparison.OrdinalIgnoreCase));
        Assert.Contains(failed, e => e.Data.Contains("(key)", StringComparison.Ordinal));
        Assert.DoesNotContain(failed, e => e.Data.Contains(token[..20], StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task A_revoked_token_a_disabled_person_and_a_disabled_source_stop_in_a_running_server(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann");
        var ben = await host.Hub.AddPerson("Ben");
        var key = await host.Hub.AddSource("pipeline");
        var token = Some.Done(await host.Hub.Tokens.Add(ann.Email!, Some.Operator, default));
        using var revoked = host.Person(ann.Email!, token.Token);
        using var disabled = await host.Person(ben);
        using var source = host.Source(key);
        ApiClient[] clients = [revoked, disabled, source];
        foreach (var client in clients)
            Assert.Equal(200, (await client.Get("/api/v1/requests")).Status);

        // As the command line does it: through another connection to the same store.
        var elsewhere = await host.Hub.Place.OpenAnother();
        await new Tokens(elsewhere).Revoke(token.Id, Some.Operator, default);
        await new Accounts(elsewhere, new(elsewhere)).Disable(ben.Email!, Some.Operator, default, isForced: true);
        await new Sources(elsewhere).Disable("pipeline", Some.Operator, default);
        foreach (var client in clients)
        {
            await Eventually.True(
                async () => (await client.Get("/api/v1/requests")).Status == 401,
                "the credential stops working"
            );
        }

        await new Sources(elsewhere).Enable("pipeline", Some.Operator, default);
        Assert.Equal(200, (await source.Get("/api/v1/requests")).Status);
    }

    [Theory, BothEngines]
    public async Task A_rotated_key_works_beside_the_new_one_until_it_is_ended(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var first = await host.Hub.AddSource("pipeline");
        var second = Some.Done(await host.Hub.Sources.Rotate("pipeline", Some.Operator, default));
        using var old = host.Source(first);
        using var fresh = host.Source(second);
        Assert.Equal(200, (await old.Get("/api/v1/requests")).Status);
        Assert.Equal(200, (await fresh.Get("/api/v1/requests")).Status);
        await host.Hub.Sources.EndOldKey("pipeline", Some.Operator, default);
        await Eventually.True(async () => (await old.Get("/api/v1/requests")).Status == 401, "the old key ends");
        Assert.Equal(200, (await fresh.Get("/api/v1/requests")).Status);
    }

    [Fact]
    public async Task A_key_that_asks_too_often_is_told_when_to_go_on()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("RateLimit:PerKeyPerMinute", "3"));
        using var eager = host.Source(await host.Hub.AddSource("eager"));
        using var other = host.Source(await host.Hub.AddSource("other"));
        await host.Noticed();
        host.Hub.Clock.Advance(TimeSpan.FromSeconds(60 - host.Hub.Clock.Now.Second + 13));
        foreach (var minute in new[] { 47, 60 })
        {
            var answers = new List<ApiAnswer>();
            for (var i = 0; i < 20; i++)
                answers.Add(await eager.Get("/api/v1/requests"));
            Assert.Equal([200, 200, 200, .. Enumerable.Repeat(429, 17)], answers.Select(a => a.Status));
            Assert.All(
                answers[3..],
                a => Assert.Equal(("rate_limited", TimeSpan.FromSeconds(minute)), (a.Code, a.Headers.RetryAfter!.Delta))
            );
            Assert.Equal(200, (await other.Get("/api/v1/requests")).Status);
            // What Retry-After says is true to the second.
            host.Hub.Clock.Advance(TimeSpan.FromSeconds(minute - 1));
            Assert.Equal(429, (await eager.Get("/api/v1/requests")).Status);
            host.Hub.Clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Pages_and_calls_without_a_good_key_obey_the_limit_by_session_and_by_address()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("RateLimit:PerKeyPerMinute", "6"));
        using var ann = await host.SignIn(await host.Hub.AddPerson("Ann", Role.Agent));
        using var nobody = host.Nobody();
        using var wrong = host.Source(new NewSourceKey(1, "x", "csk_wrong"));
        await host.Noticed();
        async Task<List<int>> Ten(Func<int, Task<int>> call)
        {
            var statuses = new List<int>();
            for (var i = 0; i < 10; i++)
                statuses.Add(await call(i));
            return statuses;
        }

        Assert.Equal(
            [.. Enumerable.Repeat(200, 6), 429, 429, 429, 429],
            await Ten(async _ => (await ann.Get("/")).Status)
        );
        var page = await ann.Send(
            new HttpRequestMessage(HttpMethod.Get, "/account") { Headers = { { "Accept", "text/html" } } }
        );
        Assert.Equal(429, page.Status);
        Assert.Contains("</html>", page.Text, StringComparison.Ordinal);
        Assert.NotNull(page.Headers.RetryAfter);

        // All that comes from one address without a good key is counted together, for all that it asks for.
        Assert.Equal(
            [200, 401, 404, 200, 401, 404, 429, 429, 429, 429],
            await Ten(async i =>
                (i % 3) switch
                {
                    0 => (await nobody.Get("/sign-in")).Status,
                    1 => (await wrong.Get("/api/v1/requests")).Status,
                    _ => (await nobody.Get("/nothing-here")).Status,
                }
            )
        );
        Assert.Equal(
            200,
            (await nobody.Send(HttpMethod.Get, "/sign-in", null, ("X-Forwarded-For", "203.0.113.7"))).Status
        );
        Assert.Equal(200, (await nobody.Get("/health/ready")).Status);

        // A /64 is one address.
        Assert.Equal(
            [.. Enumerable.Repeat(200, 6), 429, 429, 429, 429],
            await Ten(async i =>
                (
                    await nobody.Send(HttpMethod.Get, "/sign-in", null, ("X-Forwarded-For", $"2001:db8:1:2::{i + 1}"))
                ).Status
            )
        );
        Assert.Equal(
            200,
            (await nobody.Send(HttpMethod.Get, "/sign-in", null, ("X-Forwarded-For", "2001:db8:1:3::1"))).Status
        );
    }

    [Fact]
    public async Task Unknown_keys_are_not_looked_for_without_end_and_known_ones_go_on()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var good = host.Source(await host.Hub.AddSource("good"));
        await host.Noticed();
        var statuses = new List<int>();
        for (var i = 0; i < SignInAttempts.MaxPerAddress + 20; i++)
        {
            using var wrong = host.Source(new NewSourceKey(1, "x", $"csk_{i}"));
            statuses.Add((await wrong.Get("/api/v1/requests")).Status);
        }
        Assert.Equal(
            [.. Enumerable.Repeat(401, SignInAttempts.MaxPerAddress), .. Enumerable.Repeat(429, 20)],
            statuses
        );
        Assert.Equal(200, (await good.Get("/api/v1/requests")).Status);
        // A page by token, and other addresses.
        using var late = host.Source(new NewSourceKey(1, "x", "csk_late"));
        Assert.Equal(429, (await late.Get("/account")).Status);
        Assert.Equal(
            401,
            (await late.Send(HttpMethod.Get, "/api/v1/requests", null, ("X-Forwarded-For", "203.0.113.7"))).Status
        );
        host.Hub.Clock.Advance(SignInAttempts.Window);
        Assert.Equal(401, (await late.Get("/api/v1/requests")).Status);
    }

    [Fact]
    public async Task A_path_prefix_a_trailing_slash_and_forwarded_headers_work()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("PathBase", "/approvals"));
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var asked = await source.Post("/approvals//api/v1/requests", new { subject = "x" });
        Assert.Equal(201, asked.Status);
        Assert.Equal($"/approvals/api/v1/requests/{asked["id"]}", asked.Headers.Location!.ToString());
        Assert.Equal(200, (await source.Get($"/approvals/api/v1/requests/{asked["id"]}")).Status);
        await source.Send(
            HttpMethod.Post,
            $"/approvals/api/v1/requests/{asked["id"]}/comments",
            new StringContent("{\"text\":\"hi\"}", null, "application/json"),
            ("X-Forwarded-For", "203.0.113.9")
        );
        Assert.Equal("203.0.113.9", (await host.Hub.Place.Events($"request:{asked["id"]}"))[^1].Address);
    }

    [Theory, BothEngines]
    public async Task What_comes_straight_and_what_comes_through_a_proxy_is_answered_alike(Engine engine)
    {
        const string proxied = "203.0.113.9";
        await using var host = await ApiHost.Start(engine);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var ben = await host.Hub.AddPerson("Ben", Role.Agent);
        using var asBen = await host.Person(ben);
        using var stranger = await host.Person(await host.Hub.AddPerson("Eve", Role.Agent));
        using var nobody = host.Nobody();
        await host.Noticed();
        // The first calls of all are told from those that follow.
        foreach (var client in new[] { source, asBen, stranger })
            await client.Get("/api/v1/requests");

        const string yes = """{"answer":"approve","note":"Looked at it."}""";
        var answers = new List<List<(int, string?, string)>>();
        foreach (var address in new[] { null, proxied })
        {
            var asked = await Send(
                source,
                "",
                $$"""{"subject":"x","externalId":"{{address}}-1","assignee":{"person":"{{ben.Email}}" } }"""
            );
            var (id, of) = (asked["id"]!, $"/{asked["id"]}/decisions");
            answers.Add([
                Seen(asked),
                Seen(await Send(source, "", """{"subject":"","colour":"red"}""")),
                Seen(await Send(source, "", "{")),
                Seen(await Send(nobody, "", """{"subject":"x"}""")),
                Seen(await Send(stranger, of, yes)),
                Seen(await Send(asBen, of, """{"answer":"perhaps","colour":"red"}""")),
                Seen(await Send(asBen, of, "[]")),
                Seen(await Send(source, of, yes)),
                Seen(await Send(asBen, of, yes)),
                Seen(await Send(asBen, of, yes)),
                Seen(await Send(asBen, "/../decisions", yes)),
            ]);
            Assert.Equal(
                [(address ?? "127.0.0.1", "api"), (address ?? "127.0.0.1", "api")],
                (await host.Hub.Place.Events($"request:{id}")).Select(e => (e.Address, e.Via))
            );

            Task<ApiAnswer> Send(ApiClient client, string path, string body)
            {
                var content = new StringContent(body, null, "application/json");
                return address is null
                    ? client.Send(HttpMethod.Post, $"/api/v1/requests{path}", content)
                    : client.Send(HttpMethod.Post, $"/api/v1/requests{path}", content, ("X-Forwarded-For", address));
            }
        }
        Assert.Equal([201, 422, 400, 401, 404, 422, 400, 403, 200, 409, 404], answers[0].Select(a => a.Item1));
        Assert.Equal(answers[0], answers[1]);

        static (int, string?, string) Seen(ApiAnswer answer) =>
            (
                answer.Status,
                answer.Status >= 400 && answer.Status != 404 ? answer.Code : null,
                answer.Text.Length == 0 ? "" : string.Join(' ', answer.Json.AsObject().Select(p => p.Key))
            );
    }

    [Theory, BothEngines]
    public async Task Only_admins_manage_people_groups_tokens_and_sources(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var boss = await host.Hub.AddPerson("Boss", Role.Admin);
        using var admin = await host.Person(boss);
        using var agent = await host.Person(await host.Hub.AddPerson("Agent", Role.Agent));
        foreach (var path in new[] { "people", "groups", "tokens", "sources" })
        {
            Assert.Equal(
                (403, "not_allowed"),
                ((await agent.Get($"/api/v1/{path}")) is var a ? (a.Status, a.Code) : default)
            );
        }
        Assert.Equal(
            403,
            (
                await agent.Post(
                    "/api/v1/people",
                    new
                    {
                        email = "x@example.test",
                        name = "X",
                        role = "admin",
                    }
                )
            ).Status
        );

        Assert.Equal(
            201,
            (await admin.Post("/api/v1/people", new { email = "new@example.test", name = "New" })).Status
        );
        Assert.Equal(
            409,
            (await admin.Post("/api/v1/people", new { email = "NEW@example.test", name = "Again" })).Status
        );
        Assert.Equal(422, (await admin.Post("/api/v1/people", new { email = "new", name = "New" })).Status);
        var group = await admin.Post("/api/v1/groups", new { name = "SRE", members = new[] { "new@example.test" } });
        Assert.Equal("new@example.test", group.Json["members"]![0]!.ToString());
        Assert.Equal(204, (await admin.Put("/api/v1/groups/SRE/members/Boss@example.test")).Status);
        Assert.Equal(204, (await admin.Delete("/api/v1/groups/SRE/members/new@example.test")).Status);
        var made = await admin.Post(
            "/api/v1/sources",
            new
            {
                name = "ld",
                kind = "launchdarkly",
                group = "SRE",
                need = 1,
            }
        );
        using var source = host.Source(new NewSourceKey(0, "ld", made["key"]!));
        Assert.Equal(201, (await source.Post("/api/v1/requests", new { subject = "x" })).Status);
        Assert.Equal(
            "Ops",
            (await admin.Send(HttpMethod.Patch, "/api/v1/groups/sre", Body("""{"name":"Ops"}""")))["name"]
        );
        Assert.Equal(409, (await admin.Post("/api/v1/groups", new { name = "OPS" })).Status);
        var changed = await admin.Send(HttpMethod.Patch, "/api/v1/sources/LD", Body("""{"need":2}"""));
        Assert.Equal((200, "Ops", "2"), (changed.Status, changed["group"], changed["need"]));
        Assert.Equal(204, (await admin.Put("/api/v1/groups/Ops/members/new@example.test")).Status);
        // From the next request on: the change reached whoever answers.
        var next = await source.Post("/api/v1/requests", new { subject = "y" });
        // Two of the group, and one because no one stands behind a LaunchDarkly request that names no requester.
        Assert.Contains("3 approvals", next["display"], StringComparison.Ordinal);
        foreach (
            var (wrong, member) in new[]
            {
                ("{}", "group"),
                ("""{"need":0}""", "need"),
                ("""{"oneAdmin":true,"group":"Ops"}""", "oneAdmin"),
                ("""{"group":"Ops","destination":"x"}""", "destination"),
            }
        )
        {
            Assert.Equal([member], (await admin.Send(HttpMethod.Patch, "/api/v1/sources/ld", Body(wrong))).Wrong);
        }
        Assert.Equal(
            404,
            (await admin.Send(HttpMethod.Patch, "/api/v1/sources/zendesk", Body("""{"oneAdmin":true}"""))).Status
        );
        Assert.Equal(
            403,
            (await agent.Send(HttpMethod.Patch, "/api/v1/sources/ld", Body("""{"oneAdmin":true}"""))).Status
        );
        Assert.Null((await admin.Send(HttpMethod.Patch, "/api/v1/sources/ld", Body("""{"oneAdmin":true}""")))["group"]);
        var asks = await admin.Send(
            HttpMethod.Patch,
            "/api/v1/sources/ld",
            Body("""{"unknownRequester":"refuse","claimedRequester":"one_more","owner":"new@example.test"}""")
        );
        Assert.Equal(
            (200, "refuse", "one_more", "new@example.test"),
            (asks.Status, asks["unknownRequester"], asks["claimedRequester"], asks["owner"])
        );
        foreach (
            var (wrong, member) in new[]
            {
                ("""{"unknownRequester":"x"}""", "unknownRequester"),
                ("""{"claimedRequester":"refuse"}""", "claimedRequester"),
                ("""{"requesterRequired":true}""", "requesterRequired"),
            }
        )
        {
            Assert.Equal([member], (await admin.Send(HttpMethod.Patch, "/api/v1/sources/ld", Body(wrong))).Wrong);
        }

        var alias = await admin.Post("/api/v1/people/new@example.test/aliases", new { alias = "nina@darkly.example" });
        Assert.Equal((201, "nina@darkly.example"), (alias.Status, alias["text"]));
        Assert.Equal(
            ["alias"],
            (await admin.Post("/api/v1/people/new@example.test/aliases", new { alias = "" })).Wrong
        );
        Assert.Equal(404, (await admin.Post("/api/v1/people/none@example.test/aliases", new { alias = "x" })).Status);
        Assert.Equal(403, (await agent.Post("/api/v1/people/new@example.test/aliases", new { alias = "x" })).Status);
        Assert.Equal(
            alias["id"],
            (await admin.Get("/api/v1/people/new@example.test/aliases")).Json["aliases"]![0]!["id"]!.ToString()
        );
        Assert.Equal(204, (await admin.Delete($"/api/v1/people/new@example.test/aliases/{alias["id"]}")).Status);
        Assert.Equal(404, (await admin.Delete($"/api/v1/people/new@example.test/aliases/{alias["id"]}")).Status);
        var import = await admin.Post(
            "/api/v1/people/import",
            new
            {
                people = new object[]
                {
                    new
                    {
                        email = "new@example.test",
                        name = "Nina",
                        aliases = new[] { "nin" },
                    },
                    new { email = "ole@example.test", name = "Ole" },
                },
            }
        );
        Assert.Equal(
            (200, "ole@example.test", "new@example.test"),
            (import.Status, import.Json["added"]![0]!.ToString(), import.Json["changed"]![0]!.ToString())
        );
        var bad = await admin.Post(
            "/api/v1/people/import",
            new
            {
                people = new object?[]
                {
                    new { email = "x", name = "X" },
                    null,
                    new
                    {
                        email = "y@example.test",
                        name = "Y",
                        aliases = new string?[] { null },
                    },
                },
            }
        );
        Assert.Equal(422, bad.Status);
        Assert.Contains(
            "people[0]: This isn't an email address. people[1]: The email is missing. people[2]: An alias is",
            bad.Text,
            StringComparison.Ordinal
        );
        Assert.Equal(403, (await agent.Post("/api/v1/people/import", new { people = Array.Empty<object>() })).Status);
        var token = await admin.Post("/api/v1/tokens", new { email = "new@example.test" });
        using var person = host.Person("new@example.test", token["token"]!);
        Assert.Equal(200, (await person.Get("/api/v1/requests")).Status);
        Assert.Equal(204, (await admin.Delete($"/api/v1/tokens/{token["id"]}")).Status);
        Assert.Equal(403, (await agent.Get("/api/v1/audit/verification")).Status);
        Assert.Equal("true", (await admin.Get("/api/v1/audit/verification"))["ok"]);
        Assert.Equal("false", (await admin.Get($"/api/v1/audit/verification?head=9:{new string('0', 64)}"))["ok"]);
        Assert.Equal(400, (await admin.Get("/api/v1/audit/verification?head=nonsense")).Status);
        Assert.Contains("person.added", (await admin.Get("/api/v1/audit/export")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("cst_", (await admin.Get("/api/v1/tokens")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("csk_", (await admin.Get("/api/v1/sources")).Text, StringComparison.Ordinal);
    }

    private static StringContent Body(string json) => new(json, null, "application/json");

    [Fact]
    public async Task The_description_names_every_path_and_its_page_is_served()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var nobody = host.Nobody();
        var description = (await nobody.Get("/openapi/v1.json")).Json;
        Assert.Equal(Product.Version, description["info"]!["version"]!.ToString());
        var paths = description["paths"]!.AsObject();
        foreach (
            var path in new[]
            {
                "/api/v1/requests",
                "/api/v1/requests/{id}",
                "/api/v1/requests/{id}/decisions",
                "/api/v1/people",
                "/api/v1/sources/{name}/key",
                "/api/v1/events",
            }
        )
        {
            Assert.True(paths.ContainsKey(path), path);
        }
        Assert.Contains("swagger", (await nobody.Get("/docs/index.html")).Text, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("alive", (await nobody.Get("/health/live")).Text);
        Assert.Equal("ready", (await nobody.Get("/health/ready"))["status"]);
    }
}
