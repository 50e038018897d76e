using System.Text.Json.Nodes;
using Countersign.Destinations.Links;
using Countersign.Outcomes;
using Countersign.People;
using Countersign.Tests.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>Secrets go in and do not come out; tokens are fetched once for everybody.</summary>
public sealed class CredentialTests
{
    private const string Secret = "s3cr3t-\"<&>ß-value";

    private static readonly JsonArray Bearer = new(
        new JsonObject { ["name"] = "Authorization", ["value"] = "Bearer {{oauth.accessToken}}" }
    );

    private static string OAuthManifest =>
        Sample.With([
            .. new[] { "creationRequest", "statusRequest", "postApplyRequest", "deletionRequest" }.Select(call =>
                ($"~.{call}.endpoint.headers", (JsonNode?)Bearer.DeepClone())
            ),
        ]);

    private static Dictionary<string, string> Settings(FakeDesk desk) =>
        new()
        {
            ["baseURL"] = desk.BaseUrl,
            ["oauth.baseURI"] = desk.BaseUrl,
            ["oauth.tokenUrl"] = desk.BaseUrl + "/token",
            ["oauth.clientId"] = "hub",
        };

    private static readonly Dictionary<string, string> Secrets = new()
    {
        ["oauth.clientSecret"] = Secret,
        ["apiKey"] = "unused-key",
    };

    /// <summary>A desk that gives out tokens and lets only the last one in.</summary>
    private static (FakeDesk Desk, Func<int> Given) TokenDesk(int life)
    {
        var given = 0;
        var desk = new FakeDesk();
        desk.Before = call =>
        {
            if (call.Path == "/token")
            {
                var right =
                    call.Body.Contains(
                        "client_secret=" + System.Net.WebUtility.UrlEncode(Secret),
                        StringComparison.OrdinalIgnoreCase
                    ) && call.Body.Contains("grant_type=client_credentials", StringComparison.Ordinal);
                return right
                    ? new Conduct.Answers(
                        200,
                        $$"""{"access_token":"token-{{++given}}","expires_in":{{life}},"token_type":"bearer"}"""
                    )
                    : new Conduct.Answers(401, "{}");
            }
            return call.Headers["Authorization"] == $"Bearer token-{given}" && given > 0
                ? new Conduct.Answers(200, """{"result":[{"id":"X1","state":"open"}],"state":"open"}""")
                : new Conduct.Answers(401, "{}");
        };
        return (desk, () => given);
    }

    [Theory, BothEngines]
    public async Task A_token_is_fetched_once_and_again_at_four_fifths_of_its_life(Engine engine)
    {
        var (desk, given) = TokenDesk(1000);
        await using var _ = desk;
        await using var over = await HandedOver.Start(engine);
        await over.Destination(OAuthManifest, Settings(desk), Secrets);
        await using var other = await over.AnotherNode();
        for (var i = 0; i < 5; i++)
            await over.Ask();
        await over.Follow();
        await Task.WhenAll(over.Worker.Drain(), other.Worker.Drain());
        Assert.Equal(1, given());
        await over.WorkAfter(TimeSpan.FromSeconds(790));
        Assert.Equal(1, given());
        await over.WorkAfter(TimeSpan.FromSeconds(300));
        await other.Work();
        Assert.Equal(2, given());
        Assert.DoesNotContain(desk.Calls, c => c.Path != "/token" && c.Headers["Authorization"] == "Bearer ");
    }

    [Theory, BothEngines]
    public async Task A_401_fetches_another_token_once(Engine engine)
    {
        var (desk, given) = TokenDesk(100_000);
        await using var _ = desk;
        await using var over = await HandedOver.Start(engine);
        await over.Destination(OAuthManifest, Settings(desk), Secrets);
        var request = await over.Ask();
        await over.Work();
        // The system forgets its tokens: all that it gave out before is refused from now on.
        var before = desk.Before;
        var forgotten = true;
        desk.Before = call =>
            forgotten && call.Path != "/token" && call.Headers["Authorization"] == "Bearer token-1"
                ? new Conduct.Answers(401)
                : before(call);
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal((2, null), (given(), (await over.Link(request)).Problem));

        forgotten = false;
        desk.Before = call =>
            call.Path == "/token"
                ? new Conduct.Answers(200, """{"access_token":"useless"}""")
                : new Conduct.Answers(401);
        var calls = desk.Calls.Count;
        await over.WorkAfter(TimeSpan.FromMinutes(1));
        Assert.Equal(calls + 3, desk.Calls.Count);
        Assert.Equal("It responded with 401.", (await over.Link(request)).Problem);
    }

    [Theory, BothEngines]
    public async Task Without_a_token_nothing_leaves(Engine engine)
    {
        await using var desk = new FakeDesk { Before = _ => new Conduct.Answers(500) };
        await using var over = await HandedOver.Start(engine);
        await over.Destination(OAuthManifest, Settings(desk), Secrets);
        var request = await over.Ask();
        await over.Work();
        Assert.Equal("/token", Assert.Single(desk.Calls).Path);
        Assert.Contains("No access token", (await over.Link(request)).Problem, StringComparison.Ordinal);
        Assert.Equal(LinkState.New, (await over.Link(request)).State);
    }

    [Theory, BothEngines]
    public async Task Trap_40_no_secret_lies_in_the_store_in_clear_or_in_what_is_shown(Engine engine)
    {
        const string secret = "s3cr3t-\"<&>-value";
        // A system that repeats everything it was sent, in its body and its status.
        await using var desk = new FakeDesk();
        desk.Before = call => new Conduct.Answers(
            call.Method == "POST" ? 201 : 200,
            new JsonObject
            {
                ["result"] = new JsonArray(
                    new JsonObject
                    {
                        ["id"] = "E1",
                        ["state"] = call.Headers["Authorization"],
                        ["text"] = secret,
                    }
                ),
                ["state"] = call.Headers["Authorization"],
                ["json"] = secret,
            }.ToJsonString()
        );
        await using var over = await HandedOver.Start(engine);
        var manifest = Sample.With(
            ("~.creationRequest.jsonBody", "{\"key\": \"{{apiKey}}\", \"in\": \"{{queryEncode apiKey}}\"}"),
            ("~.statusRequest.endpoint.url", "{{baseURL}}/asks?key={{queryEncode apiKey}}")
        );
        await over.Destination(
            manifest,
            new Dictionary<string, string> { ["baseURL"] = desk.BaseUrl, ["apiKey"] = secret }
        );
        var request = await over.Ask();
        await over.Work();
        await over.WorkAfter(TimeSpan.FromMinutes(1));

        var raw = new List<string?>();
        foreach (
            var (table, columns) in new[]
            {
                ("destinations", "manifest || settings || secrets || coalesce(token, '')"),
                (
                    "links",
                    "coalesce(exchange, '') || coalesce(value, '') || coalesce(display, '') || "
                        + "coalesce(problem, '') || coalesce(url, '')"
                ),
                ("events", "data"),
                ("requests", "display"),
            }
        )
        {
            raw.AddRange(
                (await over.Hub.Store.Read(r => r.All<TextRow>($"SELECT {columns} AS text FROM {table}"))).Select(r =>
                    r.Text
                )
            );
        }
        foreach (var spelled in new[] { secret, "s3cr3t" })
            Assert.DoesNotContain(raw, text => text?.Contains(spelled, StringComparison.Ordinal) == true);
        Assert.Contains((await over.Link(request)).Exchange!, e => e == '•');
    }

    [Theory, BothEngines]
    public async Task Trap_40_no_secret_is_logged_or_traced(Engine engine)
    {
        const string key = "s3cr3t-key",
            client = "s3cr3t-client",
            given = "s3cr3t-token";
        await using var desk = new FakeDesk();
        var troubles = new Queue<Conduct>([
            new Conduct.Answers(401, key),
            new Conduct.Resets(),
            new Conduct.Answers(500, $"{key} {given}"),
            new Conduct.Answers(302, "", $"Location: {desk.BaseUrl}/?key={key}\r\n"),
        ]);
        desk.Before = call =>
            call.Path == "/token" ? new Conduct.Answers(200, $$"""{"access_token":"{{given}}"}""")
            : troubles.TryDequeue(out var trouble) ? trouble
            : new Conduct.Answers(200, $$"""{"result":[{"id":"X1","state":"{{key}}"}],"state":"open {{given}}"}""");
        using var overheard = new Overheard();
        await using var host = await ApiHost.Start(engine, overheard, ("Egress:Allow", "127.0.0.0/8"));
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        var manifest = Sample.With(
            ("~.creationRequest.endpoint.url", "{{baseURL}}/asks?key={{queryEncode apiKey}}"),
            ("~.statusRequest.endpoint.headers", Bearer.DeepClone())
        );
        var added = await admin.Post(
            "/api/v1/destinations",
            new
            {
                name = HandedOver.Name,
                manifest = JsonNode.Parse(manifest),
                settings = new Dictionary<string, string>
                {
                    ["baseURL"] = desk.BaseUrl,
                    ["oauth.baseURI"] = desk.BaseUrl,
                    ["oauth.tokenUrl"] = desk.BaseUrl + "/token",
                    ["oauth.clientId"] = "hub",
                },
                secrets = new Dictionary<string, string> { ["apiKey"] = key, ["oauth.clientSecret"] = client },
            }
        );
        Assert.Equal(201, added.Status);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(200, (await admin.Post($"/api/v1/destinations/{HandedOver.Name}/test", new { })).Status);
            Assert.Equal(200, (await admin.Post($"/api/v1/destinations/{HandedOver.Name}/rehearsal", new { })).Status);
            await host.Hub.Ask(HandedOver.LeftTo());
        }
        const string called = "SELECT count(*) FROM links WHERE state NOT IN ('new', 'sending')";
        await Eventually.True(async () => await host.Hub.Place.Number(called) == 3, "each was called");
        await host.Stop();
        Assert.Contains(desk.Calls, c => c.Path == "/token" && c.Body.Contains(client, StringComparison.Ordinal));
        Assert.Contains(overheard.Lines, line => line.StartsWith("trace", StringComparison.Ordinal));
        Assert.Contains(
            overheard.Lines,
            line => line.Contains("Countersign.Destinations.CallDestination", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(overheard.Lines, line => line.Contains("s3cr3t", StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task Trap_41_addresses_inside_are_refused_when_connecting(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var over = await HandedOver.Start(
            engine,
            new EgressOptions { LookUp = (_, _) => Task.FromResult(new[] { System.Net.IPAddress.Loopback }) }
        );
        await over.Destination(
            Sample.Text,
            new Dictionary<string, string> { ["baseURL"] = $"http://desk.example.test:{new Uri(desk.BaseUrl).Port}" },
            new Dictionary<string, string> { ["apiKey"] = "k-123" }
        );
        var request = await over.Ask();
        await over.Work();
        Assert.Empty(desk.Calls);
        Assert.Contains("blocked address", (await over.Link(request)).Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Only_what_the_manifest_asks_for_is_taken(Engine engine)
    {
        await using var over = await HandedOver.Start(engine);
        async Task<string?> Why(params (string Key, string Value)[] settings) =>
            await over.Add.Run(
                "D",
                Sample.Text,
                settings.ToDictionary(s => s.Key, s => s.Value),
                new Dictionary<string, string>(),
                Some.Operator,
                default
            )
                is AccessOutcome<NewDestination>.Invalid invalid
                ? $"{invalid.Field}: {invalid.Why}"
                : null;
        Assert.StartsWith(
            "apiKey: Key is required",
            await Why(("baseURL", "https://x.test")),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "has no setting other",
            await Why(("baseURL", "https://x.test"), ("apiKey", "k"), ("other", "x")),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "has no setting oauth.tokenUrl",
            await Why(("baseURL", "https://x.test"), ("apiKey", "k"), ("oauth.tokenUrl", "x")),
            StringComparison.Ordinal
        );
        Assert.Null(await Why(("baseURL", "https://x.test"), ("apiKey", "k")));
        Assert.IsType<AccessOutcome<NewDestination>.Exists>(
            await over.Add.Run(
                "d",
                Sample.Text,
                new Dictionary<string, string> { ["baseURL"] = "https://x.test", ["apiKey"] = "k" },
                new Dictionary<string, string>(),
                Some.Operator,
                default
            )
        );
    }

    private sealed class TextRow
    {
        public required string Text { get; init; }
    }
}
