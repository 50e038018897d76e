using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Countersign.Gates.GitHub;
using Countersign.People;
using Countersign.Simulator.GitHub;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>Setting a source up, from its page to the first decided request, and with GitHub's own libraries.</summary>
public sealed partial class GitHubSetUpTests
{
    [Fact]
    public async Task The_page_creates_the_App_and_turns_green_at_the_first_genuine_call()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("Egress:Allow", "127.0.0.0/8"));
        await using var gitHub = await FakeGitHub.Start(host.Hub.Clock);
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        var other = await host.Hub.AddPerson("Otto", Role.Admin);
        await host.Noticed();
        using var browser = await host.SignIn(ada);
        var added = await browser.Submit(
            "/sources/new",
            "/sources",
            ("name", "deployments"),
            ("kind", "github"),
            ("who", ""),
            ("need", "1")
        );
        var path = added.Location!.Split('?')[0];
        var page = await browser.Get(path);
        // A key would be one more way in that no one needs.
        Assert.DoesNotContain("csk_", page.Text, StringComparison.Ordinal);
        Assert.Contains("Not set up", page.Text, StringComparison.Ordinal);

        var server = gitHub.Address.GetLeftPart(UriPartial.Authority);
        var refused = await browser.Submit(path, path, ("do", "gate-app"), ("gate.server", "http://github.com"));
        Assert.Equal(422, refused.Status);
        Assert.Contains("Enter an https address without a path", refused.Text, StringComparison.Ordinal);
        var begun = await browser.Submit(
            path,
            path,
            ("do", "gate-app"),
            ("gate.server", server),
            ("organization", "acme")
        );
        var form = await browser.Get(begun.Location!);
        Assert.EndsWith(
            $"form-action 'self' {server}",
            form.Headers.GetValues("Content-Security-Policy").Single(),
            StringComparison.Ordinal
        );
        var action = WebUtility.HtmlDecode(Action().Match(form.Text).Groups["url"].Value);
        Assert.StartsWith($"{server}/organizations/acme/settings/apps/new?state=", action, StringComparison.Ordinal);
        var manifest = JsonDocument
            .Parse(WebUtility.HtmlDecode(Manifest().Match(form.Text).Groups["json"].Value))
            .RootElement;
        Assert.EndsWith(
            $"/gates/github/{path.Split('/')[^1]}",
            manifest.GetProperty("hook_attributes").GetProperty("url").GetString(),
            StringComparison.Ordinal
        );
        Assert.Contains("contents", manifest.GetProperty("default_permissions").GetRawText(), StringComparison.Ordinal);
        Assert.Equal("""["deployment_protection_rule"]""", manifest.GetProperty("default_events").GetRawText());
        var back = new Uri(manifest.GetProperty("redirect_url").GetString()!).AbsolutePath;
        var state = action[(action.IndexOf("state=", StringComparison.Ordinal) + 6)..];

        // A code that someone else brings, or that wasn't asked for here, sets nothing up.
        foreach (
            var (caller, code, with) in new[]
            {
                (ada, FakeGitHub.Code, "made-up"),
                (ada, "another-code", state),
                (other, FakeGitHub.Code, state),
            }
        )
        {
            using var someone = await host.SignIn(caller);
            Assert.Equal(422, (await someone.Get($"{back}?code={code}&state={with}")).Status);
        }
        Assert.Contains("Not set up", (await browser.Get(path)).Text, StringComparison.Ordinal);
        Assert.StartsWith(
            path,
            (await browser.Get($"{back}?code={FakeGitHub.Code}&state={state}")).Location,
            StringComparison.Ordinal
        );
        page = await browser.Get(path);
        Assert.Contains("No calls yet", page.Text, StringComparison.Ordinal);
        Assert.Contains(
            $"{server}/github-apps/countersign-acme/installations/new",
            page.Text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("BEGIN RSA", page.Text, StringComparison.Ordinal);

        gitHub.SendTo(new Uri(host.Address, $"/gates/github/{path.Split('/')[^1]}"));
        await gitHub.Send(gitHub.New("ping", "{}"u8.ToArray(), "another secret"));
        Assert.Contains("signature doesn&#x27;t match", (await browser.Get(path)).Text, StringComparison.Ordinal);
        gitHub.Commits.Add(new GitHubCommit(new string('b', 40), "octo-jane", "Jane", "Before"));
        gitHub.Commits.Add(new GitHubCommit(new string('a', 40), "octo-jane", "Jane", "Faster <checkout>"));
        gitHub.AddDeployment("production", new string('b', 40), "success");
        var asked = await gitHub.Want(gitHub.AddRun(), "production");
        Assert.Equal(202, asked.Status);
        Assert.Contains("First verified call", (await browser.Get(path)).Text, StringComparison.Ordinal);
        using var api = await host.Person(ada);
        var requests = (await api.Get("/api/v1/requests?source=deployments")).Json["requests"]!.AsArray();
        Assert.Equal("active", Assert.Single(requests)!["status"]!.ToString());
        // Reviewers see what the deployment brings, on the page and through the API.
        var id = requests[0]!["id"]!.ToString();
        await Eventually.True(
            async () => (await api.Get($"/api/v1/requests/{id}")).Json["commits"] is not null,
            "the commits are read"
        );
        var commits = (await api.Get($"/api/v1/requests/{id}")).Json["commits"]!;
        Assert.Equal("Faster <checkout>", Assert.Single(commits["list"]!.AsArray())!["title"]!.ToString());
        var review = (await browser.Get($"/requests/{id}")).Text;
        Assert.Contains("1 commit since the last deployment", review, StringComparison.Ordinal);
        Assert.Contains("Faster &lt;checkout&gt;", review, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task The_server_tells_GitHub_what_was_decided(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        await using var gitHub = await FakeGitHub.Start(host.Hub.Clock);
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        var jane = await host.Hub.AddPerson("Jane");
        var alias = $"github:{gitHub.Address.Host}:99";
        Some.Done(await new Aliases(host.Hub.Store).Add(jane.Email!, alias, Some.Operator, default));
        var key = await host.Hub.AddSource("deployments", kind: "github");
        await GitHubHub.SetUp(host, "deployments", gitHub);
        gitHub.SendTo(new Uri(host.Address, $"/gates/github/{key.Id}"));
        await gitHub.Want(gitHub.AddRun(), "production");
        using var api = await host.Person(ada);
        var id = (await api.Get("/api/v1/requests?source=deployments")).Json["requests"]![0]!["id"]!.ToString();
        Assert.Equal(200, (await api.Post($"/api/v1/requests/{id}/decisions", new { answer = "approve" })).Status);
        await Eventually.True(() => gitHub.Verdicts.Any(v => v["state"]?.ToString() == "approved"), "GitHub is told");
        await Eventually.True(
            async () => (await api.Get($"/api/v1/requests/{id}"))["appliedAt"] is not null,
            "what GitHub took is recorded"
        );
    }

    [Fact]
    public async Task GitHubs_own_libraries_sign_what_is_taken_and_call_the_fake_as_we_do()
    {
        using var npm = await Npm.Install(
            "@octokit/webhooks@14.2.0",
            "@octokit/webhooks-methods@6.0.0",
            "@octokit/auth-app@8.3.1",
            "@octokit/core@7.0.8"
        );
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        // Node has the time of this machine.
#pragma warning disable RS0030 // Node has the time of this machine.
        await using var gitHub = await FakeGitHub.Start(TimeProvider.System);
#pragma warning restore RS0030
        var run = gitHub.AddRun();
        var delivery = await gitHub.Want(run, "production");
        var output = await npm.Node(
            $$"""
            (async () => {
              const { sign, verify } = await import("@octokit/webhooks-methods");
              const { createAppAuth } = await import("@octokit/auth-app");
              const { Octokit } = await import("@octokit/core");
              const body = Buffer.from("{{Convert.ToBase64String(delivery.Body)}}", "base64").toString("utf8");
              const secret = {{JsonSerializer.Serialize(FakeGitHub.Secret)}};
              const signature = await sign(secret, body);
              if (!(await verify(secret, body, signature))) throw new Error("not verified");
              // Its handler of webhooks knows the event and its action by these names.
              const { Webhooks } = await import("@octokit/webhooks");
              const heard = [];
              const webhooks = new Webhooks({ secret });
              webhooks.on("deployment_protection_rule.requested", e => { heard.push(e.payload.environment); });
              await webhooks.verifyAndReceive({
                id: "{{delivery.DeliveryId}}", name: "{{delivery.Kind}}", payload: body, signature });
              const octokit = new Octokit({
                baseUrl: "{{gitHub.Address}}api/v3",
                authStrategy: createAppAuth,
                auth: { appId: {{FakeGitHub.AppId}}, privateKey: {{JsonSerializer.Serialize(
                FakeGitHub.PrivateKey
            )}}, installationId: 5550001 },
              });
              const taken = await octokit.request(
                "POST /repos/acme/shop/actions/runs/{{run.Id}}/deployment_protection_rule",
                { environment_name: "production", state: "approved", comment: "from Octokit" });
              console.log(JSON.stringify({ signature, status: taken.status, heard }));
            })().catch(e => { console.error(e); process.exit(1); });
            """
        );
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal(204, answer.GetProperty("status").GetInt32());
        Assert.Equal("""["production"]""", answer.GetProperty("heard").GetRawText());
        var headers = new Dictionary<string, string>(delivery.Headers)
        {
            ["X-Hub-Signature-256"] = answer.GetProperty("signature").GetString()!,
        };
        // Its callback address is another server's, which is looked at once it is genuine.
        Assert.Equal(422, await hub.Deliver(headers, delivery.Body));
    }

    [Fact]
    public async Task GitHubs_command_line_calls_the_fake_as_we_do()
    {
        var isThere = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, "gh")));
        Assert.SkipUnless(isThere, "The program gh isn't installed (apt-get install gh).");
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        var run = hub.GitHub.AddRun();
        hub.GitHub.Commits.Add(new GitHubCommit(new string('b', 40), "octo-jane", "Jane", "Before"));
        hub.GitHub.Commits.Add(new GitHubCommit(run.Sha, "octo-jane", "Jane", "After"));
        hub.GitHub.AddDeployment("production", new string('b', 40), "success");
        await hub.Ask(run);
        await hub.After(TimeSpan.FromSeconds(5));
        var ours = hub.GitHub.Calls;
        var config = Directory.CreateTempSubdirectory("countersign-gh-").FullName;
        try
        {
            // The same calls with the same tokens; the program speaks plain HTTP to this name alone, by a proxy.
            foreach (var call in ours.Where(c => c.Path.StartsWith("/api/v3/repos/", StringComparison.Ordinal)))
            {
                string[] fields =
                [
                    .. (
                        call.Body.Length == 0 ? [] : JsonDocument.Parse(call.Body).RootElement.EnumerateObject()
                    ).SelectMany(m => new[] { "-f", $"{m.Name}={m.Value.GetString()}" }),
                ];
                var (code, _, error) = await Programs.Run(
                    "gh",
                    ["api", "-X", call.Method, call.Path["/api/v3/".Length..] + call.Query, .. fields],
                    config,
                    TimeSpan.FromSeconds(60),
                    new Dictionary<string, string>
                    {
                        ["GH_CONFIG_DIR"] = config,
                        ["GH_HOST"] = "github.localhost",
                        ["GH_TOKEN"] = call.Header("Authorization").Split(' ')[^1],
                        ["HTTP_PROXY"] = hub.GitHub.Address.GetLeftPart(UriPartial.Authority),
                    }
                );
                Assert.True(code == 0, $"{call.Method} {call.Path}: {error}");
            }
        }
        finally
        {
            Directory.Delete(config, recursive: true);
        }
        Assert.Equal(
            ours.Where(c => c.Path.StartsWith("/api/v3/repos/", StringComparison.Ordinal))
                .Select(c => $"{c.Method} {c.Path["/api/v3".Length..]}{c.Query} {JsonOf(c.Body)}"),
            hub.GitHub.Calls.Skip(ours.Count).Select(c => $"{c.Method} {c.Path}{c.Query} {JsonOf(c.Body)}")
        );

        static string JsonOf(string body) =>
            string.Join(
                ',',
                (body.Length == 0 ? [] : JsonDocument.Parse(body).RootElement.EnumerateObject())
                    .OrderBy(m => m.Name, StringComparer.Ordinal)
                    .Select(m => m.ToString())
            );
    }

    [Fact]
    public async Task GitHubs_published_schemas_allow_what_is_called_and_what_they_describe_is_understood()
    {
        Assert.SkipUnless(LongRun.IsAskedFor, "GitHub's schemas are 400 MB: --long.");
        using var npm = await Npm.Install("@octokit/openapi@23.0.2", "@octokit/openapi-webhooks@12.1.0", "ajv@8.17.1");
        await using var hub = await GitHubHub.Start(Engine.Sqlite);
        // A call that has everything that the schema allows, made from the schema itself.
        var full = await npm.Node(
            Schemas
                + $$"""
                const doc = read("@octokit/openapi-webhooks/generated/api.github.com.json");
                const name = "webhook-deployment-protection-rule-requested";
                const payload = instance(doc, doc.components.schemas[name], 0);
                payload.environment = "production";
                payload.event = "push";
                payload.deployment_callback_url =
                  "{{hub.GitHub.Address}}api/v3/repos/acme/shop/actions/runs/7/deployment_protection_rule";
                validate(doc, `/components/schemas/${name}`, payload);
                console.log(JSON.stringify(payload));
                """
        );
        Assert.Equal(
            202,
            await hub.Deliver(
                hub.GitHub.New("deployment_protection_rule", System.Text.Encoding.UTF8.GetBytes(full.Trim()))
            )
        );
        Assert.Single(await hub.Requests());

        var run = hub.GitHub.AddRun();
        hub.GitHub.Commits.Add(new GitHubCommit(new string('b', 40), "octo-jane", "Jane", "Before"));
        hub.GitHub.Commits.Add(new GitHubCommit(run.Sha, "octo-jane", "Jane", "After"));
        hub.GitHub.AddDeployment("production", new string('b', 40), "success");
        hub.GitHub.Traps.LosesAnswers = 1;
        var request = await hub.Ask(run);
        hub.GitHub.New("deployment_protection_rule", "{}"u8.ToArray());
        await hub.After(TimeSpan.FromMinutes(13));
        await hub.Approve(request);
        await hub.After(TimeSpan.FromMinutes(5));
        Assert.Equal("delivered", await hub.StateOf(request));
        var calls = hub.GitHub.Calls.Select(c => new
        {
            c.Method,
            Path = c.Path["/api/v3".Length..],
            c.Query,
            c.Body,
        });
        await File.WriteAllTextAsync(
            Path.Combine(npm.Folder, "calls.json"),
            JsonSerializer.Serialize(calls),
            TestContext.Current.CancellationToken
        );
        var checkedPaths = await npm.Node(
            Schemas
                + """
                const doc = read("@octokit/openapi/generated/api.github.com.json");
                const seen = new Set();
                for (const call of JSON.parse(fs.readFileSync("calls.json"))) {
                  const fits = t => new RegExp("^" + t.replace(/[.]/g, "\\.").replace(/{[^}]+}/g, "[^/]+") + "$");
                  const templates = Object.keys(doc.paths).filter(t => fits(t).test(call.Path));
                  // A fixed part of a path goes before one that is filled in.
                  templates.sort((a, b) => a.split("{").length - b.split("{").length);
                  const operation = doc.paths[templates[0]]?.[call.Method.toLowerCase()];
                  if (!operation) throw new Error(`${call.Method} ${call.Path} isn't GitHub's`);
                  const known = (operation.parameters || []).map(p => p.$ref ? at(doc, p.$ref) : p)
                    .filter(p => p.in === "query").map(p => p.name);
                  for (const [name] of new URLSearchParams(call.Query))
                    if (!known.includes(name)) throw new Error(`${templates[0]} has no ${name}`);
                  const body = operation.requestBody?.content["application/json"]?.schema;
                  if (body && call.Body) {
                    const place = `/paths/${escaped(templates[0])}/${call.Method.toLowerCase()}`
                      + "/requestBody/content/application~1json/schema";
                    validate(doc, place, JSON.parse(call.Body));
                  }
                  seen.add(`${call.Method} ${templates[0]}`);
                }
                console.log([...seen].sort().join("\n"));
                """
        );
        Assert.Equal(
            [
                "GET /app/hook/deliveries",
                "GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments",
                "GET /repos/{owner}/{repo}/compare/{basehead}",
                "GET /repos/{owner}/{repo}/deployments",
                "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
                "POST /app/hook/deliveries/{delivery_id}/attempts",
                "POST /app/installations/{installation_id}/access_tokens",
                "POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule",
            ],
            checkedPaths.Trim().Split('\n').Where(p => !p.EndsWith("/approvals", StringComparison.Ordinal))
        );
    }

    /// <summary>For scripts: reads an OpenAPI document, validates against it, and makes what it describes.</summary>
    private const string Schemas = """
        const fs = require("fs");
        const Ajv = require("ajv");
        const read = path => JSON.parse(fs.readFileSync("node_modules/" + path));
        const escaped = part => encodeURIComponent(part.replace(/~/g, "~0").replace(/\//g, "~1"));
        const at = (doc, ref) => ref.slice(2).split("/").reduce((node, part) =>
          node[decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~")], doc);
        const validate = (doc, place, value) => {
          const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, validateSchema: false });
          ajv.addSchema({ $id: "doc", components: doc.components, paths: doc.paths });
          const check = ajv.compile({ $ref: `doc#${place}` });
          if (!check(value)) throw new Error(place + ": " + JSON.stringify(check.errors.slice(0, 5)));
        };
        const instance = (doc, schema, depth) => {
          if (schema.$ref) return instance(doc, at(doc, schema.$ref), depth);
          const some = schema.oneOf || schema.anyOf;
          if (some) return instance(doc, some[0], depth);
          if (schema.allOf) return Object.assign({}, ...schema.allOf.map(s => instance(doc, s, depth)));
          if (schema.enum) return schema.enum[0];
          const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
          if (type === "object" || schema.properties) {
            const made = {};
            for (const [name, of] of Object.entries(schema.properties || {})) {
              if (depth < 3 || (schema.required || []).includes(name)) made[name] = instance(doc, of, depth + 1);
            }
            return made;
          }
          if (type === "array") return schema.items ? [instance(doc, schema.items, depth + 1)] : [];
          if (type === "boolean") return true;
          if (type === "integer" || type === "number") return 7;
          if (type === "string") return schema.format === "date-time" ? "2026-08-20T10:00:00Z" : "text";
          return null;
        };

        """;

    [GeneratedRegex("action=\"(?<url>http[^\"]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Action();

    [GeneratedRegex("name=\"manifest\"[^>]*value=\"(?<json>[^\"]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Manifest();
}
