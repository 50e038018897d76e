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
        var asked = await gitHub.Want(gitHub.AddRun(), "production");
        Assert.Equal(202, asked.Status);
        Assert.Contains("First genuine call", (await browser.Get(path)).Text, StringComparison.Ordinal);
        using var api = await host.Person(ada);
        var requests = (await api.Get("/api/v1/requests?source=deployments")).Json["requests"]!.AsArray();
        Assert.Equal("active", Assert.Single(requests)!["status"]!.ToString());
    }

    [Theory, BothEngines]
    public async Task The_server_tells_GitHub_what_was_decided(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        await using var gitHub = await FakeGitHub.Start(host.Hub.Clock);
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        var jane = await host.Hub.AddPerson("Jane");
        Some.Done(await new Aliases(host.Hub.Store).Add(jane.Email!, "github:99", Some.Operator, default));
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
              console.log(JSON.stringify({ signature, status: taken.status }));
            })().catch(e => { console.error(e); process.exit(1); });
            """
        );
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal(204, answer.GetProperty("status").GetInt32());
        var headers = new Dictionary<string, string>(delivery.Headers)
        {
            ["X-Hub-Signature-256"] = answer.GetProperty("signature").GetString()!,
        };
        // Its callback address is another server's, which is looked at once it is genuine.
        Assert.Equal(422, await hub.Deliver(headers, delivery.Body));
    }

    [GeneratedRegex("action=\"(?<url>http[^\"]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Action();

    [GeneratedRegex("name=\"manifest\"[^>]*value=\"(?<json>[^\"]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Manifest();
}
