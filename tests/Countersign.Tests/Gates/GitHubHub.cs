using Countersign.Gates;
using Countersign.Gates.GitHub;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Simulator.GitHub;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>A hub with a source of kind github that is set up with a fake GitHub, which calls it.</summary>
internal sealed class GitHubHub : IAsyncDisposable
{
    public const string Source = "deployments";

    private readonly GateHub _hub;

    private GitHubHub(GateHub hub, FakeGitHub gitHub)
    {
        (_hub, GitHub) = (hub, gitHub);
        gitHub.Hook = Deliver;
    }

    public TestHub Hub => _hub.Hub;
    public FakeGitHub GitHub { get; }
    public NewSourceKey Key => _hub.Key;
    public Person Ada => _hub.Ada;

    /// <summary>Who pushes: her account at GitHub is known.</summary>
    public Person Jane => _hub.Jane;
    public GateSources Sources => _hub.Sources;
    public TestStore Place => _hub.Place;

    public static async Task<GitHubHub> Start(Engine engine, bool isSetUp = true)
    {
        var hub = await GateHub.Start(engine, SourceKinds.GitHub, Source);
        var gitHub = await FakeGitHub.Start(hub.Hub.Clock);
        await hub.AddAlias(hub.Jane, $"github:{gitHub.Address.Host}:99");
        await hub.Recovers();
        var made = new GitHubHub(hub, gitHub);
        if (isSetUp)
            await made.SetUp();
        return made;
    }

    public Task SetUp(string secret = FakeGitHub.Secret) => Set([.. Fields(GitHub, secret)]);

    /// <summary>The same for a whole server.</summary>
    public static async Task SetUp(ApiHost host, string source, FakeGitHub gitHub)
    {
        Some.Done(
            await host
                .Services.GetRequiredService<GateSources>()
                .Set(
                    source,
                    Fields(gitHub, FakeGitHub.Secret).ToDictionary(f => f.Name, f => f.Value),
                    Some.Operator,
                    default
                )
        );
        await host.Noticed();
    }

    private static IEnumerable<(string Name, string Value)> Fields(FakeGitHub gitHub, string secret) =>
        [
            (GitHubGate.Server, gitHub.Address.GetLeftPart(UriPartial.Authority)),
            (GitHubGate.AppId, $"{FakeGitHub.AppId}"),
            (GitHubGate.PrivateKey, FakeGitHub.PrivateKey),
            (GitHubGate.WebhookSecret, secret),
        ];

    public Task Set(params (string Name, string Value)[] values) => _hub.Set(values);

    /// <summary>A policy file, and the group that it names.</summary>
    public async Task Publish(string file, string group)
    {
        await Hub.AddGroup(group, [.. await Hub.AddPeople("Sue", "Sid", "Sol")]);
        await Noticed();
        var outcome = await _hub.Services.GetRequiredService<PolicyFiles>().Set(file, null, Some.Operator, default);
        Assert.IsType<SetPoliciesOutcome.Set>(outcome);
        await Noticed();
    }

    public Task AddAlias(Person person, string alias) => _hub.AddAlias(person, alias);

    public Task Noticed() => _hub.Noticed();

    public Task<int> Deliver(GitHubDelivery delivery) => Deliver(delivery.Headers, delivery.Body);

    public async Task<int> Deliver(IReadOnlyDictionary<string, string> headers, byte[] body) =>
        (await _hub.Call(body, headers)).Status;

    /// <summary>The one request that a job of this run led to.</summary>
    public async Task<ApprovalRequest> Ask(GitHubRun run, string environment = "production")
    {
        await GitHub.Want(run, environment);
        return await _hub.Last();
    }

    public Task<List<ApprovalRequest>> Requests() => _hub.Requests();

    public async Task Approve(ApprovalRequest request)
    {
        await Hub.Approve(await Hub.Find(request.Id), Ada);
        await Work();
    }

    /// <summary>A while later, with all that is due by then done.</summary>
    public Task After(TimeSpan time) => _hub.After(time);

    public Task Work() => _hub.Work();

    /// <summary>What GitHub was told: "approved", "rejected", or "note".</summary>
    public IReadOnlyList<string> Told => [.. GitHub.Verdicts.Select(v => v["state"]?.GetValue<string>() ?? "note")];

    public IReadOnlyList<string> Decided => [.. Told.Where(t => t != "note")];

    public Task<string?> StateOf(ApprovalRequest request) => _hub.StateOf(request);

    public Task<string?> AlarmOf(ApprovalRequest request) => _hub.AlarmOf(request);

    public Task<GateView> View() => _hub.View();

    public async ValueTask DisposeAsync()
    {
        await GitHub.DisposeAsync();
        await _hub.DisposeAsync();
    }
}
