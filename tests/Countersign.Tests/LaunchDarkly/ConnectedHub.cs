using Countersign.LaunchDarkly;
using Countersign.Outcomes;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>A hub with a source that is connected to a LaunchDarkly, without a server.</summary>
internal sealed class ConnectedHub : IAsyncDisposable
{
    public const string Source = "flags";

    private ConnectedHub(TestHub hub, FakeLaunchDarkly theirs, NewSourceKey key)
    {
        (Hub, Theirs, Key) = (hub, theirs, key);
        Connections = new Connections(
            hub.Store,
            new EphemeralDataProtectionProvider(),
            NullLogger<Connections>.Instance
        );
        Egress = new Egress(
            new EgressOptions { Allow = [EgressAllowance.Parse("127.0.0.0/8")!], Patience = TimeSpan.FromSeconds(5) }
        );
        Client = new LaunchDarklyClient(hub.Store, Egress, Connections);
        Directory = new PeopleDirectory(hub.Store);
        Worker = new JobWorker(
            hub.Store,
            [
                new AskLaunchDarkly(hub.Store, Connections, Client, Directory, new LaunchDarklyOptions()),
                new ApplyInLaunchDarkly(hub.Store, Connections, Client),
            ],
            NullLogger<JobWorker>.Instance
        );
    }

    public TestHub Hub { get; }
    public FakeLaunchDarkly Theirs { get; }
    public NewSourceKey Key { get; }
    public Connections Connections { get; }
    public Egress Egress { get; }
    public LaunchDarklyClient Client { get; }
    public PeopleDirectory Directory { get; }

    /// <summary>Asks and applies when a test says so.</summary>
    public JobWorker Worker { get; }

    /// <summary>A while later, with all that is due by then done.</summary>
    public async Task After(TimeSpan time)
    {
        Hub.Clock.Advance(time);
        await Worker.Drain();
    }

    /// <summary>A request as LaunchDarkly's door makes it: under the policies in force, with a name at most.</summary>
    public async Task<ApprovalRequest> Create(string name = "Jane Doe")
    {
        var snapshot = await Directory.Refresh();
        var source = snapshot.Sources[Key.Id];
        var requester = snapshot.Named(RequesterClaim.Of([], [name]), name, source);
        var id = NextId();
        var outcome = await Hub.SubmitAsDoor(
            Some.Content($"Change {id}") with
            {
                SourceId = Key.Id,
                SentBy = SentBy.LaunchDarkly,
                CreatorId = source.PersonId,
                ExternalId = id,
                Check = source.Check,
                Facts = Facts,
                Requester = requester,
                Policy = snapshot.WhoDecides(source, source.Policy, requester, Facts, null).Policy,
            }
        );
        return outcome;
    }

    public async Task<ApprovalRequest> Now(ApprovalRequest request) => await Hub.Find(request.Id);

    public static async Task<ConnectedHub> Start(Engine engine)
    {
        var hub = await TestHub.Start(engine);
        return new ConnectedHub(hub, new FakeLaunchDarkly(), await hub.AddSource(Source, kind: "launchdarkly"));
    }

    public async Task<ConnectionView> Set(ConnectionChange change) =>
        Some.Done(await Connections.Set(Source, change, Some.Operator, default));

    public Task<ConnectionView> Connect() =>
        Set(new ConnectionChange { BaseUrl = Theirs.BaseUrl, Token = FakeLaunchDarkly.Token });

    public async Task<Connection> Open() =>
        await Connections.Open(Key.Id, default) ?? throw new InvalidOperationException("Not connected.");

    /// <summary>LaunchDarkly's ids; each request has its own.</summary>
    public string NextId() => $"66a8e20c0754610fae1f{++_asked:x4}";

    private int _asked;

    /// <summary>A request as LaunchDarkly's door makes it, about which LaunchDarkly is asked.</summary>
    public Task<ApprovalRequest> Ask(
        Policy policy,
        OpenCheck check = OpenCheck.Requester | OpenCheck.Change,
        Func<Submission, Submission>? change = null
    ) =>
        Hub.Ask(
            policy,
            s =>
            {
                s = s with
                {
                    SourceId = Key.Id,
                    SentBy = SentBy.LaunchDarkly,
                    ExternalId = NextId(),
                    Check = check,
                    Facts = Facts,
                    Requester = new Requester(null, "Jane Doe", [], Certainty.None)
                    {
                        Claim = RequesterClaim.Of([], ["Jane Doe"]),
                    },
                };
                return change?.Invoke(s) ?? s;
            }
        );

    public const string Facts = """{"project":"shop","environment":"production","flag":"dark-mode"}""";

    /// <summary>LaunchDarkly has answered, or is not waited for any longer.</summary>
    public async Task<ApprovalRequest> End(
        ApprovalRequest request,
        CheckResult? result = null,
        Func<ApprovalRequest, string, string?, Policy>? today = null
    )
    {
        result ??= new CheckResult(request.Revision, (await Hub.Find(request.Id)).OpenCheck);
        var outcome = await Hub.Store.InTransaction(tx =>
            EndCheck.Run(tx, request.Id, result, today ?? ((r, _, _) => r.Policy with { Carried = null }))
        );
        return outcome switch
        {
            EndCheckOutcome.Ended { Request: var ended } => ended,
            EndCheckOutcome.NotOpen { Request: var notOpen } => notOpen,
            _ => throw new InvalidOperationException($"{outcome}"),
        };
    }

    /// <summary>What LaunchDarkly's instructions come to, as far as these tests look at it.</summary>
    public static DescribedChanges Change(string kind = "turnFlagOn") =>
        new([new DescribedChange(kind)], Hashes.Sha256(kind));

    public static LearnedRequester Learned(Person person) =>
        new(person.Id, person.Name, person.DisplayName, [person.Id], person.Email);

    public async ValueTask DisposeAsync()
    {
        Worker.Dispose();
        Directory.Dispose();
        Egress.Dispose();
        await Theirs.DisposeAsync();
        await Hub.DisposeAsync();
    }
}
