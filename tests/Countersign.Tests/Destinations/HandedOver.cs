using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Outcomes;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Tests.Destinations.Manifest;
using Countersign.Work;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>
/// A hub whose requests are decided elsewhere, without a server: the log is followed and jobs run when a test
/// says so. Another node is the same once more on the same store.
/// </summary>
internal sealed class HandedOver : IAsyncDisposable
{
    public const string Name = "Desk";

    private readonly bool _owns;
    private readonly Store _store;
    private readonly LogCursor _cursor;
    private readonly JobWorker _again;

    private HandedOver(TestHub hub, Store store, IDataProtectionProvider protection, EgressOptions egress, bool owns)
    {
        (Hub, _owns) = (hub, owns);
        Options = new DestinationOptions { PollEvery = TimeSpan.FromMinutes(5), BaseUrl = "https://hub.example.test" };
        Egress = new Egress(egress);
        Book = new DestinationCache(store, protection, NullLogger<DestinationCache>.Instance);
        Add = new AddDestination(store, Book);
        Keep = new StoreAccessToken(store);
        Tokens = new AccessTokens(store, Egress, Book, Keep);
        Calls = new DestinationCalls(store, Egress, Tokens);
        Opening = new StartOpening(store);
        var handler = new CallDestination(store, Book, Calls, Opening, Options, NullLogger<CallDestination>.Instance);
        Worker = new JobWorker(store, [handler], NullLogger<JobWorker>.Instance);
        Resolve = new ResolveLink(store);
        _store = store;
        var consumer = new OpenLinks();
        _cursor = new LogCursor(store, consumer);
        _again = new JobWorker(store, [new RetryEvent(consumer)], NullLogger<JobWorker>.Instance);
        Protection = protection;
    }

    public TestHub Hub { get; }
    public DestinationOptions Options { get; }
    public Egress Egress { get; }
    public DestinationCache Book { get; }
    public AddDestination Add { get; }
    public StoreAccessToken Keep { get; }
    public AccessTokens Tokens { get; }
    public DestinationCalls Calls { get; }
    public StartOpening Opening { get; }
    public JobWorker Worker { get; }
    public ResolveLink Resolve { get; }
    private IDataProtectionProvider Protection { get; }

    public static EgressOptions Loopback(TimeSpan? patience = null) =>
        new() { Allow = [EgressAllowance.Parse("127.0.0.0/8")!], Patience = patience ?? TimeSpan.FromSeconds(30) };

    public static async Task<HandedOver> Start(Engine engine, EgressOptions? egress = null)
    {
        var hub = await TestHub.Start(engine);
        return new HandedOver(hub, hub.Store, new EphemeralDataProtectionProvider(), egress ?? Loopback(), owns: true);
    }

    /// <summary>On a hub that the caller ends.</summary>
    public static HandedOver On(TestHub hub, IDataProtectionProvider? keyRing = null) =>
        new(hub, hub.Store, keyRing ?? new EphemeralDataProtectionProvider(), Loopback(), owns: false);

    public async Task<HandedOver> AnotherNode() =>
        new(Hub, await Hub.Place.OpenAnother(), Protection, Loopback(), owns: false);

    public async ValueTask DisposeAsync()
    {
        Worker.Dispose();
        _again.Dispose();
        Egress.Dispose();
        Book.Dispose();
        if (_owns)
            await Hub.DisposeAsync();
    }

    public async Task<NewDestination> Destination(
        string manifest,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyDictionary<string, string>? secrets = null,
        string name = Name
    ) =>
        Some.Done(
            await Add.Run(name, manifest, settings, secrets ?? new Dictionary<string, string>(), Some.Operator, default)
        );

    public Task<NewDestination> Destination(FakeDesk desk, string? manifest = null) =>
        Destination(
            manifest ?? Sample.Text,
            new Dictionary<string, string> { ["baseURL"] = desk.BaseUrl },
            new Dictionary<string, string> { ["apiKey"] = "k-123" }
        );

    public static Policy LeftTo(string destination = Name) => new("elsewhere", []) { Destination = destination };

    public Task<ApprovalRequest> Ask(Func<Submission, Submission>? change = null, string destination = Name) =>
        Hub.Ask(LeftTo(destination), change);

    /// <summary>Leads destinations to the end of the log, and through what is tried again.</summary>
    public async Task Follow()
    {
        await _cursor.ToTheEnd(_store);
        await _again.Drain();
    }

    /// <summary>Everything that is due now, from the log to the last call.</summary>
    public async Task Work()
    {
        await Follow();
        await Worker.Drain();
        await Follow();
    }

    /// <summary>
    /// What a node has done of an opening when it dies: its claim stands, and the call may have arrived.
    /// </summary>
    public async Task DieWhileOpening(ApprovalRequest request, bool hasCalled)
    {
        var link = await Link(request);
        await Hub.Store.InTransaction(async tx =>
        {
            await tx.Execute(
                "UPDATE jobs SET holder = 'dead', next_at = @until WHERE kind = @kind AND key = @key",
                new
                {
                    until = tx.Now + TimeSpan.FromMinutes(2),
                    kind = LinkJob.Kind,
                    key = $"{link.Id}",
                }
            );
        });
        Assert.True(await Opening.Run(link.Id, default));
        if (!hasCalled)
            return;
        var destination = (await Book.All(default))[link.DestinationId];
        var forwarded = await ForwardedRequests.Of(
            _store,
            destination.Manifest,
            request.Id,
            link.Revision,
            Options.BaseUrl,
            default
        );
        await Calls.Proceed(destination, link, forwarded!, default);
    }

    public Task WorkAfter(TimeSpan time)
    {
        Hub.Clock.Advance(time);
        return Work();
    }

    public async Task<Link> Link(ApprovalRequest request) => (await Links(request))[0];

    public async Task<List<Link>> Links(ApprovalRequest request) =>
        (await Hub.Store.Read(reader => LinkRow.Of(reader, request.Id))).ConvertAll(row => row.ToLink());

    public async Task<ApprovalRequest> Now(ApprovalRequest request) => await Hub.Find(request.Id);
}
