using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Api;

public sealed class RequestApiTests
{
    private static readonly object Question = new
    {
        subject = "Turn on dark mode",
        message = "So that nobody is dazzled.",
        facts = new { environment = "production", flag = "dark-mode" },
    };

    [Theory, BothEngines]
    public async Task A_source_asks_a_member_of_its_group_approves_and_the_source_hears_it(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var jane = await host.Hub.AddPerson("Jane Doe");
        var sre = await host.Hub.AddGroup("SRE", jane);
        using var source = host.Source(await host.Hub.AddSource("pipeline", sre, 1));
        using var reviewer = await host.Person(jane);

        var asked = await source.Post("/api/v1/requests", Question);
        Assert.Equal(201, asked.Status);
        Assert.Equal($"/api/v1/requests/{asked["id"]}", asked.Headers.Location!.ToString());
        Assert.Equal("active", asked["status"]);
        Assert.Equal("0 of 1 approval, waiting for SRE", asked["display"]);

        var seen = await reviewer.Get($"/api/v1/requests/{asked["id"]}");
        Assert.Equal("So that nobody is dazzled.", seen["message"]);
        Assert.Equal("production", seen.Json["facts"]!["environment"]!.ToString());
        Assert.Equal("SRE", seen.Json["steps"]![0]!["from"]![0]!["name"]!.ToString());

        var answered = await reviewer.Post(
            $"/api/v1/requests/{asked["id"]}/decisions",
            new
            {
                answer = "approve",
                note = "Fine.",
                digest = seen["digest"],
            }
        );
        Assert.Equal(200, answered.Status);
        Assert.Equal("approved", answered["status"]);

        var heard = await source.Get($"/api/v1/requests/{asked["id"]}");
        Assert.Equal("Approved by Jane Doe", heard["display"]);
        Assert.Equal("Fine.", heard.Json["decisions"]![0]!["note"]!.ToString());
        Assert.Equal("approved", (await source.Post($"/api/v1/requests/{asked["id"]}/applied", new { }))["status"]);
    }

    [Theory, BothEngines]
    public async Task Sixty_four_identical_submits_with_one_key_are_one_request(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        await host.Hub.AddPerson("Ada", Role.Admin);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 64)
                .Select(_ => source.Post("/api/v1/requests", Question, ("Idempotency-Key", "deploy-17")))
        );
        Assert.All(answers, a => Assert.Equal(201, a.Status));
        Assert.Single(answers.Select(a => a.Text).Distinct());
        Assert.Equal(1, await host.Hub.Place.Count("requests"));
        Assert.Equal(1, await host.Hub.Place.Number("SELECT count(*) FROM events WHERE kind LIKE 'request.%'"));

        var other = await source.Post(
            "/api/v1/requests",
            new { subject = "Something else" },
            ("Idempotency-Key", "deploy-17")
        );
        Assert.Equal((409, "conflict"), (other.Status, other.Code));
    }

    [Theory, BothEngines]
    public async Task Every_content_that_a_request_had_stays_readable_and_its_body_is_for_who_sent_it_and_admins(
        Engine engine
    )
    {
        await using var host = await ApiHost.Start(engine);
        var jane = await host.Hub.AddPerson("Jane Doe");
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        using var source = host.Source(await host.Hub.AddSource("pipeline", await host.Hub.AddGroup("SRE", jane), 1));
        using var rival = host.Source(await host.Hub.AddSource("rival"));
        using var reviewer = await host.Person(jane);
        var asked = await source.Post(
            "/api/v1/requests",
            new
            {
                externalId = "deploy-1",
                subject = "Deploy",
                message = "One node",
                facts = new { nodes = 1 },
            }
        );
        await source.Post(
            "/api/v1/requests",
            new
            {
                externalId = "deploy-1",
                subject = "Deploy",
                message = "All nodes",
                facts = new { nodes = 9 },
            }
        );
        var path = $"/api/v1/requests/{asked["id"]}/revisions";

        var all = (await reviewer.Get(path)).Json["revisions"]!.AsArray();
        Assert.Equal(["One node", "All nodes"], all.Select(r => r!["message"]!.ToString()));
        Assert.Equal(asked["digest"], all[0]!["digest"]!.ToString());
        Assert.Equal("SRE", all[0]!["steps"]![0]!["from"]![0]!["name"]!.ToString());
        Assert.All(all, r => Assert.Null(r!["body"]));

        var first = await source.Get($"{path}/1");
        Assert.Equal("1", first.Json["facts"]!["nodes"]!.ToString());
        Assert.Equal("One node", JsonNode.Parse(first["body"]!)!["message"]!.ToString());
        Assert.Equal(first.Text, (await admin.Get($"{path}/1")).Text);
        Assert.Null((await reviewer.Get($"{path}/1")).Json["body"]);
        Assert.Equal(
            (404, 404, 404),
            (
                (await source.Get($"{path}/3")).Status,
                (await source.Get($"{path}/first")).Status,
                (await rival.Get($"{path}/1")).Status
            )
        );
        Assert.Equal(404, (await rival.Get(path)).Status);
    }

    [Theory, BothEngines]
    public async Task What_is_not_yours_looks_like_what_is_not_there(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var people = await host.Hub.AddPeople("Ann", "Mallory");
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        using var rival = host.Source(await host.Hub.AddSource("rival"));
        using var mallory = await host.Person(people[1]);
        var asked = await source.Post(
            "/api/v1/requests",
            new { subject = "Secret", assignee = new { person = people[0].Email } }
        );

        foreach (var stranger in new[] { rival, mallory })
        {
            var there = await stranger.Get($"/api/v1/requests/{asked["id"]}");
            var nowhere = await stranger.Get("/api/v1/requests/01ARZ3NDEKTSV4RRFFQ69G5FAV");
            Assert.Equal(404, there.Status);
            Assert.Equal(Without(nowhere, "traceId"), Without(there, "traceId"));
            var decided = await stranger.Post($"/api/v1/requests/{asked["id"]}/decisions", new { answer = "approve" });
            // No source decides, so it isn't even looked whether the request is there.
            Assert.Equal(stranger == rival ? 403 : 404, decided.Status);
            Assert.Equal(
                404,
                (await stranger.Post($"/api/v1/requests/{asked["id"]}/comments", new { text = "Hello" })).Status
            );
            Assert.Equal(404, (await stranger.Post($"/api/v1/requests/{asked["id"]}/withdrawal", new { })).Status);
            Assert.Equal(404, (await stranger.Post($"/api/v1/requests/{asked["id"]}/applied", new { })).Status);
            Assert.Empty((await stranger.Get("/api/v1/requests")).Json["requests"]!.AsArray());
        }
        Assert.Equal("active", (await source.Get($"/api/v1/requests/{asked["id"]}"))["status"]);
    }

    [Theory, BothEngines]
    public async Task Refusals_name_their_rule_and_change_nothing(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", Role.Agent);
        var boss = await host.Hub.AddPerson("Boss", Role.Admin);
        using var asking = await host.Person(ann);
        using var admin = await host.Person(boss);
        var asked = await asking.Post("/api/v1/requests", Question);

        var own = await asking.Post($"/api/v1/requests/{asked["id"]}/decisions", new { answer = "approve" });
        Assert.Equal((403, "not_allowed", "requester_may_not_decide"), (own.Status, own.Code, own["rule"]));
        var stale = await admin.Post(
            $"/api/v1/requests/{asked["id"]}/decisions",
            new { answer = "approve", digest = new string('0', 64) }
        );
        Assert.Equal((409, "changed"), (stale.Status, stale.Code));
        Assert.Equal("active", (await asking.Get($"/api/v1/requests/{asked["id"]}"))["status"]);

        Assert.Equal(
            "rejected",
            (
                await admin.Post(
                    $"/api/v1/requests/{asked["id"]}/decisions",
                    new { answer = "reject", note = "Not on a Friday." }
                )
            )["status"]
        );
        var late = await admin.Post($"/api/v1/requests/{asked["id"]}/decisions", new { answer = "approve" });
        Assert.Equal((409, "already_settled"), (late.Status, late.Code));
        Assert.Equal("Declined by Boss", late.Json["request"]!["display"]!.ToString());
        Assert.Equal(
            (409, "already_settled"),
            (
                (await admin.Post($"/api/v1/requests/{asked["id"]}/comments", new { text = "Sorry" })) is var c
                    ? (c.Status, c.Code)
                    : default
            )
        );
        Assert.Equal(
            (409, "already_settled"),
            (
                (await asking.Post($"/api/v1/requests/{asked["id"]}/withdrawal", new { })) is var w
                    ? (w.Status, w.Code)
                    : default
            )
        );
    }

    [Theory, BothEngines]
    public async Task Whoever_waits_hears_as_soon_as_it_is_settled_also_on_another_node(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        await using var otherNode = await ApiHost.Start(host.Hub);
        var jane = await host.Hub.AddPerson("Jane", Role.Admin);
        var key = await host.Hub.AddSource("pipeline");
        using var source = otherNode.Source(key);
        using var reviewer = await host.Person(jane);
        var asked = await source.Post("/api/v1/requests", Question);

        var waiting = source.Get($"/api/v1/requests/{asked["id"]}?wait=60s");
        await reviewer.Post($"/api/v1/requests/{asked["id"]}/comments", new { text = "Looking." });
        Assert.False(waiting.IsCompleted);
        await reviewer.Post($"/api/v1/requests/{asked["id"]}/decisions", new { answer = "approve" });
        Assert.Equal("approved", (await waiting.Soon())["status"]);

        Assert.Equal(400, (await source.Get($"/api/v1/requests/{asked["id"]}?wait=forever")).Status);
        Assert.Equal("approved", (await source.Get($"/api/v1/requests/{asked["id"]}?wait=0s"))["status"]);
    }

    [Theory, BothEngines]
    public async Task The_stream_tells_what_the_caller_may_see_and_goes_on_where_it_broke(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var boss = await host.Hub.AddPerson("Boss", Role.Admin);
        using var mine = host.Source(await host.Hub.AddSource("mine"));
        using var theirs = host.Source(await host.Hub.AddSource("theirs"));
        using var admin = await host.Person(boss);

        var stream = new StreamReader(await mine.Http.GetStreamAsync("/api/v1/events"));
        Assert.Equal(": listening", await stream.ReadLineAsync().Soon());
        var hidden = await theirs.Post("/api/v1/requests", Question);
        var asked = await mine.Post("/api/v1/requests", Question);
        var first = await Next(stream);
        Assert.Equal(("request.submitted", $"request:{asked["id"]}"), (first.Kind, first.Data["subject"]!.ToString()));
        stream.Dispose();

        await admin.Post($"/api/v1/requests/{hidden["id"]}/decisions", new { answer = "approve" });
        await admin.Post($"/api/v1/requests/{asked["id"]}/decisions", new { answer = "approve" });
        using var again = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events");
        again.Headers.Add("Last-Event-ID", first.Id);
        using var response = await mine.Http.SendAsync(again, HttpCompletionOption.ResponseHeadersRead);
        using var resumed = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": listening", await resumed.ReadLineAsync().Soon());
        var second = await Next(resumed);
        Assert.Equal(("request.approved", $"request:{asked["id"]}"), (second.Kind, second.Data["subject"]!.ToString()));

        // A stopping server ends the stream rather than holding up the stop.
        await host.Stop().Soon();
        Assert.Null(
            await resumed.ReadLineAsync().Soon() is { Length: 0 } ? await resumed.ReadLineAsync().Soon() : null
        );
    }

    private static async Task<(string Id, string Kind, JsonNode Data)> Next(StreamReader stream)
    {
        string? id = null,
            kind = null;
        while (true)
        {
            var line = await stream.ReadLineAsync().Soon() ?? throw new InvalidOperationException("The stream ended.");
            if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = line[4..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
                kind = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                return (id!, kind!, JsonNode.Parse(line[6..])!);
        }
    }

    private static string Without(ApiAnswer answer, string name)
    {
        var json = answer.Json.AsObject();
        json.Remove(name);
        return json.ToJsonString();
    }
}
