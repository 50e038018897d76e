using Countersign.Audit;
using Countersign.People;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests;

/// <summary>Policies, absences and breaking glass from outside: the API, the command line, the pages.</summary>
public sealed class PolicyDoorsTests
{
    private const string File = """
        version: 1
        policies:
          - name: production
            when: { environment: [production] }
            steps: [ { name: SRE, need: 2, from: { groups: [SRE] } } ]
          - name: the rest
            steps: [ { name: ghosts, from: { groups: [ghosts] } } ]
        """;

    [Theory, BothEngines]
    public async Task The_API_sets_explains_and_applies_policies(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var people = await host.Hub.AddPeople("Ann", "Ben");
        await host.Hub.AddGroup("SRE", [.. people]);
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        using var agent = await host.Person(await host.Hub.AddPerson("Amy", Role.Agent));
        Assert.Equal(404, (await admin.Get("/api/v1/policies")).Status);
        Assert.Equal(
            (403, "not_allowed"),
            (await agent.Get("/api/v1/policies")) is var no ? (no.Status, no.Code) : default
        );

        var wrong = await admin.Put("/api/v1/policies", new { text = "version: 1\npolicies: [ { name: x } ]" });
        Assert.Equal((422, "2:13"), (wrong.Status, Assert.Single(wrong.Wrong)));
        var set = await admin.Put("/api/v1/policies", new { text = File, basedOn = 0 });
        Assert.Equal(
            (200, "1", "unknown-group"),
            (set.Status, set["version"], set.Json["warnings"]![0]!["rule"]!.ToString())
        );
        Assert.Equal(
            (409, "changed"),
            (await admin.Put("/api/v1/policies", new { text = "version: 1\npolicies: []", basedOn = 0 })) is var late
                ? (late.Status, late.Code)
                : default
        );
        Assert.Equal(File, (await admin.Get("/api/v1/policies"))["text"]);
        Assert.Equal("1", (await admin.Get("/api/v1/policies/versions")).Json["versions"]![0]!["version"]!.ToString());
        Assert.Equal("false", (await admin.Post("/api/v1/policies/check", new { text = "version: 9" }))["ok"]);

        var explained = await admin.Post(
            "/api/v1/policies/explain",
            new { facts = new { environment = "test" }, requester = new { email = people[0].Email } }
        );
        Assert.Equal(("the rest", "file"), (explained["policy"], explained["decidedBy"]));
        Assert.Equal(
            """environment is "test", and the policy requires "production" """.TrimEnd(),
            explained.Json["passedOver"]![0]!["why"]!.ToString()
        );
        Assert.Equal("ghosts needs 1 more eligible reviewer", explained.Json["stuck"]!["why"]!.ToString());
        Assert.Equal(
            "requester",
            (
                await admin.Post(
                    "/api/v1/policies/explain",
                    new { facts = new { environment = "production" }, requester = new { email = people[0].Email } }
                )
            ).Json["steps"]![0]!["who"]![0]!["state"]!.ToString()
        );

        await Eventually.True(
            async () =>
                (
                    await agent.Post(
                        "/api/v1/requests",
                        new { subject = "Now?", facts = new { environment = "production" } }
                    )
                )["policy"] == "production",
            "the file is in force"
        );
        await admin.Put(
            "/api/v1/policies",
            new { text = File.Replace("need: 2", "need: 1", StringComparison.Ordinal) }
        );
        var looked = await admin.Post("/api/v1/policies/apply", new { dryRun = true });
        Assert.NotEmpty(looked.Json["changes"]!.AsArray());
        Assert.Equal("0 of 1 approval, waiting for SRE", looked.Json["changes"]!.AsArray()[^1]!["after"]!.ToString());
    }

    [Theory, BothEngines]
    public async Task The_API_takes_absences_and_broken_glass(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var people = await host.Hub.AddPeople("Ann", "Ben");
        using var ann = await host.Person(people[0]);
        using var ben = await host.Person(people[1]);
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        var request = await host.Hub.Ask(people[0].AsApprover);
        Assert.Equal(404, (await ben.Get($"/api/v1/requests/{request.Id}")).Status);
        Assert.Equal(
            ["from", "to"],
            (await ann.Put("/api/v1/me/absence", new { from = "tomorrow", to = "2026-03-05T00:00:00" })).Wrong
        );
        var away = await ann.Put(
            "/api/v1/me/absence",
            new
            {
                from = "2026-03-04",
                to = "2026-03-05",
                standIn = people[1].Email,
            }
        );
        Assert.Equal((200, "true", "2026-03-06T00:00:00.000Z"), (away.Status, away["away"], away["to"]));
        Assert.Single((await ben.Get("/api/v1/requests?waiting=me")).Json["requests"]!.AsArray());
        var decided = await ben.Post($"/api/v1/requests/{request.Id}/decisions", new { answer = "approve" });
        Assert.Equal("Approved by Ben for Ann", decided["display"]);
        Assert.Equal(
            "Ann",
            (await ann.Get($"/api/v1/requests/{request.Id}")).Json["decisions"]![0]!["for"]!["name"]!.ToString()
        );
        Assert.Single((await admin.Get("/api/v1/absences")).Json["absences"]!.AsArray());
        Assert.Equal(204, (await ann.Delete("/api/v1/me/absence")).Status);
        Assert.Equal(404, (await ann.Get("/api/v1/me/absence")).Status);

        var urgent = await host.Hub.Ask(people[0].AsApprover);
        var path = $"/api/v1/requests/{urgent.Id}/break-glass";
        Assert.Equal(403, (await ann.Post(path, new { reason = "The shop is down, and nobody answers." })).Status);
        Assert.Equal(
            (422, "reason"),
            (await admin.Post(path, new { reason = "now" })) is var brief
                ? (brief.Status, Assert.Single(brief.Wrong))
                : default
        );
        var broken = await admin.Post(path, new { reason = "The shop is down, and nobody answers." });
        Assert.Equal((200, "approved"), (broken.Status, broken["status"]));
        Assert.NotNull(broken["brokeGlassAt"]);
        Assert.Equal(409, (await admin.Post(path, new { reason = "The shop is down, and nobody answers." })).Status);
    }

    [Theory, BothEngines]
    public async Task The_command_line_checks_sets_shows_explains_and_applies(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        string Written(string name, string text)
        {
            var path = Path.Combine(shell.Folder, name);
            System.IO.File.WriteAllText(path, text);
            return path;
        }

        var (good, bad) = (Written("good.yaml", File), Written("bad.yaml", "version: 1\npolicies: [ { nam: x } ]"));
        var refused = await shell.Json("policy", "check", bad);
        Assert.Equal(
            (1, false, 2),
            (
                refused.ExitCode,
                refused.Document.GetProperty("ok").GetBoolean(),
                refused.Document.GetProperty("problems")[0].GetProperty("line").GetInt32()
            )
        );
        Assert.Contains(
            "line 2, column 15: policies[0].nam: This key is unknown. Did you mean name?",
            (await shell.Run("policy", "check", bad)).Output,
            StringComparison.Ordinal
        );
        Assert.Equal((1, "not_found"), (await shell.Json("policy", "show")).Failure);
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("policy", "check", Path.Combine(shell.Folder, "none.yaml"))).Failure
        );
        Assert.Equal(1, (await shell.Json("policy", "set", bad)).ExitCode);
        Assert.Equal(
            1,
            (await shell.Json("policy", "check", Written("huge.yaml", new string('#', 10 * 1024 * 1024)))).ExitCode
        );

        Assert.True((await shell.Json("policy", "check", good)).Done.GetProperty("ok").GetBoolean());
        var set = (await shell.Json("policy", "set", good)).Done;
        Assert.Equal((1, true), (set.GetProperty("version").GetInt32(), set.GetProperty("changed").GetBoolean()));
        Assert.False((await shell.Json("policy", "set", good)).Done.GetProperty("changed").GetBoolean());
        Assert.Equal(File, (await shell.Json("policy", "show")).Done.GetProperty("text").GetString());
        Assert.Single((await shell.Json("policy", "show", "--list")).Done.GetProperty("versions").EnumerateArray());

        var request = Written("request.json", """{"facts":{"environment":"production"}}""");
        Assert.Equal(
            "production",
            (await shell.Json("policy", "explain", "--request", request)).Done.GetProperty("policy").GetString()
        );
        Assert.Contains(
            "the group SRE doesn't exist yet",
            (await shell.Run("policy", "explain", "--request", request)).Output,
            StringComparison.Ordinal
        );
        Assert.Equal((1, "invalid"), (await shell.Json("policy", "explain", "--request", good)).Failure);
        Assert.Empty((await shell.Json("policy", "apply", "--active")).Done.GetProperty("changes").EnumerateArray());
        Assert.Equal((2, "usage"), (await shell.Json("policy", "apply")).Failure);

        await shell.Json("user", "add", "ann@example.test", "--name", "Ann");
        Assert.Equal(
            (1, "invalid"),
            (
                await shell.Json(
                    "user",
                    "absence",
                    "set",
                    "ann@example.test",
                    "--from",
                    "2099-01-01T08:00:00+01:00",
                    "--to",
                    "2099-01-10"
                )
            ).Failure
        );
        Assert.Equal(
            (1, "invalid"),
            (
                await shell.Json(
                    "user",
                    "absence",
                    "set",
                    "ann@example.test",
                    "--from",
                    "2099-01-01T08:00:00",
                    "--to",
                    "2099-01-10"
                )
            ).Failure
        );
        Assert.Equal((1, "not_found"), (await shell.Json("user", "absence", "end", "eve@example.test")).Failure);
        Assert.Empty((await shell.Json("user", "absence", "list")).Done.GetProperty("absences").EnumerateArray());
    }

    [Theory, BothEngines]
    public async Task The_pages_do_the_same(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var people = await host.Hub.AddPeople("Ann", "Ben");
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        using var admin = await host.SignIn(ada);
        using var ann = await host.SignIn(people[0]);
        Assert.Equal(404, (await ann.Get("/policies")).Status);
        Assert.Contains("No policies published yet", (await admin.Get("/policies")).Text, StringComparison.Ordinal);
        const string Hostile = "version: 1\npolicies: <script>";
        Assert.Equal("/policies?checked=1#check", await Send("validate", ("text", Hostile), ("basedOn", "0")));
        Assert.Equal("/policies?refused=1#check", await Send("review", ("text", Hostile), ("basedOn", "0")));
        var wrong = await admin.Get("/policies?refused=1");
        Assert.Contains("&lt;script&gt;", wrong.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", wrong.Text, StringComparison.Ordinal);
        Assert.Contains("Line 2, column 11", wrong.Text, StringComparison.Ordinal);
        Assert.Equal(
            "/policies?test=1#result",
            await Send("test", ("text", File), ("basedOn", "0"), ("environment", "production"), ("details", ""))
        );
        var tested = await admin.Get("/policies?test=1");
        Assert.Contains("Policy “production” matches.", tested.Text, StringComparison.Ordinal);
        Assert.Equal("/policies/review", await Send("review", ("text", File), ("basedOn", "0")));
        Assert.Equal(0, await host.Hub.Place.Count("policy_files"));
        // What was reviewed is published, and nothing that was typed since.
        var draft = ("draft", Hashes.Sha256(File.ReplaceLineEndings("\n")));
        var review = await admin.Submit("/policies/review", "/policies/review", ("draft", "x"), ("replaces", "0"));
        Assert.Equal("/policies/review?changed=1", review.Location);
        var published = await admin.Submit("/policies/review", "/policies/review", draft, ("replaces", "0"));
        Assert.Equal("/policies?done=policyPublished", published.Location);
        Assert.Contains("Version 1 is active", (await admin.Get("/policies")).Text, StringComparison.Ordinal);
        Assert.Equal("/policies/review", await Send("review", ("text", "version: 1\npolicies: []"), ("basedOn", "0")));
        var overtaken = await admin.Get("/policies/review");
        Assert.Contains("Version 1 was published by Ada while you edited", overtaken.Text, StringComparison.Ordinal);
        draft.Item2 = Hashes.Sha256("version: 1\npolicies: []");
        var tooLate = await admin.Submit("/policies/review", "/policies/review", draft, ("replaces", "0"));
        Assert.Equal("/policies/review#overtaken", tooLate.Location);
        Assert.Equal(1, await host.Hub.Place.Count("policy_files"));
        Assert.Equal("/policies?done=policyDiscarded", await Send("discard"));
        Assert.DoesNotContain("Unpublished", (await admin.Get("/policies")).Text, StringComparison.Ordinal);
        Assert.Contains("+ version: 1", (await admin.Get("/policies/versions/1")).Text, StringComparison.Ordinal);
        Assert.Equal(404, (await admin.Get("/policies/versions/2")).Status);
        Assert.Equal(404, (await ann.Get("/policies/versions/1")).Status);
        Assert.Contains("Nothing to apply", (await admin.Get("/policies/apply")).Text, StringComparison.Ordinal);

        async Task<string?> Send(string action, params (string, string)[] fields) =>
            (await admin.Submit("/policies", "/policies", [("do", action), .. fields])).Location;

        var request = await host.Hub.Ask(people[0].AsApprover);
        var refused = await ann.Submit(
            "/account",
            "/account",
            ("do", "absence"),
            ("from", "soon"),
            ("to", "2026-03-09"),
            ("standIn", people[1].Email!)
        );
        Assert.Equal(422, refused.Status);
        Assert.Contains("id=\"f-from-error\">Enter a date.", refused.Text, StringComparison.Ordinal);
        Assert.Contains($"value=\"{people[1].Email}\"", refused.Text, StringComparison.Ordinal);
        Assert.Equal(
            302,
            (
                await ann.Submit(
                    "/account",
                    "/account",
                    ("do", "absence"),
                    ("from", "2026-03-04"),
                    ("to", "2026-03-09"),
                    ("standIn", people[1].Email!)
                )
            ).Status
        );
        Assert.Contains("Ben reviews meanwhile.", (await ann.Get("/account")).Text, StringComparison.Ordinal);
        using var ben = await host.SignIn(people[1]);
        await Eventually.True(
            async () =>
                (await ben.Get($"/requests/{request.Id}")).Text.Contains("value=\"approve\"", StringComparison.Ordinal),
            "the stand-in has buttons"
        );
        var path = $"/requests/{request.Id}";
        var tooShort = await admin.Submit(
            path,
            $"{path}/break-glass",
            ("reason", "The shop"),
            ("digest", request.Digest)
        );
        Assert.Equal(422, tooShort.Status);
        Assert.Contains("The shop</textarea>", tooShort.Text, StringComparison.Ordinal);
        Assert.Contains("<details class=\"confirm\" id=\"override\" open", tooShort.Text, StringComparison.Ordinal);
        Assert.Equal(
            404,
            (
                await ann.Submit(
                    path,
                    $"{path}/break-glass",
                    ("reason", "The shop is down, and nobody answers."),
                    ("digest", request.Digest)
                )
            ).Status
        );
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    path,
                    $"{path}/break-glass",
                    ("reason", "The shop is down, and nobody answers."),
                    ("digest", request.Digest)
                )
            ).Status
        );
        Assert.Contains(
            "Approved by Ada, overriding the policy.",
            (await admin.Get(path)).Text,
            StringComparison.Ordinal
        );
        Assert.Contains("class=\"badge override\"", (await admin.Get("/?show=all")).Text, StringComparison.Ordinal);
        var late = await admin.Submit(
            "/account",
            $"{path}/break-glass",
            ("reason", "The shop is still down, and nobody answers."),
            ("digest", request.Digest)
        );
        Assert.Equal(409, late.Status);
        Assert.Contains("The shop is still down", late.Text, StringComparison.Ordinal);
        Assert.NotNull((await host.Hub.Find(request.Id)).BrokeGlassAt);
    }
}
