using System.Text.Json;
using Countersign.Cli.Waiting;
using Countersign.Gates;
using Countersign.Gates.GitHub;
using Countersign.People;
using Countersign.Requests;
using Countersign.Simulator.GitHub;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// The demo's other systems that wait: an agent has asked for something, and a pipeline and a deployment at a simulated
/// GitHub stand still until they may go on. All ask as real ones do; started again, they ask for the same.
/// </summary>
internal sealed record DemoGates(NewSourceKey Agent, NewSourceKey Pipeline, NewSourceKey Deployments)
{
    private const string AgentName = "Database agent",
        PipelineName = "Deployments",
        GitHubName = "GitHub";

    private const string Statement = "DROP INDEX ix_orders_old;";

    /// <summary>Of the shop, since what is deployed: the first one is.</summary>
    private static readonly IReadOnlyList<GitHubCommit> Commits =
    [
        .. new[]
        {
            ("jsmith", "Release 2.3"),
            ("mlopez", "Show delivery dates in the cart"),
            ("jsmith", "Round refunds to the cent that was paid"),
            ("mlopez", "Load the checkout without the recommendations"),
        }.Select((commit, n) => new GitHubCommit(Hashes.Sha256($"web-shop {n}")[..40], commit.Item1, "", commit.Item2)),
    ];

    public static async Task<DemoGates> Add(Sources sources, string owner, CancellationToken cancel) =>
        new(
            await DemoCast.Key(sources, AgentName, SourceKinds.Agent, 1, owner, cancel),
            await DemoCast.Key(sources, PipelineName, SourceKinds.Pipeline, 1, owner, cancel),
            await DemoCast.Key(sources, GitHubName, SourceKinds.GitHub, 1, null, cancel)
        );

    /// <summary>As an admin would, with the App that GitHub has just created.</summary>
    public static async Task Connect(Hub hub, FakeGitHub gitHub, CancellationToken cancel)
    {
        var values = new Dictionary<string, string>
        {
            [GitHubGate.Server] = gitHub.Address.GetLeftPart(UriPartial.Authority),
            [GitHubGate.AppId] = FakeGitHub.AppId.ToString(System.Globalization.CultureInfo.InvariantCulture),
            [GitHubGate.PrivateKey] = FakeGitHub.PrivateKey,
            [GitHubGate.WebhookSecret] = FakeGitHub.Secret,
        };
        var set = await hub.Get<GateSources>().Set(GitHubName, values, Hub.Origin, cancel);
        if (set is not AccessOutcome<long>.Done)
            throw new InvalidOperationException($"The demo couldn't be set up: {set}");
    }

    public async Task Run(string url, FakeGitHub gitHub, CancellationToken stop)
    {
        gitHub.SendTo(new Uri($"{url}/gates/github/{Deployments.Id}"));
        gitHub.Commits.AddRange(Commits);
        gitHub.AddDeployment("production", Commits[0].Sha, "in_progress", "success");
        var run = gitHub.AddRun("acme/web-shop");
        (run.Ref, run.Sha, run.Actor, run.PullRequests) = ("release/2.4", Commits[^1].Sha, "jsmith", [412]);
        await gitHub.Want(run, "production");
        var index = new
        {
            subject = "Drop the index ix_orders_old on shop-prod",
            message = "No query has used it for 90 days.\n\n```\n" + Statement + "\n```",
            facts = new
            {
                environment = "production",
                action = "sql.execute",
                target = "shop-prod",
                content_sha256 = Hashes.Sha256(Statement),
            },
            externalId = "demo-agent",
        };
        var release = new
        {
            subject = "Deploy shop 2.4.0 to production",
            message = "Faster checkout, and fixes for refunds.",
            facts = new
            {
                environment = "production",
                version = "2.4.0",
                run = "https://ci.example.com/shop/runs/1482",
            },
            externalId = "demo-pipeline",
        };
        await Task.WhenAll(Send(url, Agent.Key, index, false, stop), Send(url, Pipeline.Key, release, true, stop));
    }

    private static async Task Send(string url, string key, object request, bool redeems, CancellationToken stop)
    {
        using var calls = new HubCalls(new Uri(url + "/"), key);
        var body = JsonSerializer.Serialize(request, History.Json);
        // The result isn't needed here: the request's page shows it.
        await new WaitForDecision(calls, Hub.Clock, _ => { })
        {
            Body = body,
            IdempotencyKey = Hashes.Sha256(body),
            Timeout = TimeSpan.FromDays(7),
            Redeem = redeems,
        }.Run(stop);
    }
}
