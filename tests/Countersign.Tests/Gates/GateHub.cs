using System.Text;
using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>A hub with one source of a gate's kind, without a server: calls come as the door gives them.</summary>
internal sealed class GateHub : IAsyncDisposable
{
    private const string Source = "gate";

    private readonly ServiceProvider _services;
    private readonly JobWorker _worker;
    private readonly LogCursor _cursor;
    private readonly string _kind;
    private readonly long _source;

    private GateHub(TestHub hub, string kind, long source, Person ada, Person jane)
    {
        (Hub, _kind, _source, Ada, Jane) = (hub, kind, source, ada, jane);
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
    }

    public TestHub Hub { get; }
    public Person Ada { get; }

    /// <summary>Who asks, in tests where that is known.</summary>
    public Person Jane { get; }
    public GateSources Sources { get; }
    public TestStore Place => Hub.Place;

    public static async Task<GateHub> Start(Engine engine, string kind)
    {
        var hub = await TestHub.Start(engine);
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var jane = await hub.AddPerson("Jane", Role.Admin);
        return new GateHub(hub, kind, (await hub.AddSource(Source, kind: kind)).Id, ada, jane);
    }

    public async Task Set(params (string Name, string Value)[] values)
    {
        Some.Done(await Sources.Set(Source, values.ToDictionary(v => v.Name, v => v.Value), Some.Operator, default));
        await Noticed();
    }

    public async Task Noticed() => await _services.GetRequiredService<PeopleDirectory>().Refresh();

    public async Task AddAlias(Person person, string alias)
    {
        Some.Done(await new Aliases(Hub.Store).Add(person.Email!, alias, Some.Operator, default));
        await Noticed();
    }

    /// <summary>What the door would answer, and with which text.</summary>
    public async Task<(int Status, string Text)> Call(
        byte[] body,
        IReadOnlyDictionary<string, string> headers,
        string path = "",
        string query = ""
    )
    {
        // Ids follow the clock.
        Hub.Clock.Advance(TimeSpan.FromMilliseconds(10));
        var given = new Dictionary<string, string>(headers, StringComparer.OrdinalIgnoreCase);
        var call = new GateCall(name => given.GetValueOrDefault(name, ""), body)
        {
            Path = path,
            Query = name => name == "env" ? query : "",
        };
        return await _services.GetRequiredService<HearGate>().Run(_kind, _source, call, "127.0.0.1", default) switch
        {
            HearGateOutcome.Heard heard => (heard.Answer.Status, heard.Answer.Text),
            HearGateOutcome.Refused refused => (422, refused.Why),
            HearGateOutcome.NotSigned => (401, ""),
            HearGateOutcome.NotSetUp or HearGateOutcome.Disabled => (403, ""),
            _ => (404, ""),
        };
    }

    public async Task<List<ApprovalRequest>> Requests()
    {
        var ids = await Hub.Store.Read(r => r.All<IdRow>("SELECT id FROM requests ORDER BY id"));
        var found = new List<ApprovalRequest>();
        foreach (var id in ids)
            found.Add(await Hub.Find(RequestId.Of(id.Id)));
        return found;
    }

    public async Task<ApprovalRequest> Last() => (await Requests())[^1];

    public async Task<JsonNode> FactsOf(ApprovalRequest request) =>
        JsonNode.Parse(
            (await Place.Text("SELECT facts FROM revisions WHERE request_id = @id", new { id = request.Id }))!
        )!;

    public async Task Approve(ApprovalRequest request)
    {
        await ApproveQuietly(request);
        await Work();
    }

    /// <summary>Approved, and nothing done about it yet.</summary>
    public async Task ApproveQuietly(ApprovalRequest request)
    {
        for (var need = request.Policy.Steps.Sum(s => s.Need); need > 0; need--)
        {
            var by = need == 1 ? Ada : Jane;
            Assert.IsNotType<DecideOutcome.NotAllowed>(await Hub.Approve(await Hub.Find(request.Id), by));
        }
        Assert.Equal(Status.Approved, (await Hub.Find(request.Id)).Status);
    }

    public async Task Reject(ApprovalRequest request)
    {
        await Hub.Reject(await Hub.Find(request.Id), Ada);
        await Work();
    }

    /// <summary>A while later, with all that is due by then done.</summary>
    public async Task After(TimeSpan time)
    {
        Hub.Clock.Advance(time);
        await Work();
    }

    /// <summary>Minute by minute, as a server that goes on running.</summary>
    public async Task Minutes(int minutes)
    {
        for (var i = 0; i < minutes; i++)
            await After(TimeSpan.FromMinutes(1));
    }

    public async Task Work()
    {
        await _cursor.ToTheEnd(Hub.Store);
        await _worker.Drain();
        await _cursor.ToTheEnd(Hub.Store);
        await _worker.Drain();
    }

    public async Task<Status> StatusOf(ApprovalRequest request) => (await Hub.Find(request.Id)).Status;

    public async Task<string?> StateOf(ApprovalRequest request) =>
        await Place.Text("SELECT state FROM gate_replies WHERE request_id = @id", new { id = request.Id });

    public async Task<string?> AlarmOf(ApprovalRequest request) =>
        await Place.Text("SELECT alarm FROM gate_replies WHERE request_id = @id", new { id = request.Id });

    public async Task<bool> KeepsReply(ApprovalRequest request) =>
        await Place.Text("SELECT reply FROM gate_replies WHERE request_id = @id", new { id = request.Id }) is not null;

    public async Task<GateView> View() => (await Sources.Find(_source, _kind, default))!;

    public async ValueTask DisposeAsync()
    {
        _worker.Dispose();
        await _services.DisposeAsync();
        await Hub.DisposeAsync();
    }

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
