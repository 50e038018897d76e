using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Storage;
using Countersign.Tests.Pages;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>Agents over the Model Context Protocol, with the official clients as the other side.</summary>
public sealed class McpTests
{
    internal static readonly string Payload = Hashes.Sha256("DROP INDEX ix_orders_old");

    internal static readonly string[] Tools =
    [
        "cancel_request",
        "get_approval",
        "redeem",
        "request_approval",
        "wait_for_approval",
    ];

    [Theory, BothEngines]
    public async Task Fail_open_Trap_8_an_agent_asks_waits_and_redeems_once_and_nothing_else_uses_the_approval(
        Engine engine
    )
    {
        await using var gate = await Gate.Start(engine);
        await using var agent = await Client(gate);
        Assert.Equal(Tools, (await agent.ListToolsAsync()).Select(t => t.Name).Order());

        var asked = await Call(agent, "request_approval", Drop());
        Assert.Equal("pending", asked["status"]!.ToString());
        var id = asked["id"]!.ToString();
        Assert.EndsWith($"/requests/{id}", asked["review_url"]!.ToString(), StringComparison.Ordinal);
        var path = $"/api/v1/requests/{id}";
        var seen = await gate.Bot.Get(path);
        Assert.Equal(
            ("Drop index ix_orders_old", "proven", "bot"),
            (seen["subject"], seen["requesterCertainty"], seen["requester"])
        );
        Assert.Equal(Payload, seen.Json["facts"]!["content_sha256"]!.ToString());
        Assert.Equal("not_approved", (await Redeem(agent, id, Payload))["error"]!.ToString());

        var waiting = Call(agent, "wait_for_approval", new() { ["id"] = id });
        await gate.Approve(path);
        var decided = await waiting.Soon();
        Assert.Equal("approved", decided["status"]!.ToString());
        Assert.NotNull(decided["grant_expires_at"]);

        // Having read it isn't having used it.
        Assert.Null((await gate.Bot.Get(path))["appliedAt"]);
        var wrong = await Redeem(agent, id, new string('0', 64));
        Assert.Equal(("digest_mismatch", null), (wrong["error"]!.ToString(), wrong["redeemed_at"]));
        Assert.NotNull((await Redeem(agent, id, Payload))["redeemed_at"]);
        var again = await Redeem(agent, id, Payload);
        Assert.Equal(("already_used", null), (again["error"]!.ToString(), again["redeemed_at"]));
        Assert.NotNull((await gate.Bot.Get(path))["appliedAt"]);
    }

    [Theory, BothEngines]
    public async Task Trap_3_and_4_a_rejection_is_an_answer_with_the_comment_as_data(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        await using var agent = await Client(gate);
        var id = (await Call(agent, "request_approval", Drop()))["id"]!.ToString();
        using var admin = await gate.Host.Person(gate.Ada);
        var note = "Not on a Friday. " + new string('x', 600);
        await admin.Post($"/api/v1/requests/{id}/decisions", new { answer = "reject", note });
        var answer = await Call(agent, "get_approval", new() { ["id"] = id });
        Assert.Equal("rejected", answer["status"]!.ToString());
        var comment = answer["reviews"]![0]!["comment"]!.ToString();
        Assert.StartsWith("Not on a Friday.", comment, StringComparison.Ordinal);
        Assert.Equal(501, comment.Length);
        Assert.Equal("rejected", (await Call(agent, "cancel_request", new() { ["id"] = id }))["status"]!.ToString());
    }

    [Theory, BothEngines]
    public async Task Trap_7_who_reviews_sees_what_was_rejected_before_it_was_asked_in_other_words(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        await using var agent = await Client(gate);
        var first = (await Call(agent, "request_approval", Drop()))["id"]!.ToString();
        using var admin = await gate.Host.Person(gate.Ada);
        await admin.Post($"/api/v1/requests/{first}/decisions", new { answer = "reject", note = "Not on a Friday." });

        var reworded = Drop();
        (reworded["subject"], reworded["payload_sha256"]) = ("Routine clean-up", Hashes.Sha256("drop it"));
        var again = (await Call(agent, "request_approval", reworded))["id"]!.ToString();
        var other = Drop();
        (other["target"], other["payload_sha256"]) = ("shop-staging", Hashes.Sha256("another"));
        var unrelated = (await Call(agent, "request_approval", other))["id"]!.ToString();

        using var reviewer = await gate.Host.SignIn(gate.Ada);
        var page = (await reviewer.Get($"/requests/{again}")).Text;
        Assert.Contains("Rejected before.", page, StringComparison.Ordinal);
        Assert.Contains($"/requests/{first}\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "Rejected before.",
            (await reviewer.Get($"/requests/{unrelated}")).Text,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task A_repeated_call_is_the_same_request_and_a_changed_one_is_refused(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        await using var agent = await Client(gate);
        var arguments = Drop();
        arguments["idempotency_key"] = "run-1";
        var first = await Call(agent, "request_approval", arguments);
        await gate.Approve($"/api/v1/requests/{first["id"]}");
        var second = await Call(agent, "request_approval", arguments);
        Assert.Equal((first["id"]!.ToString(), "approved"), (second["id"]!.ToString(), second["status"]!.ToString()));
        arguments["subject"] = "Drop all indexes";
        var changed = await agent.CallToolAsync("request_approval", arguments);
        Assert.True(changed.IsError);
        Assert.Contains("different arguments", Text(changed), StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task What_an_agent_may_not_see_or_says_wrongly_is_an_error(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        await using var agent = await Client(gate);
        var other = await gate.Hub.AddSource("other");
        await gate.Host.Noticed();
        using var stranger = gate.Host.Source(other);
        var hidden = (await stranger.Post("/api/v1/requests", new { subject = "Secret" }))["id"];
        foreach (var tool in Tools.Where(t => t != "request_approval"))
        {
            foreach (var id in new[] { hidden, "nothing", "" })
            {
                var refused = await agent.CallToolAsync(
                    tool,
                    new Dictionary<string, object?> { ["id"] = id, ["payload_sha256"] = Payload }
                );
                Assert.True(refused.IsError);
                Assert.StartsWith("not_found", Text(refused), StringComparison.Ordinal);
            }
        }
        foreach (
            var (name, value) in new (string, object?)[]
            {
                ("subject", ""),
                ("subject", new string('x', 1_001)),
                ("subject", "two\nlines"),
                ("target", "bell\u0007"),
                ("payload_sha256", "none"),
                ("payload_sha256", new string('g', 64)),
                ("idempotency_key", ""),
                ("reason", new string('x', 200_000)),
            }
        )
        {
            var arguments = Drop();
            arguments[name] = value;
            Assert.True((await agent.CallToolAsync("request_approval", arguments)).IsError, name);
        }
        Assert.Equal(1, await gate.Hub.Place.Count("requests"));
        Assert.True(
            (
                await agent.CallToolAsync(
                    "wait_for_approval",
                    new Dictionary<string, object?> { ["id"] = hidden, ["max_seconds"] = 51 }
                )
            ).IsError
        );
    }

    [Theory, BothEngines]
    public async Task Trap_6_breaking_off_a_wait_is_no_withdrawal(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        await using var agent = await Client(gate);
        var id = (await Call(agent, "request_approval", Drop()))["id"]!.ToString();
        using var broken = new CancellationTokenSource();
        var waiting = agent.CallToolAsync(
            "wait_for_approval",
            new Dictionary<string, object?> { ["id"] = id },
            cancellationToken: broken.Token
        );
        await broken.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
        Assert.Equal("active", (await gate.Bot.Get($"/api/v1/requests/{id}"))["status"]);
    }

    [Fact]
    public async Task Only_keys_of_sources_are_let_in()
    {
        await using var gate = await Gate.Start(Engine.Sqlite);
        using var person = await gate.Host.Person(gate.Ada);
        using var nobody = gate.Host.Nobody();
        using var bearer = new ApiClient(
            gate.Host.Address,
            new AuthenticationHeaderValue(
                "Bearer",
                Some.Done(await gate.Hub.Tokens.Add(gate.Ada.Email!, Some.Operator, default)).Token
            )
        );
        foreach (var client in new[] { person, nobody, bearer })
        {
            var refused = await Post(client, ToolsList);
            Assert.Equal((401, "2.0"), (refused.Status, refused["jsonrpc"]));
            Assert.Contains("Bearer", refused.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        }
        var browser = await gate.Host.SignIn(gate.Ada);
        Assert.Equal(401, (int)(await browser.Get("/mcp")).Status);
        await gate.Hub.Sources.Disable("bot", Some.Operator, default);
        await gate.Host.Noticed();
        Assert.Equal(401, (await Post(gate.Bot, ToolsList)).Status);
    }

    [Fact]
    public async Task Foreign_origins_and_names_are_refused()
    {
        await using var gate = await Gate.Start(
            Engine.Sqlite,
            "agent",
            ("PublicUrl", "https://approvals.example.test")
        );
        foreach (
            var (name, value, status) in new[]
            {
                ("Origin", "https://evil.example.test", 403),
                ("Origin", "null", 403),
                ("Host", "evil.example.test", 403),
                ("Host", "127.0.0.1.evil.example.test", 403),
                ("Host", "approvals.example.test", 200),
                ("Host", "localhost", 200),
                ("Origin", "https://approvals.example.test", 200),
                ("Sec-Fetch-Site", "cross-site", 403),
            }
        )
        {
            var answer = await Post(gate.Bot, ToolsList, (name, value));
            Assert.Equal((name, value, status), (name, value, answer.Status));
        }
    }

    [Fact]
    public async Task Both_revisions_are_served_at_one_address()
    {
        await using var gate = await Gate.Start(Engine.Sqlite);
        var legacy = await Post(
            gate.Bot,
            """
            {"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},
            "clientInfo":{"name":"old","version":"1"}}}
            """
        );
        Assert.Equal(200, legacy.Status);
        Assert.Contains("\"protocolVersion\":\"2025-11-25\"", legacy.Text, StringComparison.Ordinal);
        Assert.Contains("\"id\":\"a\"", legacy.Text, StringComparison.Ordinal);

        var now = await Post(
            gate.Bot,
            Meta("tools/call", "\"name\":\"request_approval\",\"arguments\":{\"subject\":\"Drop index\"}"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", "request_approval")
        );
        Assert.Equal(200, now.Status);
        Assert.Contains("\"status\":\"pending\"", now.Text, StringComparison.Ordinal);
        var asked = await gate.Bot.Get(await gate.NextAsked());
        Assert.Equal("acme-agent 4.1.0", asked.Json["facts"]!["client"]!.ToString());

        foreach (
            var (body, headers, status) in new (string, (string, string)[], int)[]
            {
                // A header that says something else than the body; an unknown version; no metadata; a batch.
                (Meta("tools/list", ""), [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call")], 400),
                (Meta("tools/list", ""), [("MCP-Protocol-Version", "1999-01-01"), ("Mcp-Method", "tools/list")], 400),
                ($"[{ToolsList}]", [], 400),
                ("{", [], 400),
            }
        )
        {
            var refused = await Post(gate.Bot, body, headers);
            Assert.Equal((body, status), (body, refused.Status));
        }
        Assert.Equal(405, (await gate.Bot.Get("/mcp")).Status);
        try
        {
            var large = await Post(gate.Bot, ToolsList[..^1] + $",\"x\":\"{new string('x', 2_000_000)}\"}}");
            Assert.InRange(large.Status, 400, 499);
        }
        catch (HttpRequestException)
        {
            // Refused while it was still being sent.
        }
    }

    [Fact]
    public async Task Trap_1_the_only_person_there_being_the_owner_nothing_becomes_approved()
    {
        await using var gate = await Gate.Start(Engine.Sqlite);
        await gate.Hub.People.SetRole(gate.Olga.Email!, Countersign.People.Role.Admin, Some.Operator, default);
        await gate.Hub.Disable(gate.Ada);
        await gate.Host.Noticed();
        await using var agent = await Client(gate);
        var id = (await Call(agent, "request_approval", Drop()))["id"]!.ToString();
        using var owner = await gate.Host.Person(gate.Olga);
        Assert.Equal(403, (await owner.Post($"/api/v1/requests/{id}/decisions", new { answer = "approve" })).Status);
        Assert.Equal("pending", (await Call(agent, "get_approval", new() { ["id"] = id }))["status"]!.ToString());
    }

    /// <summary>
    /// In both revisions of the protocol, with the source's key, and with a token that the client fetches for itself
    /// once it was refused.
    /// </summary>
    [Theory]
    [InlineData("@modelcontextprotocol/sdk@1.32.2", "")]
    [InlineData("@modelcontextprotocol/client@2.4.0", "{}")]
    [InlineData("@modelcontextprotocol/client@2.4.0", "{ versionNegotiation: { mode: 'auto' } }")]
    public async Task The_TypeScript_client_asks_waits_and_redeems(string package, string options)
    {
        await using var provider = await IdentityProvider.Start();
        using var npm = await Npm.Install(package);
        await using var gate = await Gate.Start(
            Engine.Sqlite,
            "agent",
            AgentTokenTests.SettingsFor(provider.Issuer.AbsoluteUri)
        );
        IdentityProvider.ShareClock(gate.Hub);
        Some.Done(
            await new SetAgentClient(gate.Hub.Store).Run(
                "bot",
                AgentClient.Of("release-bot", null),
                Some.Operator,
                default
            )
        );
        await gate.Host.Noticed();
        var isOld = options.Length == 0;
        var import = isOld
            ? """
                const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
                const { StreamableHTTPClientTransport } =
                  await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
                const { ClientCredentialsProvider } =
                  await import('@modelcontextprotocol/sdk/client/auth-extensions.js');
                """
            : """
                const { Client, StreamableHTTPClientTransport, ClientCredentialsProvider } =
                  await import('@modelcontextprotocol/client');
                """;
        var running = npm.Node(
            $$"""
            (async () => {
              {{import}}
              const issuer = '{{provider.Issuer.GetLeftPart(UriPartial.Authority)}}';
              const token = id => ({ authProvider: new ClientCredentialsProvider({ clientId: id,
                clientSecret: `secret of ${id}`, clientName: id, expectedIssuer: issuer }) });
              const key = { requestInit: { headers: { Authorization: 'Bearer {{gate.Key.Key}}' } } };
              const connected = async credential => {
                const client = new Client({ name: 'a test', version: '1' }{{(isOld ? "" : ", " + options)}});
                await client.connect(new StreamableHTTPClientTransport(new URL('{{gate.Host.Address}}mcp'),
                  credential));
                return client;
              };
              const said = [];
              for (const credential of [key, token('release-bot')]) {
                const client = await connected(credential);
                const call = async (name, args) =>
                  (await client.callTool({ name, arguments: args })).structuredContent;
                const tools = (await client.listTools()).tools.map(t => t.name).sort();
                const asked = await call('request_approval', { subject: 'Drop index', payload_sha256: '{{Payload}}' });
                let now = asked;
                while (now.status === 'pending') now = await call('wait_for_approval', { id: asked.id });
                const used = await call('redeem', { id: asked.id, payload_sha256: '{{Payload}}' });
                const again = await call('redeem', { id: asked.id, payload_sha256: '{{Payload}}' });
                said.push({ tools, now, used, again });
              }
              let stranger = '';
              try { await connected(token('stranger')); } catch (e) { stranger = String(e); }
              console.log(JSON.stringify({ said, stranger }));
              process.exit(0);
            })().catch(e => { console.error(e); process.exit(1); });
            """
        );
        for (var i = 0; i < 2 && !running.IsCompleted; i++)
            await gate.Approve(await gate.NextAsked());
        var answers = JsonNode.Parse(await running.Soon())!;
        foreach (var said in answers["said"]!.AsArray())
        {
            Assert.Equal(Tools, said!["tools"]!.AsArray().Select(t => t!.ToString()));
            Assert.Equal("approved", said["now"]!["status"]!.ToString());
            Assert.NotNull(said["used"]!["redeemed_at"]);
            Assert.Equal("already_used", said["again"]!["error"]!.ToString());
        }
        Assert.Equal(2, answers["said"]!.AsArray().Count);
        // The newer client only says that it failed, when it has to find out the revision first.
        Assert.Matches("source set|Version negotiation failed", answers["stranger"]!.ToString());
    }

    /// <summary>
    /// Of the official suite, what applies to a server with tools alone: docs/decisions/0070 says why the rest doesn't.
    /// </summary>
    [Fact]
    public async Task The_official_conformance_suite_passes()
    {
        await using var gate = await Gate.Start(Engine.Sqlite);
        using var npm = await Npm.Install("@modelcontextprotocol/conformance@0.1.16", "node@22.23.3");
        // The suite sends no credentials, so they are added on the way.
        using var proxy = npm.StartNode(
            $$"""
            const http = require('node:http');
            const server = http.createServer((from, to) => {
              const headers = { ...from.headers, authorization: 'Bearer {{gate.Key.Key}}' };
              from.pipe(http.request({ host: '127.0.0.1', port: {{gate.Host.Address.Port}}, method: from.method,
                path: from.url, headers }, answer => {
                to.writeHead(answer.statusCode, answer.headers);
                answer.pipe(to);
              }).on('error', () => to.destroy()));
            });
            server.listen(0, '127.0.0.1', () => console.log(server.address().port));
            process.stdin.resume().on('end', () => process.exit(0));
            """
        );
        try
        {
            var port = await proxy.StandardOutput.ReadLineAsync().Soon();
            var failed = new List<string>();
            foreach (var scenario in Scenarios)
            {
                var (code, output, error) = await Programs.Run(
                    Path.Combine(npm.Folder, "node_modules", "node", "bin", "node"),
                    [
                        Path.Combine("node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"),
                        "server",
                        "--url",
                        $"http://127.0.0.1:{port}/mcp",
                        "--scenario",
                        scenario,
                    ],
                    npm.Folder,
                    TimeSpan.FromMinutes(1)
                );
                if (code != 0)
                    failed.Add($"{scenario}: {output}{error}");
            }
            Assert.True(failed.Count == 0, string.Join('\n', failed));
        }
        finally
        {
            proxy.Kill();
        }
    }

    private static readonly string[] Scenarios =
    [
        "server-initialize",
        "ping",
        "tools-list",
        "dns-rebinding-protection",
        "server-sse-multiple-streams",
    ];

    internal const string ToolsList = """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""";

    internal static Dictionary<string, object?> Drop() =>
        new()
        {
            ["subject"] = "Drop index ix_orders_old",
            ["action"] = "sql.execute",
            ["target"] = "shop-prod",
            ["environment"] = "production",
            ["reason"] = "Unused for 90 days",
            ["payload_sha256"] = Payload,
        };

    internal static string Meta(string method, string parameters) =>
        $$"""
            {"jsonrpc":"2.0","id":7,"method":"{{method}}","params":{
            {{(parameters.Length == 0 ? "" : parameters + ",")}}
            "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
            "io.modelcontextprotocol/clientInfo":{"name":"acme-agent","version":"4.1.0"},
            "io.modelcontextprotocol/clientCapabilities":{} } } }
            """;

    internal static Task<ApiAnswer> Post(ApiClient client, string body, params (string Name, string Value)[] headers) =>
        client.Send(
            HttpMethod.Post,
            "/mcp",
            new StringContent(body, Encoding.UTF8, "application/json"),
            [("Accept", "application/json, text/event-stream"), .. headers]
        );

    internal static Task<McpClient> Client(Gate gate) =>
        McpClient.CreateAsync(
            new HttpClientTransport(
                new HttpClientTransportOptions
                {
                    Endpoint = new Uri(gate.Host.Address, "/mcp"),
                    AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {gate.Key.Key}" },
                }
            )
        );

    internal static Task<JsonNode> Redeem(McpClient agent, string id, string payload) =>
        Call(agent, "redeem", new() { ["id"] = id, ["payload_sha256"] = payload });

    internal static async Task<JsonNode> Call(McpClient agent, string tool, Dictionary<string, object?> arguments)
    {
        var result = await agent.CallToolAsync(tool, arguments);
        Assert.False(result.IsError ?? false, Text(result));
        return JsonNode.Parse(result.StructuredContent!.Value.GetRawText())!;
    }

    internal static string Text(CallToolResult result) => ((TextContentBlock)result.Content[0]).Text;
}
