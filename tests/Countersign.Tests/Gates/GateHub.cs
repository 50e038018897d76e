using System.Text.Json.Nodes;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>
/// A hub with one source of a gate's kind. Calls come over HTTP where a test asks for that, which takes a second to
/// begin, and else as the door gives them. What a server does in the background is done when a test says so.
/// </summary>
internal sealed class GateHub : IAsyncDisposable
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    private readonly WebApplication? _app;
    private readonly IServiceProvider _services;
    private readonly JobWorker _worker;
    private readonly LogCursor _cursor;
    private readonly string _name;
    private readonly string _kind;
    private readonly Lazy<Task<IHostedService>> _server;

    private GateHub(TestHub hub, string kind, string name, NewSourceKey key, Person ada, Person jane, bool overHttp)
    {
        (Hub, _kind, _name, Key, Ada, Jane) = (hub, kind, name, key, ada, jane);
        var keyFile = Path.Combine(Path.GetTempPath(), $"countersign-test-{Environment.ProcessId}.key");
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["Urls"] = "http://127.0.0.1:0",
                    ["Egress:Allow"] = "127.0.0.0/8",
                    ["PublicUrl"] = "https://approvals.example.com",
                    ["RootKeyFile"] = keyFile,
                    ["Logging:LogLevel:Default"] = "None",
                }
            )
            .Build();
        var rootKey = RootKey.Load(keyFile, mayCreate: true);
        if (overHttp)
        {
            _app = Countersign.Program.Build(
                new CountersignOptions(settings),
                hub.Store,
                rootKey,
                [],
                services =>
                    services.AddSingleton<TimeProvider>(hub.Clock).AddLogging(logging => logging.ClearProviders())
            );
        }
        _services =
            _app?.Services
            ?? new ServiceCollection()
                .AddLogging()
                .AddSingleton<IConfiguration>(settings)
                .AddSingleton<TimeProvider>(hub.Clock)
                .AddCountersign(settings, hub.Store, rootKey)
                .AddSingleton<LastUse>()
                .BuildServiceProvider();
        Sources = _services.GetRequiredService<GateSources>();
        _worker = NewWorker();
        _cursor = new LogCursor(hub.Store, _services.GetRequiredService<GateConsumer>());
        _server = new(StartServer);
    }

    public TestHub Hub { get; }
    public NewSourceKey Key { get; }
    public Person Ada { get; }

    /// <summary>Who asks, in tests where that is known.</summary>
    public Person Jane { get; }
    public GateSources Sources { get; }
    public IServiceProvider Services => _services;
    public TestStore Place => Hub.Place;

    public static async Task<GateHub> Start(Engine engine, string kind, string name = "gate", bool overHttp = false)
    {
        var hub = await TestHub.Start(engine);
        var ada = await hub.AddPerson("Ada", Role.Admin);
        var jane = await hub.AddPerson("Jane", Role.Admin);
        return new GateHub(hub, kind, name, await hub.AddSource(name, kind: kind), ada, jane, overHttp);
    }

    public async Task Set(params (string Name, string Value)[] values)
    {
        Some.Done(await Sources.Set(_name, values.ToDictionary(v => v.Name, v => v.Value), Some.Operator, default));
        await Noticed();
    }

    public async Task Noticed() => await _services.GetRequiredService<PeopleDirectory>().Refresh();

    public async Task AddAlias(Person person, string alias)
    {
        Some.Done(await new Aliases(Hub.Store).Add(person.Email!, alias, Some.Operator, default));
        await Noticed();
    }

    /// <summary>Where the source's calls go, on this machine.</summary>
    public async Task<Uri> Address() => new(await Server(), $"/gates/{_kind}/{Key.Id}");

    /// <summary>A call to the source, and what it was answered.</summary>
    /// <param name="path">What follows the source in the address.</param>
    /// <param name="query">The environment that the address names.</param>
    public async Task<(int Status, string Text)> Call(
        byte[] body,
        IReadOnlyDictionary<string, string> headers,
        string path = "",
        string query = ""
    )
    {
        if (_app is null)
            return await Hear(body, headers, path, query);
        var address = $"/gates/{_kind}/{Key.Id}{(path.Length > 0 ? "/" : "")}{path}";
        return await Send(
            HttpMethod.Post,
            query.Length > 0 ? $"{address}?env={Uri.EscapeDataString(query)}" : address,
            body,
            headers
        );
    }

    public async Task<(int Status, string Text)> Send(
        HttpMethod method,
        string path,
        byte[]? body,
        IReadOnlyDictionary<string, string> headers
    )
    {
        // Ids follow the clock.
        Hub.Clock.Advance(TimeSpan.FromMilliseconds(10));
        using var request = new HttpRequestMessage(method, new Uri(await Server(), path));
        if (body is not null)
            request.Content = new ByteArrayContent(body) { Headers = { { "Content-Type", "application/json" } } };
        foreach (var (name, value) in headers)
        {
            if (request.Headers.TryAddWithoutValidation(name, value))
                continue;
            request.Content!.Headers.Remove(name);
            request.Content.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await Http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>What the door would answer.</summary>
    private async Task<(int Status, string Text)> Hear(
        byte[] body,
        IReadOnlyDictionary<string, string> headers,
        string path,
        string query
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
        return await _services.GetRequiredService<HearGate>().Run(_kind, Key.Id, call, "127.0.0.1", default) switch
        {
            HearGateOutcome.Heard heard => (heard.Answer.Status, heard.Answer.Text),
            HearGateOutcome.Refused refused => (422, refused.Why),
            HearGateOutcome.NotSigned => (401, ""),
            HearGateOutcome.NotSetUp or HearGateOutcome.Disabled => (403, ""),
            _ => (404, ""),
        };
    }

    private async Task<Uri> Server()
    {
        await _server.Value;
        return new Uri(_app!.Urls.First());
    }

    /// <summary>Without what a server does in the background: it would be a second worker beside the test's.</summary>
    private async Task<IHostedService> StartServer()
    {
        var server = _services.GetServices<IHostedService>().Single(s => s.GetType().Name == "GenericWebHostService");
        await server.StartAsync(default);
        // The first call builds what all others go through, and would keep a caller of a test waiting for that.
        using var ready = await Http.GetAsync(new Uri(new Uri(_app!.Urls.First()), "/health/live"));
        return server;
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

    /// <summary>The same by another server, while this one is at it.</summary>
    public async Task WorkElsewhere()
    {
        using var worker = NewWorker();
        await new LogCursor(Hub.Store, _services.GetRequiredService<GateConsumer>()).ToTheEnd(Hub.Store);
        await worker.Drain();
    }

    private JobWorker NewWorker() =>
        new(
            Hub.Store,
            [.. _services.GetServices<IJobHandler>().Where(h => h.Kind.StartsWith("gate", StringComparison.Ordinal))],
            NullLogger<JobWorker>.Instance
        );

    /// <summary>What a worker of a server adds when it starts: looking for calls that didn't arrive.</summary>
    public Task Recovers() =>
        Hub.Store.InTransaction(async tx =>
            await Jobs.Add(tx, new JobToAdd("gate_recover", "all", JobToAdd.OfHub, tx.Now + TimeSpan.FromMinutes(5)))
        );

    public async Task<Status> StatusOf(ApprovalRequest request) => (await Hub.Find(request.Id)).Status;

    public async Task<string?> StateOf(ApprovalRequest request) =>
        await Place.Text("SELECT state FROM gate_replies WHERE request_id = @id", new { id = request.Id });

    public async Task<string?> AlarmOf(ApprovalRequest request) =>
        await Place.Text("SELECT alarm FROM gate_replies WHERE request_id = @id", new { id = request.Id });

    public async Task<bool> KeepsReply(ApprovalRequest request) =>
        await Place.Text("SELECT reply FROM gate_replies WHERE request_id = @id", new { id = request.Id }) is not null;

    public async Task<GateView> View() => (await Sources.Find(Key.Id, _kind, default))!;

    public async ValueTask DisposeAsync()
    {
        _worker.Dispose();
        if (_server.IsValueCreated)
            await (await _server.Value).StopAsync(new CancellationToken(canceled: true));
        await ((IAsyncDisposable?)_app ?? (ServiceProvider)_services).DisposeAsync();
        await Hub.DisposeAsync();
    }

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
