using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Gates.GitHub;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Simulator.GitHub;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Tests.Gates;

/// <summary>A hub with a source of kind github that is set up with a fake GitHub, without a server.</summary>
internal sealed class GitHubHub : IAsyncDisposable
{
    public const string Source = "deployments";

    private readonly ServiceProvider _services;
    private readonly JobWorker _worker;
    private readonly LogCursor _cursor;

    private GitHubHub(TestHub hub, FakeGitHub gitHub, NewSourceKey key, Person ada, Person jane)
    {
        (Hub, GitHub, Key, Ada, Jane) = (hub, gitHub, key, ada, jane);
        var keyFile = Path.Combine(Path.GetTempPath(), $"countersign-test-{Environment.ProcessId}.key");
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["Egress:Allow"] = "127.0.0.0/8",
                    ["PublicUrl"] = "https://approvals.example.com",
                    ["RootKeyFile"] = keyFile,
                }
            )
            .Build();
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(settings)
            .AddSingleton<TimeProvider>(hub.Clock)
            .AddCountersign(settings, hub.Store, RootKey.Load(keyFile, mayCreate: true))
            .AddSingleton<LastUse>()
            .BuildServiceProvider();
        Sources = _services.GetRequiredService<GateSources>();
        _worker = new JobWorker(
            hub.Store,
            [.. _services.GetServices<IJobHandler>().Where(h => h.Kind.StartsWith("gate", StringComparison.Ordinal))],
            NullLogger<JobWorker>.Instance
        );
        _cursor = new LogCursor(hub.Store, _services.GetRequiredService<GateConsumer>());
        gitHub.Hook = Deliver;
    }

    public TestHub Hub { get; }
    public FakeGitHub GitHub { get; }
    public NewSourceKey Key { get; }
    public Person Ada { get; }

    /// <summary>Who pushes: her account at GitHub is known.</summary>
    public Person Jane { get; }
    public GateSources Sources { get; }
    public TestStore Place => Hub.Place;

    public static async Task<GitHubHub> Start(Engine engine, bool isSetUp = true)
    {
        var hub = await TestHub.Start(engine);
        var gitHub = await FakeGitHub.Start(hub.Clock);
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var jane = await hub.AddPerson("Jane", Role.Admin);
        Some.Done(await new Aliases(hub.Store).Add(jane.Email!, "github:99", Some.Operator, default));
        var made = new GitHubHub(hub, gitHub, await hub.AddSource(Source, kind: "github"), ada, jane);
        // What a worker of a server adds when it starts.
        await hub.Store.InTransaction(async tx =>
            await Jobs.Add(tx, new JobToAdd("gate_recover", "all", JobToAdd.OfHub, tx.Now + TimeSpan.FromMinutes(5)))
        );
        if (isSetUp)
            await made.SetUp();
        return made;
    }

    public Task SetUp(string secret = FakeGitHub.Secret) =>
        Set(
            (GitHubGate.Server, GitHub.Address.GetLeftPart(UriPartial.Authority)),
            (GitHubGate.AppId, $"{FakeGitHub.AppId}"),
            (GitHubGate.PrivateKey, FakeGitHub.PrivateKey),
            (GitHubGate.WebhookSecret, secret)
        );

    /// <summary>The same for a whole server.</summary>
    public static async Task SetUp(ApiHost host, string source, FakeGitHub gitHub)
    {
        Some.Done(
            await host
                .Services.GetRequiredService<GateSources>()
                .Set(
                    source,
                    new Dictionary<string, string>
                    {
                        [GitHubGate.Server] = gitHub.Address.GetLeftPart(UriPartial.Authority),
                        [GitHubGate.AppId] = $"{FakeGitHub.AppId}",
                        [GitHubGate.PrivateKey] = FakeGitHub.PrivateKey,
                        [GitHubGate.WebhookSecret] = FakeGitHub.Secret,
                    },
                    Some.Operator,
                    default
                )
        );
        await host.Noticed();
    }

    public async Task Set(params (string Name, string Value)[] values)
    {
        Some.Done(await Sources.Set(Source, values.ToDictionary(v => v.Name, v => v.Value), Some.Operator, default));
        await Noticed();
    }

    /// <summary>A policy file, and the group that it names.</summary>
    public async Task Publish(string file, string group)
    {
        await Hub.AddGroup(group, [.. await Hub.AddPeople("Sue", "Sid", "Sol")]);
        await Noticed();
        var outcome = await _services.GetRequiredService<PolicyFiles>().Set(file, null, Some.Operator, default);
        Xunit.Assert.IsType<SetPoliciesOutcome.Set>(outcome);
        await Noticed();
    }

    public async Task Noticed() => await _services.GetRequiredService<PeopleDirectory>().Refresh();

    /// <summary>What the door would answer.</summary>
    public async Task<int> Deliver(GitHubDelivery delivery) =>
        await Hear(delivery.Headers, delivery.Body) switch
        {
            HearGateOutcome.Heard heard => heard.Gate.Acknowledge(heard.Message).Status,
            HearGateOutcome.Refused => 422,
            HearGateOutcome.NotSigned => 401,
            HearGateOutcome.NotSetUp or HearGateOutcome.Disabled => 403,
            _ => 404,
        };

    public async Task<HearGateOutcome> Hear(IReadOnlyDictionary<string, string> headers, byte[] body) =>
        await _services
            .GetRequiredService<HearGate>()
            .Run(
                "github",
                Key.Id,
                new GateCall(name => headers.GetValueOrDefault(name, ""), body),
                "127.0.0.1",
                default
            );

    /// <summary>The one request that a job of this run led to.</summary>
    public async Task<ApprovalRequest> Ask(GitHubRun run, string environment = "production")
    {
        // Ids follow the clock.
        Hub.Clock.Advance(TimeSpan.FromMilliseconds(10));
        await GitHub.Want(run, environment);
        return (await Requests())[^1];
    }

    public async Task<List<ApprovalRequest>> Requests()
    {
        var ids = await Hub.Store.Read(r => r.All<IdRow>("SELECT id FROM requests ORDER BY id"));
        var found = new List<ApprovalRequest>();
        foreach (var id in ids)
            found.Add(await Hub.Find(RequestId.Of(id.Id)));
        return found;
    }

    public async Task Approve(ApprovalRequest request)
    {
        await Hub.Approve(await Hub.Find(request.Id), Ada);
        await Work();
    }

    /// <summary>A while later, with all that is due by then done.</summary>
    public async Task After(TimeSpan time)
    {
        Hub.Clock.Advance(time);
        await Work();
    }

    public async Task Work()
    {
        await _cursor.ToTheEnd(Hub.Store);
        await _worker.Drain();
        await _cursor.ToTheEnd(Hub.Store);
        await _worker.Drain();
    }

    /// <summary>What GitHub was told: "approved", "rejected", or "note".</summary>
    public IReadOnlyList<string> Told => [.. GitHub.Verdicts.Select(v => v["state"]?.GetValue<string>() ?? "note")];

    public IReadOnlyList<string> Decided => [.. Told.Where(t => t != "note")];

    public async Task<string?> StateOf(ApprovalRequest request) =>
        await Place.Text("SELECT state FROM gate_replies WHERE request_id = @id", new { id = request.Id });

    public async Task<string?> AlarmOf(ApprovalRequest request) =>
        await Place.Text("SELECT alarm FROM gate_replies WHERE request_id = @id", new { id = request.Id });

    public async Task<GateView> View() => (await Sources.Find(Key.Id, "github", default))!;

    public async ValueTask DisposeAsync()
    {
        _worker.Dispose();
        await _services.DisposeAsync();
        await GitHub.DisposeAsync();
        await Hub.DisposeAsync();
    }

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
