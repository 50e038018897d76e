using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Tests;

/// <summary>A hub with a policy file, whose clock-work runs when a test says so.</summary>
public sealed class PolicyHub : IAsyncDisposable
{
    private readonly bool _endsHub;

    private PolicyHub(TestHub hub, bool endsHub)
    {
        (Hub, _endsHub) = (hub, endsHub);
        Directory = new PeopleDirectory(hub.Store);
        Files = new PolicyFiles(hub.Store, Directory);
        Absences = new Absences(hub.Store);
        Apply = new ApplyPolicies(new Restamp(hub.Store), Directory);
        Explain = new ExplainPolicy(Directory);
        BreakGlass = new OverridePolicy(hub.Store);
        Clockwork = ClockworkOn(hub.Store);
        Looking = new JobWorker(
            hub.Store,
            [new CheckForBlocked(new BlockedRequests(hub.Store), hub.Store)],
            NullLogger<JobWorker>.Instance
        );
    }

    public TestHub Hub { get; }
    public PeopleDirectory Directory { get; }
    public PolicyFiles Files { get; }
    public Absences Absences { get; }
    public ApplyPolicies Apply { get; }
    public ExplainPolicy Explain { get; }
    public OverridePolicy BreakGlass { get; }

    /// <summary>Does what is due by time; <see cref="Looking"/> looks at what can still pass.</summary>
    public JobWorker Clockwork { get; }

    public JobWorker Looking { get; }

    public static async Task<PolicyHub> Start(Engine engine) => new(await TestHub.Start(engine), endsHub: true);

    /// <summary>On a hub that somebody else ends.</summary>
    public static PolicyHub On(TestHub hub) => new(hub, endsHub: false);

    /// <summary>Another node's.</summary>
    public static JobWorker ClockworkOn(Store store) =>
        new(
            store,
            [new Remind(), new Escalate(), new Expire(), new ReweighRequests(store), .. Absences.Handlers()],
            NullLogger<JobWorker>.Instance
        );

    public async Task<long> Set(string yaml) =>
        await Files.Set(yaml, null, Some.Operator, default) is SetPoliciesOutcome.Set set
            ? set.Version.Version
            : throw new InvalidOperationException($"Not set: {string.Join('\n', PolicyFile.Read(yaml).Problems)}");

    /// <summary>Asks as a door does: with the policy that the file in force has for it.</summary>
    public async Task<ApprovalRequest> Ask(
        string facts = "{}",
        Person? by = null,
        Approver? assignee = null,
        Func<Submission, Submission>? change = null,
        string source = "api"
    )
    {
        var snapshot = await Directory.Refresh();
        var before = Hub.HasPoliciesOfItsOwn;
        var request = await Hub.Ask(
            Some.Policy((Policies.Step[])[]),
            submission =>
            {
                submission = by is null ? submission : submission.AskedBy(by);
                var from =
                    snapshot.FindSource(source)
                    ?? new Source(0, source, "api", null, null, null, false, default, null, null);
                var (policy, stuck) = snapshot.WhoDecides(from, null, submission.Requester, facts, assignee);
                submission = submission with { Facts = facts, Assignee = assignee, Policy = policy, Stuck = stuck };
                return change?.Invoke(submission) ?? submission;
            }
        );
        // The policy follows from the file, unless the test changes it or asks about another source than the request
        // has.
        Hub.HasPoliciesOfItsOwn = before || change is not null || source != "api";
        return request;
    }

    /// <summary>Time goes on, and everything that is then due is done.</summary>
    public async Task Wait(TimeSpan time)
    {
        Hub.Clock.Advance(time);
        await Clockwork.Drain();
    }

    public Task<ApprovalRequest> Find(ApprovalRequest request) => Hub.Find(request.Id);

    public Task<List<string>> Kinds(ApprovalRequest request) => Hub.Kinds(request.Id);

    /// <summary>Whether the whole record proves itself.</summary>
    public Task<string?> Proof() => Hub.Proof();

    public async ValueTask DisposeAsync()
    {
        Clockwork.Dispose();
        Looking.Dispose();
        Directory.Dispose();
        if (_endsHub)
            await Hub.DisposeAsync();
    }
}
