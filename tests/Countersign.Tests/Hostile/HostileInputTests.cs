using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Requests;
using Countersign.Tests.Destinations.Manifest;
using Countersign.Tests.Doors.LaunchDarkly;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Hostile;

/// <summary>
/// Calls of every endpoint with what no well-meaning client sends, each from a seed of its own. No answer is a fault of
/// the server, none is larger than its bound, none holds what belongs to someone else, and the record verifies.
/// </summary>
public sealed class HostileInputTests
{
    private const string Secret = "canary-7f3a91";

    /// <summary>The largest page has a hundred requests; an error names a hundred members at most.</summary>
    private const int MaxAnswer = 2 * 1024 * 1024,
        MaxError = 256 * 1024;

    /// <summary>They go on for as long as they are read, or wait when asked to.</summary>
    private static readonly string[] Endless = ["/api/v1/events", "/live", "/pending"];

    private static readonly string Seeds = Path.Combine("tests", "Countersign.Tests", "Hostile", "seeds.txt");

    [Theory, BothEngines]
    public async Task Nothing_that_is_sent_makes_the_server_fail_or_tell(Engine engine)
    {
        var calls =
            LongRun.IsAskedFor ? 500_000
            : engine == Engine.Sqlite ? 1_500
            : 400;
        await using var target = await Target.Start(engine);
        // Every seed that ever failed comes first, then those of this run.
        var seeds = Kept().Concat(Enumerable.Range(1, calls)).ToList();
        var wrong = new List<string>();
        await Parallel.ForEachAsync(
            seeds,
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            async (seed, cancel) =>
            {
                if (await target.Call(seed, cancel) is { } fault)
                {
                    lock (wrong)
                        wrong.Add($"{seed}: {fault}");
                }
            }
        );
        Assert.True(
            wrong.Count == 0,
            $"{wrong.Count} of {seeds.Count} calls. Add the seeds to {Seeds}:\n{string.Join('\n', wrong.Take(20))}"
        );
    }

    private static IEnumerable<int> Kept() =>
        from line in Repository.Read(Seeds.Split(Path.DirectorySeparatorChar)).Split('\n')
        where line.Length > 0 && line[0] != '#'
        select int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture);

    private sealed record Endpoint(string Method, string Route, JsonNode? Example);

    private sealed class Target : IAsyncDisposable
    {
        private readonly ApiHost _host;
        private readonly List<Endpoint> _endpoints = [];
        private readonly List<(string Name, HttpClient Client, bool SeesAll)> _callers = [];
        private readonly List<string> _names = [];
        private readonly string[] _policies;
        private Browser _browser = null!;
        private string _formToken = "";

        private Target(ApiHost host)
        {
            _host = host;
            _policies =
            [
                .. Repository
                    .Read("docs", "policies.md")
                    .Split("```yaml\n")
                    .Skip(1)
                    .Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)]),
            ];
        }

        public static async Task<Target> Start(Engine engine)
        {
            var target = new Target(await ApiHost.Start(engine, ("RateLimit:PerKeyPerMinute", "0")));
            await target.Fill();
            return target;
        }

        private async Task Fill()
        {
            var hub = _host.Hub;
            var (ann, eve, agent) = (
                await hub.AddPerson("Ann", Role.Agent),
                await hub.AddPerson("Eve", Role.EndUser),
                await hub.AddPerson("Abe", Role.Agent)
            );
            var admin = await hub.AddPerson("Root", Role.Admin);
            var group = await hub.AddGroup("SRE", ann);
            var flags = await hub.AddSource("flags", group, kind: "launchdarkly");
            var deploys = await hub.AddSource("deploys", group);
            // Neither Eve nor Abe nor a source may see this one; both may see the other.
            var secret = await hub.Ask(ann.AsApprover, Secret, ann);
            var open = await hub.Ask(Some.Policy(ann.AsApprover, eve.AsApprover, agent.AsApprover));
            await _host.Noticed();
            _callers.Add(("no one", _host.Nobody().Http, false));
            _callers.Add(("Eve", (await _host.Person(eve)).Http, false));
            _callers.Add(("Abe", (await _host.Person(agent)).Http, false));
            _callers.Add(("flags", _host.Source(flags).Http, false));
            _callers.Add(("deploys", _host.Source(deploys).Http, false));
            _callers.Add(("Root", (await _host.Person(admin)).Http, true));
            _browser = await _host.SignIn(agent);
            _formToken = (await _browser.Get("/account")).Token ?? "";
            _callers.Add(("Abe's browser", _browser.Http, false));
            _names.AddRange([
                $"{secret.Id}",
                $"{open.Id}",
                $"{open.Id}",
                secret.ExternalId!,
                LaunchDarklySide.Id,
                "ann@example.test",
                "SRE",
                "flags",
                "deploys",
                "1",
                "2",
                "v1",
                "policies",
            ]);
            var document = JsonNode.Parse(await _host.Nobody().Http.GetStringAsync("/openapi/v1.json"))!;
            foreach (var (path, verbs) in document["paths"]!.AsObject())
            {
                foreach (var (verb, operation) in verbs!.AsObject())
                {
                    var schema = operation?["requestBody"]?["content"]?["application/json"]?["schema"];
                    Add(verb.ToUpperInvariant(), path, schema is null ? null : Example(document, schema, 4));
                }
            }
            foreach (
                var endpoint in _host
                    .Services.GetServices<EndpointDataSource>()
                    .SelectMany(s => s.Endpoints)
                    .OfType<RouteEndpoint>()
            )
            {
                foreach (var verb in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                    Add(verb, "/" + endpoint.RoutePattern.RawText!.Trim('/'), null);
            }
        }

        private void Add(string verb, string path, JsonNode? example)
        {
            if (!Endless.Contains(path) && !_endpoints.Exists(e => e.Method == verb && Same(e.Route, path)))
            {
                _endpoints.Add(new Endpoint(verb, path, example));
            }
        }

        private static bool Same(string one, string other) => Plain(one) == Plain(other);

        private static string Plain(string route) =>
            string.Join('/', route.Split('/').Select(p => p.StartsWith('{') ? "{}" : p));

        /// <summary>A document as the schema has it, so that the call gets past the reading.</summary>
        private static JsonNode? Example(JsonNode document, JsonNode schema, int depth)
        {
            if (schema["$ref"]?.ToString() is { } reference)
            {
                var name = reference[(reference.LastIndexOf('/') + 1)..];
                return depth == 0 ? null : Example(document, document["components"]!["schemas"]![name]!, depth - 1);
            }
            if (schema["enum"] is JsonArray { Count: > 0 } words)
                return words[0]?.DeepClone();
            if ((schema["oneOf"] ?? schema["anyOf"]) is JsonArray { Count: > 0 } choices)
                return depth == 0 ? null : Example(document, choices[^1]!, depth - 1);
            var type = schema["type"] is JsonArray types ? types[^1]?.ToString() : schema["type"]?.ToString();
            switch (type)
            {
                case "array":
                    return depth == 0 || schema["items"] is not { } items
                        ? new JsonArray()
                        : new JsonArray(Example(document, items, depth - 1));
                case "integer" or "number":
                    return JsonValue.Create(1);
                case "boolean":
                    return JsonValue.Create(true);
                case "string":
                    return JsonValue.Create("x");
                default:
                    var members = new JsonObject();
                    foreach (var (name, of) in schema["properties"] as JsonObject ?? [])
                        members[name] = depth == 0 ? null : Example(document, of!, depth - 1);
                    return members;
            }
        }

        /// <summary>Null, or what is wrong with the answer.</summary>
        public async Task<string?> Call(int seed, CancellationToken cancel)
        {
            var grammar = new Grammar(Seeded.Random(seed));
            var (endpoint, caller) = (grammar.One(_endpoints), grammar.One(_callers));
            // An admin may change anything, so here they only look and try out.
            if (caller.SeesAll && !MayTry(endpoint))
                return null;
            using var request = Request(grammar, endpoint);
            if (request is null)
                return null;
            var what = $"{caller.Name}: {request.Method} {request.RequestUri}";
            try
            {
                using var answer = await caller.Client.SendAsync(request, cancel);
                var body = await answer.Content.ReadAsByteArrayAsync(cancel);
                var status = (int)answer.StatusCode;
                var max = status < 400 ? MaxAnswer : MaxError;
                return status >= 500
                        ? $"{what} → {status} {Encoding.UTF8.GetString(body)[..Math.Min(300, body.Length)]}"
                    : body.Length > max ? $"{what} → {status} with {body.Length} bytes"
                    : !caller.SeesAll && Encoding.UTF8.GetString(body).Contains(Secret, StringComparison.Ordinal)
                        ? $"{what} → {status} tells what is Ann's"
                    : null;
            }
            catch (HttpRequestException cut)
            {
                return $"{what} → {cut.Message} {cut.InnerException?.Message}";
            }
        }

        private static bool MayTry(Endpoint endpoint) =>
            endpoint.Method == "GET"
            || endpoint.Route.EndsWith("/check", StringComparison.Ordinal)
            || endpoint.Route.EndsWith("/explain", StringComparison.Ordinal)
            || endpoint.Route.EndsWith("/lint", StringComparison.Ordinal);

        private HttpRequestMessage? Request(Grammar grammar, Endpoint endpoint)
        {
            var path = string.Join(
                '/',
                endpoint
                    .Route.Split('/')
                    .Select(part =>
                        part.StartsWith('{') && grammar.Chance(97)
                            ? Uri.EscapeDataString(grammar.Chance(70) ? grammar.One(_names) : Short(grammar.Text()))
                                + part[(part.IndexOf('}', StringComparison.Ordinal) + 1)..]
                            : part
                    )
            );
            if (grammar.Chance(50))
                path += "?" + Query(grammar);
            if (!Uri.TryCreate(path, UriKind.Relative, out var address))
                return null;
            var request = new HttpRequestMessage(new HttpMethod(endpoint.Method), address);
            if (endpoint.Method is "POST" or "PUT" or "PATCH" || grammar.Chance(3))
                request.Content = Body(grammar, endpoint);
            for (var n = grammar.Below(4); n > 0; n--)
                Header(grammar, request);
            if (grammar.Chance(80))
                request.Headers.TryAddWithoutValidation("Origin", _browser.Origin);
            if (grammar.Chance(80))
                request.Headers.TryAddWithoutValidation("X-CSRF-Token", _formToken);
            return request;
        }

        private HttpContent Body(Grammar grammar, Endpoint endpoint)
        {
            if (!endpoint.Route.StartsWith("/api", StringComparison.Ordinal) && grammar.Chance(85))
                return Form(grammar);
            var right =
                endpoint.Route == "/api/approvals" ? LaunchDarklySide.Body($"{grammar.Below(1_000_000):x24}")
                : endpoint.Route == "/api/v1/requests"
                    ? new JsonObject
                    {
                        ["subject"] = "x",
                        ["message"] = grammar.Markdown(),
                        ["externalId"] = $"{grammar.Below(50)}",
                        ["facts"] = new JsonObject { ["a"] = "b" },
                        ["requester"] = new JsonObject { ["name"] = "Ann", ["email"] = "ann@example.test" },
                    }
                : endpoint.Route.EndsWith("/decisions", StringComparison.Ordinal)
                    ? new JsonObject { ["answer"] = grammar.One(["approve", "reject", "abstain"]), ["note"] = "x" }
                : endpoint.Route.EndsWith("/decision", StringComparison.Ordinal)
                    ? new JsonObject { ["status"] = grammar.One(["approved", "rejected", "pending"]), ["notes"] = "x" }
                : endpoint.Route.StartsWith("/api/v2/", StringComparison.Ordinal)
                    ? new JsonObject
                    {
                        ["subject"] = "x",
                        ["message"] = "x",
                        ["assignee_id"] = grammar.Below(8),
                        ["ticket"] = new JsonObject
                        {
                            ["subject"] = "x",
                            ["comment"] = new JsonObject { ["body"] = "x" },
                        },
                    }
                : endpoint.Route.EndsWith("/lint", StringComparison.Ordinal)
                    ? new JsonObject { ["manifest"] = grammar.Lines(Sample.Text) }
                : endpoint.Route.StartsWith("/api/v1/policies", StringComparison.Ordinal)
                    ? new JsonObject
                    {
                        ["text"] = grammar.Lines(grammar.One(_policies)),
                        ["policies"] = grammar.Lines(grammar.One(_policies)),
                        ["facts"] = new JsonObject { ["environment"] = "production" },
                    }
                : endpoint.Example;
            var content = new ByteArrayContent(grammar.Json(right));
            content.Headers.TryAddWithoutValidation(
                "Content-Type",
                grammar.Chance(92) ? "application/json" : Line(grammar.Text())
            );
            return content;
        }

        private FormUrlEncodedContent Form(Grammar grammar)
        {
            string[] known =
            [
                "do",
                "note",
                "text",
                "reason",
                "digest",
                "email",
                "name",
                "password",
                "person",
                "subject",
                "message",
                "to",
                "from",
                "type",
                "id",
                "ids",
            ];
            string[] verbs =
            [
                "approve",
                "reject",
                "abstain",
                "comment",
                "withdraw",
                "add",
                "profile",
                "check",
                "submit",
            ];
            var fields = new List<KeyValuePair<string, string>> { new("do", grammar.One(verbs)) };
            if (grammar.Chance(90))
                fields.Add(new(Browser.TokenField, _formToken));
            for (var n = grammar.Below(6); n > 0; n--)
                fields.Add(new(grammar.Chance(90) ? grammar.One(known) : grammar.Text(), grammar.Text()));
            return new FormUrlEncodedContent(fields);
        }

        private static string Query(Grammar grammar)
        {
            string[] known =
            [
                "status",
                "assignee",
                "group",
                "source",
                "environment",
                "text",
                "from",
                "before",
                "waiting",
                "order",
                "size",
                "cursor",
                "page",
                "page[size]",
                "page[after]",
                "page[before]",
                "per_page",
                "sort",
                "sort_by",
                "sort_order",
                "filter[status]",
                "query",
                "external_ids",
                "ids",
                "include",
                "approvalID",
                "about",
                "format",
                "table",
                "days",
                "state",
                "kind",
                "endpoint",
                "head",
                "to",
                "culture",
            ];
            return string.Join(
                '&',
                Enumerable
                    .Range(0, 1 + grammar.Below(4))
                    .Select(_ =>
                        (grammar.Chance(95) ? grammar.One(known) : Uri.EscapeDataString(Short(grammar.Text())))
                        + "="
                        + Uri.EscapeDataString(
                            Short(
                                grammar.Chance(20)
                                    ? grammar.One(["1", "100", "me", "active", "-1", "0"])
                                    : grammar.Text()
                            )
                        )
                    )
            );
        }

        private static void Header(Grammar grammar, HttpRequestMessage request)
        {
            var name = grammar.One([
                "Idempotency-Key",
                "Accept",
                "Accept-Language",
                "If-None-Match",
                "If-Match",
                "Range",
                "Cookie",
                "Sec-Fetch-Site",
                "X-Forwarded-For",
                "X-Forwarded-Proto",
                "X-Forwarded-Host",
                "X-Forwarded-Prefix",
                "X-Requested-With",
                "Last-Event-ID",
                "X-HTTP-Method-Override",
                "traceparent",
                "X-LD-Signature",
                "Origin",
                "Referer",
                "Prefer",
            ]);
            request.Headers.TryAddWithoutValidation(
                name,
                name == "Cookie"
                    ? $"countersign={Line(grammar.Text())}; .AspNetCore.Antiforgery={Line(grammar.Text())}"
                    : Line(grammar.Text())
            );
        }

        /// <summary>What fits into an address.</summary>
        private static string Short(string text) => text.Length > 200 ? text[..200].TrimEnd('\uD83D') : text;

        /// <summary>What a client's library sends at all as a header.</summary>
        private static string Line(string text) => new([.. Short(text).Where(c => c is >= ' ' and < (char)127)]);

        public async ValueTask DisposeAsync()
        {
            _browser.Dispose();
            foreach (var (_, client, _) in _callers)
                client.Dispose();
            await _host.DisposeAsync();
        }
    }
}

internal static class HostileAsk
{
    /// <summary>Asked by this person, with a text that no one else may read.</summary>
    public static Task<ApprovalRequest> Ask(this TestHub hub, Policies.Approver approver, string secret, Person by) =>
        hub.Ask(Some.Policy(approver), s => s.Saying(secret).AskedBy(by) with { ExternalId = "of-ann" });
}
