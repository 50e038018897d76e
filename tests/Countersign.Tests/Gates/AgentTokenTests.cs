using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Pages;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol.Authentication;
using ModelContextProtocol.Client;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>Agents with OAuth access tokens: which are taken, as whom they act, and what they don't open.</summary>
public sealed class AgentTokenTests(AgentTokenTests.Issuer issuer) : IClassFixture<AgentTokenTests.Issuer>
{
    private const string List = """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""";

    [Fact]
    public async Task A_token_acts_as_the_source_of_its_client_and_the_owner_cannot_decide()
    {
        using var agent = issuer.Agent(issuer.Good());
        var asked = await Mcp(agent, Call("request_approval", """{"subject":"Drop index"}"""));
        Assert.Equal(200, asked.Status);
        var path = await issuer.Gate.NextAsked();
        var seen = await issuer.Gate.Bot.Get(path);
        Assert.Equal(("bot", "proven"), (seen["requester"], seen["requesterCertainty"]));
        using var owner = await issuer.Gate.Host.Person(issuer.Gate.Olga);
        Assert.Equal(403, (await owner.Post($"{path}/decisions", new { answer = "approve" })).Status);
        await issuer.Gate.Decide(path, "reject");
        // Its key goes on working beside it.
        Assert.Equal(200, (await Mcp(issuer.Gate.Bot, List)).Status);
    }

    [Theory]
    [InlineData("aud", "\"HUB\"")]
    [InlineData("aud", "\"https://elsewhere.example.test/mcp\"")]
    [InlineData("aud", "[\"RESOURCE\", \"https://elsewhere.example.test\"]")]
    [InlineData("aud", "[]")]
    [InlineData("aud", "null")]
    [InlineData("iss", "\"https://evil.example.test\"")]
    [InlineData("iss", "null")]
    [InlineData("exp", "1772600000")]
    [InlineData("exp", "null")]
    [InlineData("exp", "\"9999999999\"")]
    [InlineData("nbf", "9972600000")]
    [InlineData("sub", "\"\"")]
    [InlineData("sub", "7")]
    [InlineData("client_id", "null")]
    [InlineData("client_id", "7")]
    [InlineData("azp", "\"another\"")]
    public async Task A_token_that_is_not_for_us_is_refused_with_where_to_get_one(string claim, string value)
    {
        var token = issuer.Good();
        token[claim] = JsonNode.Parse(
            value
                .Replace("HUB", issuer.Gate.Host.Address.AbsoluteUri, StringComparison.Ordinal)
                .Replace("RESOURCE", issuer.Resource, StringComparison.Ordinal)
        );
        if (token[claim] is null)
            token.Remove(claim);
        await IsRefused(issuer.Written(token));
    }

    [Theory]
    [InlineData("none"), InlineData("another key"), InlineData("a shared secret")]
    [InlineData("the public key as secret"), InlineData("an id token's type")]
    public async Task A_token_that_the_issuer_did_not_sign_for_this_is_refused(string how) =>
        await IsRefused(issuer.Written(issuer.Good(), how));

    [Fact]
    public async Task What_is_no_token_or_says_a_thing_twice_is_refused()
    {
        foreach (var text in new[] { "a.b", "a.b.c", "..", "a.e30.c", new string('a', 9_000) + ".b.c" })
            await IsRefused(text);
        await IsRefused(
            issuer.Written(
                issuer
                    .Good()
                    .ToJsonString()
                    .Replace("\"sub\"", "\"sub\":\"another\",\"sub\"", StringComparison.Ordinal),
                ""
            )
        );
        using var nobody = issuer.Gate.Host.Nobody();
        var inQuery = await nobody.Send(
            HttpMethod.Post,
            $"/mcp?access_token={issuer.Written(issuer.Good())}",
            new StringContent(List, Encoding.UTF8, "application/json"),
            [("Accept", "application/json, text/event-stream")]
        );
        Assert.Equal(401, inQuery.Status);
    }

    [Theory]
    [InlineData("azp"), InlineData("appid"), InlineData("cid")]
    public async Task The_client_has_the_name_that_issuers_give_it(string claim)
    {
        var token = issuer.Good();
        token.Remove("client_id");
        token[claim] = "release-bot";
        using var agent = issuer.Agent(token);
        Assert.Equal(200, (await Mcp(agent, List)).Status);
        token.Remove("sub");
        using var nameless = issuer.Agent(token);
        Assert.Equal(200, (await Mcp(nameless, List)).Status);
    }

    [Theory]
    [InlineData("stranger", "stranger")]
    [InlineData("stranger", "release-bot")]
    [InlineData("release-bot", "ann")]
    public async Task An_unknown_client_or_subject_is_told_in_words_how_to_be_known(string client, string subject)
    {
        var token = issuer.Good();
        (token["client_id"], token["sub"]) = (client, subject);
        using var agent = issuer.Agent(token);
        var refused = await Mcp(agent, List);
        Assert.Equal((403, "unknown_client"), (refused.Status, refused.Json["error"]!["data"]!["code"]!.ToString()));
        Assert.Contains(
            $"countersign source set <name> --oauth-client \"{client}\" --oauth-subject \"{subject}\"",
            refused.Json["error"]!["message"]!.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_token_of_a_person_acts_only_for_a_source_that_the_person_owns()
    {
        var (hub, gate) = (issuer.Gate.Hub, issuer.Gate);
        var ivy = await hub.AddPerson("Ivy");
        var set = new SetAgentClient(hub.Store);
        Some.Done(await hub.Sources.Add("ivy's", "agent", null, null, Some.Operator, default, owner: gate.Olga.Email));
        Some.Done(await set.Run("ivy's", new AgentClient("ide", "ivy"), Some.Operator, default));
        await hub.Store.InTransaction(async tx =>
        {
            await tx.Execute(
                "INSERT INTO identities (person_id, issuer, subject, created_at) VALUES (@Id, @iss, 'ivy', @now)",
                new
                {
                    ivy.Id,
                    iss = issuer.Address,
                    now = tx.Now,
                }
            );
            await tx.Append(
                $"person:{ivy.Id}",
                Some.Operator,
                "person.linked",
                new
                {
                    identity = await tx.Number("SELECT max(id) FROM identities"),
                    issuer = issuer.Address,
                    subject = "ivy",
                }
            );
        });
        var token = issuer.Good();
        (token["client_id"], token["sub"]) = ("ide", "ivy");
        using var agent = issuer.Agent(token);
        var refused = await Mcp(agent, List);
        Assert.Equal((403, "not_the_owner"), (refused.Status, refused.Json["error"]!["data"]!["code"]!.ToString()));
        Some.Done(await hub.Sources.Set("ivy's", new SourceRequesterRules(Owner: ivy.Email), Some.Operator, default));
        await gate.Host.Noticed();
        Assert.Equal(200, (await Mcp(agent, List)).Status);
        await hub.Disable(ivy);
        await gate.Host.Noticed();
        Assert.Equal(403, (await Mcp(agent, List)).Status);
    }

    [Fact]
    public async Task A_token_opens_no_other_door()
    {
        using var agent = issuer.Agent(issuer.Good());
        var (path, _) = await issuer.Gate.Ask();
        foreach (
            var call in new[]
            {
                "/api/v1/requests",
                path,
                "/api/approvals/1",
                "/api/v2/users",
                "/api/v1/people",
                "/proof/checkpoint",
            }
        )
        {
            Assert.Equal((call, 401), (call, (await agent.Get(call)).Status));
        }
        foreach (var what in new[] { "decisions", "delegation", "assignee", "break-glass", "redemption" })
            Assert.Equal((what, 401), (what, (await agent.Post($"{path}/{what}", new { answer = "approve" })).Status));
        var page = $"/requests/{path.Split('/')[^1]}";
        Assert.Equal(302, (await agent.Get(page)).Status);
        Assert.NotEqual(200, (await agent.Post(page, new { })).Status);
        Assert.Equal("active", (await issuer.Gate.Bot.Get(path))["status"]);
        await issuer.Gate.Decide(path, "reject");
    }

    [Fact]
    public async Task Where_to_get_a_token_stands_at_both_well_known_addresses_and_in_each_refusal()
    {
        using var nobody = issuer.Gate.Host.Nobody();
        foreach (var suffix in new[] { "", "/mcp" })
        {
            var described = await nobody.Get("/.well-known/oauth-protected-resource" + suffix);
            Assert.Equal(
                (200, issuer.Resource, issuer.Address),
                (
                    described.Status,
                    described["resource"],
                    described.Json["authorization_servers"]!.AsArray().Single()!.ToString()
                )
            );
        }
        var refused = await Mcp(nobody, List);
        Assert.Equal((401, "2.0"), (refused.Status, refused["jsonrpc"]));
        Assert.Contains(
            $"resource_metadata=\"{issuer.Gate.Host.Address}.well-known/oauth-protected-resource/mcp\"",
            refused.Headers.WwwAuthenticate.ToString(),
            StringComparison.Ordinal
        );
        // Without an issuer there is nothing to describe, and no token is good.
        await using var without = await ApiHost.Start(issuer.Gate.Hub);
        using var agent = new ApiClient(without.Address, issuer.Bearer(issuer.Good()));
        Assert.Equal(404, (await agent.Get("/.well-known/oauth-protected-resource/mcp")).Status);
        var unknown = await Mcp(agent, List);
        Assert.Equal(401, unknown.Status);
        Assert.DoesNotContain(
            "resource_metadata",
            unknown.Headers.WwwAuthenticate.ToString(),
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task The_api_says_whose_tokens_act_as_a_source_and_takes_it_back(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var admin = await host.Person(await host.Hub.AddPerson("Root", Role.Admin));
        var owner = (await host.Hub.AddPerson("Ann")).Email;
        await host.Noticed();
        object Bot(string name, string? client, string? subject = null) =>
            new
            {
                name,
                kind = "agent",
                owner,
                oauthClient = client,
                oauthSubject = subject,
            };
        Assert.Equal(201, (await admin.Post("/api/v1/sources", Bot("bot", "release-bot"))).Status);
        Assert.Equal(409, (await admin.Post("/api/v1/sources", Bot("other", "release-bot"))).Status);
        Assert.Equal(422, (await admin.Post("/api/v1/sources", Bot("other", null, "release-bot"))).Status);
        Assert.Equal(("release-bot", "release-bot"), await Change("""{"oauthClient":"release-bot"}"""));
        Assert.Equal(("ide", "ann"), await Change("""{"oauthClient":"ide","oauthSubject":"ann","keyExpires":"90d"}"""));
        Assert.Equal((null, null), await Change("""{"oauthClient":""}"""));
        Assert.Null(await host.Hub.Proof());

        async Task<(string? Client, string? Subject)> Change(string body)
        {
            var changed = await admin.Send(
                HttpMethod.Patch,
                "/api/v1/sources/bot",
                new StringContent(body, null, "application/json")
            );
            Assert.Equal(200, changed.Status);
            return (changed["oauthClient"], changed["oauthSubject"]);
        }
    }

    [Theory, BothEngines]
    public async Task A_client_belongs_to_one_agent_and_a_wait_ends_with_its_token(Engine engine)
    {
        await using var gate = await issuer.Start(engine);
        var set = new SetAgentClient(gate.Hub.Store);
        var bot = new AgentClient("release-bot", "release-bot");
        Some.Done(
            await gate.Hub.Sources.Add("other", "agent", null, null, Some.Operator, default, owner: gate.Olga.Email)
        );
        await gate.Hub.AddSource("builds");
        Assert.IsType<AccessOutcome<long>.Exists>(await set.Run("other", bot, Some.Operator, default));
        Assert.IsType<AccessOutcome<long>.Invalid>(
            await set.Run("builds", new AgentClient("x", "x"), Some.Operator, default)
        );
        foreach (var wrong in new[] { "", new string('x', 256), "a\nb" })
        {
            Assert.IsType<AccessOutcome<long>.Invalid>(
                await set.Run("other", new AgentClient(wrong, "x"), Some.Operator, default)
            );
        }
        Assert.IsType<AccessOutcome<NewSourceKey>.Exists>(
            await gate.Hub.Sources.Add(
                "third",
                "agent",
                null,
                null,
                Some.Operator,
                default,
                owner: gate.Olga.Email,
                client: bot
            )
        );
        using var agent = new ApiClient(gate.Host.Address, issuer.Bearer(issuer.GoodFor(gate)));
        // What an answer that lasts asks twice a second.
        var callers = gate.Host.Services.GetRequiredService<Callers>();
        var until = gate.Hub.Clock.Now.AddMinutes(5);
        var caller = (await callers.FindAgent(bot, until, "mcp", "127.0.0.1", default))!;
        Assert.Equal("bot", (await callers.FindAgain(caller, default))?.Source?.Name);
        gate.Hub.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Null(await callers.FindAgain(caller, default));
        // Removed, it's no one's token any more.
        IdentityProvider.ShareClock(gate.Hub);
        Assert.Equal(200, (await Mcp(agent, List)).Status);
        Some.Done(await set.Run("bot", null, Some.Operator, default));
        await gate.Host.Noticed();
        Assert.Equal(403, (await Mcp(agent, List)).Status);
        Some.Done(await set.Run("other", bot, Some.Operator, default));
        await gate.Hub.Sources.Disable("other", Some.Operator, default);
        await gate.Host.Noticed();
        Assert.Equal(403, (await Mcp(agent, List)).Status);
    }

    [Fact]
    public async Task The_page_of_an_agent_sets_whose_tokens_act_as_it()
    {
        var (gate, hub) = (issuer.Gate, issuer.Gate.Hub);
        var source = Some.Done(
            await hub.Sources.Add("page bot", "agent", null, null, Some.Operator, default, owner: gate.Olga.Email)
        );
        await gate.Host.Noticed();
        using var admin = await gate.Host.SignIn(gate.Ada);
        var path = $"/sources/{source.Id}";
        Assert.Contains(issuer.Resource, (await admin.Get(path)).Text, StringComparison.Ordinal);
        async Task<Browser.Page> Save(string client, string subject) =>
            await admin.Submit(path, path, ("do", "oauth-client"), ("oauthClient", client), ("oauthSubject", subject));
        var taken = await Save("release-bot", "");
        Assert.Equal(422, taken.Status);
        Assert.Contains("Another source has this client", taken.Text, StringComparison.Ordinal);
        Assert.Equal(302, (await Save("page-bot", "  ")).Status);
        await gate.Host.Noticed();
        var token = issuer.Good();
        (token["client_id"], token["sub"]) = ("page-bot", "page-bot");
        using var agent = issuer.Agent(token);
        Assert.Equal(200, (await Mcp(agent, List)).Status);
        Assert.Equal(302, (await Save("", "")).Status);
        await gate.Host.Noticed();
        Assert.Equal(403, (await Mcp(agent, List)).Status);
    }

    /// <summary>The provider's own pages let a person in, and its token then stands for that person.</summary>
    [Fact]
    public async Task The_CSharp_client_signs_a_person_in_and_acts_as_the_persons_agent()
    {
        await using var provider = await IdentityProvider.Start();
        await using var gate = await Gate.Start(Engine.Sqlite, "agent", SettingsFor(provider.Issuer.AbsoluteUri));
        IdentityProvider.ShareClock(gate.Hub);
        Some.Done(
            await new SetAgentClient(gate.Hub.Store).Run("bot", new AgentClient("ide", "ann"), Some.Operator, default)
        );
        await gate.Host.Noticed();
        await using var agent = await McpClient.CreateAsync(
            new HttpClientTransport(
                new HttpClientTransportOptions
                {
                    Endpoint = new Uri(gate.Host.Address, "/mcp"),
                    OAuth = new ClientOAuthOptions
                    {
                        ClientId = "ide",
                        ClientSecret = "secret of ide",
                        RedirectUri = new Uri("http://127.0.0.1:9/callback"),
                        // This provider grants nothing without one.
                        Scopes = ["anything"],
                        AuthorizationCallbackHandler = async (context, _) =>
                        {
                            var back = System.Web.HttpUtility.ParseQueryString(
                                (await SignIn(context.AuthorizationUri, context.RedirectUri, "ann")).Query
                            );
                            return new AuthorizationResult
                            {
                                Code = back["code"],
                                State = back["state"],
                                Iss = back["iss"],
                            };
                        },
                    },
                }
            )
        );
        var asked = await agent.CallToolAsync(
            "request_approval",
            new Dictionary<string, object?> { ["subject"] = "Drop index" }
        );
        Assert.False(asked.IsError ?? false);
        Assert.Equal("bot", (await gate.Bot.Get(await gate.NextAsked()))["requester"]);
    }

    /// <summary>As a hub has that agents reach at a fixed address.</summary>
    internal static (string Name, string Value)[] SettingsFor(string issuer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        return [("Urls", address), ("PublicUrl", address), ("Mcp:Authority", issuer.TrimEnd('/'))];
    }

    private static async Task<Uri> SignIn(Uri from, Uri to, string login)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        return await IdentityProvider.Walk(http, from, login, to);
    }

    private async Task IsRefused(string token)
    {
        using var agent = new ApiClient(issuer.Gate.Host.Address, new AuthenticationHeaderValue("Bearer", token));
        var refused = await Mcp(agent, List);
        Assert.Equal((401, "2.0"), (refused.Status, refused["jsonrpc"]));
        Assert.Contains("resource_metadata=", refused.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    private static string Call(string tool, string arguments) =>
        new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = 1,
            ["method"] = "tools/call",
            ["params"] = new JsonObject { ["name"] = tool, ["arguments"] = JsonNode.Parse(arguments) },
        }.ToJsonString();

    private static Task<ApiAnswer> Mcp(ApiClient client, string body) =>
        client.Send(
            HttpMethod.Post,
            "/mcp",
            new StringContent(body, Encoding.UTF8, "application/json"),
            [("Accept", "application/json, text/event-stream")]
        );

    /// <summary>An issuer that signs what a test wants, and a hub that trusts it.</summary>
    public sealed class Issuer : IAsyncLifetime
    {
        private readonly RSA _key = RSA.Create(2048),
            _other = RSA.Create(2048);
        private Receiver? _issuer;
        private Gate? _gate;

        public string Address => _issuer!.Address.GetLeftPart(UriPartial.Authority);
        internal Gate Gate => _gate!;
        public string Resource => ResourceOf(Gate);

        public async ValueTask InitializeAsync()
        {
            _issuer = new Receiver(Answer);
            _gate = await Start(Engine.Sqlite);
        }

        internal async Task<Gate> Start(Engine engine)
        {
            var gate = await Gate.Start(engine, "agent", SettingsFor(Address));
            IdentityProvider.ShareClock(gate.Hub);
            // So that the owner sees what the agent asks.
            await gate.Hub.People.SetRole(gate.Olga.Email!, Role.Admin, Some.Operator, default);
            Some.Done(
                await new SetAgentClient(gate.Hub.Store).Run(
                    "bot",
                    AgentClient.Of("release-bot", null),
                    Some.Operator,
                    default
                )
            );
            await gate.Host.Noticed();
            return gate;
        }

        public async ValueTask DisposeAsync()
        {
            await _gate!.DisposeAsync();
            await _issuer!.DisposeAsync();
            _key.Dispose();
            _other.Dispose();
        }

        public ApiClient Agent(JsonObject token) => new(Gate.Host.Address, Bearer(token));

        public AuthenticationHeaderValue Bearer(JsonObject token) => new("Bearer", Written(token));

        public JsonObject Good() => GoodFor(Gate);

        internal JsonObject GoodFor(Gate gate) =>
            new()
            {
                ["iss"] = Address,
                ["sub"] = "release-bot",
                ["aud"] = ResourceOf(gate),
                ["client_id"] = "release-bot",
                ["exp"] = gate.Hub.Clock.Now.ToUnixTimeSeconds() + 300,
                ["iat"] = gate.Hub.Clock.Now.ToUnixTimeSeconds(),
            };

        public string Written(JsonObject claims, string how = "") => Written(claims.ToJsonString(), how);

        public string Written(string claims, string how)
        {
            var header = new JsonObject
            {
                ["typ"] = how == "an id token's type" ? "logout+jwt" : "at+jwt",
                ["kid"] = how == "another key" ? "other" : "one",
                ["alg"] = how switch
                {
                    "none" => "none",
                    "a shared secret" or "the public key as secret" => "HS256",
                    _ => "RS256",
                },
            };
            var text =
                $"{Encoded(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Encoded(Encoding.UTF8.GetBytes(claims))}";
            var bytes = Encoding.ASCII.GetBytes(text);
            var signature = how switch
            {
                "none" => [],
                "a shared secret" => HMACSHA256.HashData("release-bot"u8.ToArray(), bytes),
                "the public key as secret" => HMACSHA256.HashData(_key.ExportSubjectPublicKeyInfo(), bytes),
                _ => (how == "another key" ? _other : _key).SignData(
                    bytes,
                    HashAlgorithmName.SHA256,
                    RSASignaturePadding.Pkcs1
                ),
            };
            return $"{text}.{Encoded(signature)}";
        }

        private static string ResourceOf(Gate gate) => gate.Host.Address + "mcp";

        private static string Encoded(byte[] bytes) => Base64Url.EncodeToString(bytes);

        private Conduct.Answers Answer(Received call)
        {
            var key = _key.ExportParameters(includePrivateParameters: false);
            object? answer = call.Path switch
            {
                "/.well-known/openid-configuration" => new
                {
                    issuer = Address,
                    authorization_endpoint = Address + "/authorize",
                    token_endpoint = Address + "/token",
                    jwks_uri = Address + "/keys",
                },
                "/keys" => new
                {
                    keys = new[]
                    {
                        new
                        {
                            kty = "RSA",
                            use = "sig",
                            kid = "one",
                            n = Encoded(key.Modulus!),
                            e = Encoded(key.Exponent!),
                        },
                    },
                },
                _ => null,
            };
            return new Conduct.Answers(
                answer is null ? 404 : 200,
                JsonSerializer.Serialize(answer),
                "Content-Type: application/json\r\n"
            );
        }
    }
}
