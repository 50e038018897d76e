using System.Text.Json;
using Countersign.Cli.Waiting;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// The demo's other systems that wait: an agent has asked for something, and a pipeline stands still until it may go
/// on. Both ask as real ones do, over the API with their keys; started again, they ask for the same.
/// </summary>
internal sealed record DemoGates(NewSourceKey Agent, NewSourceKey Pipeline)
{
    private const string AgentName = "Database agent",
        PipelineName = "Deployments";

    private const string Statement = "DROP INDEX ix_orders_old;";

    public static async Task<DemoGates> Add(Sources sources, string owner, CancellationToken cancel) =>
        new(
            await DemoCast.Key(sources, AgentName, SourceKinds.Agent, 1, owner, cancel),
            await DemoCast.Key(sources, PipelineName, SourceKinds.Pipeline, 1, owner, cancel)
        );

    public async Task Run(string url, CancellationToken stop)
    {
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
