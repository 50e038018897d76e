using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Tests;

/// <summary>A store with the use cases on it and people to use them: everything but doors.</summary>
public sealed class TestHub : IAsyncDisposable
{
    private readonly TestStore _place;
    private readonly Submit _submit;
    private int _asked;

    private TestHub(TestStore place)
    {
        _place = place;
        Reweigh = new ReweighRequests(Store);
        People = new Accounts(Store, Reweigh);
        Groups = new Groups(Store);
        Sources = new Sources(Store);
        Tokens = new Tokens(Store);
        Sessions = new Sessions(Store, new BrowserSessionOptions());
        _submit = new Submit(Store, new RequestIds());
        Decide = new Decide(Store);
        Comment = new Comment(Store);
        Withdraw = new Withdraw(Store);
        MarkApplied = new MarkApplied(Store);
    }

    public TestStore Place => _place;
    public Store Store => _place.Store;
    public TestClock Clock => _place.Clock;

    public ReweighRequests Reweigh { get; }

    /// <summary>The queue as an admin sees it, with the handlers of what is due by time.</summary>
    public WorkList Work => new(Store, [new Remind(), new Escalate(), new Expire(), Reweigh]);
    public Accounts People { get; }
    public Groups Groups { get; }
    public Sources Sources { get; }
    public Tokens Tokens { get; }
    public Sessions Sessions { get; }

    public Submit Submit
    {
        get
        {
            HasPoliciesOfItsOwn = true;
            return _submit;
        }
    }

    public Decide Decide { get; }
    public Comment Comment { get; }
    public Withdraw Withdraw { get; }
    public MarkApplied MarkApplied { get; }

    /// <summary>The built-in source of requests made with a person's token or on a page.</summary>
    public const long ApiSource = 1;

    public static async Task<TestHub> Start(Engine engine) => new(await TestStore.Start(engine));

    /// <summary>On a store of a version before, which comes up to date with that.</summary>
    public static async Task<TestHub> Start(TestStore earlier)
    {
        await earlier.Migrate();
        return new(earlier);
    }

    /// <summary>With which what is sealed can be proven; the one of this process unless a test has its own.</summary>
    public SealKey? SealKey { get; set; }

    /// <summary>Requests came in beneath the doors, with policies that no file names.</summary>
    public bool HasPoliciesOfItsOwn { get; set; }

    /// <summary>Null when the whole record proves itself, else what is wrong with it.</summary>
    public async Task<string?> Proof() =>
        await Store.ReadSnapshot(async reader =>
        {
            var problems = new ProblemList();
            await new EventChainCheck(
                reader,
                problems,
                checksPolicies: !HasPoliciesOfItsOwn,
                Instant.ToText(Store.Now),
                default
            ).Run();
            return problems.Named is [] ? null : string.Join('\n', problems.Named);
        });

    /// <summary>Every story ends with the proof of its record.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _place.MustVerify(SealKey, checksPolicies: !HasPoliciesOfItsOwn);
        }
        finally
        {
            await _place.DisposeAsync();
        }
    }

    // --- People, groups, sources: named by one word, addressed by it too ---

    public async Task<Person> AddPerson(string name, Role role = Role.EndUser, string? password = null) =>
        Some.Done(await People.Add(Some.Email(name), name, role, password, Some.Operator, default));

    public async Task<List<Person>> AddPeople(params string[] names)
    {
        var people = new List<Person>();
        foreach (var name in names)
            people.Add(await AddPerson(name));
        return people;
    }

    public async Task<Group> AddGroup(string name, params Person[] members) =>
        Some.Done(await Groups.Add(name, [.. members.Select(m => m.Email!)], Some.Operator, default));

    public async Task<NewSourceKey> AddSource(
        string name,
        Group? group = null,
        int? need = null,
        string kind = "api"
    ) => Some.Done(await Sources.Add(name, kind, group?.Name, need, Some.Operator, default));

    public Task Disable(Person person) => People.Disable(person.Email!, Some.Operator, default, isForced: true);

    public Task Enable(Person person) => People.Enable(person.Email!, Some.Operator, default);

    // --- Requests ---

    /// <summary>A request that is decided by this policy; asked by nobody who could answer it.</summary>
    public async Task<ApprovalRequest> Ask(Policy policy, Func<Submission, Submission>? change = null)
    {
        var submission = Some.Submission(policy) with { ExternalId = $"ext-{Interlocked.Increment(ref _asked)}" };
        var outcome = await Submit.Run(change?.Invoke(submission) ?? submission, Some.Origin, null, default);
        return outcome is SubmitOutcome.Created created
            ? created.Request
            : throw new InvalidOperationException($"Not created: {outcome}");
    }

    /// <summary>With the policy that a door found for it, so that verification looks at where it comes from.</summary>
    public async Task<ApprovalRequest> SubmitAsDoor(Submission submission) =>
        await _submit.Run(submission, Some.Origin, null, default) is SubmitOutcome.Created created
            ? created.Request
            : throw new InvalidOperationException("Not created.");

    public Task<ApprovalRequest> Ask(Approver approver) => Ask(Some.Policy(approver));

    public Task<DecideOutcome> Answer(
        ApprovalRequest request,
        Person person,
        Answer answer,
        string note = "",
        string? digest = null
    ) => Decide.Run(request.Id, Some.Viewer(person), answer, note, digest, default);

    public Task<DecideOutcome> Approve(ApprovalRequest request, Person person) =>
        Answer(request, person, Requests.Answer.Approve);

    public Task<DecideOutcome> Reject(ApprovalRequest request, Person person) =>
        Answer(request, person, Requests.Answer.Reject);

    public Task<DecideOutcome> Abstain(ApprovalRequest request, Person person) =>
        Answer(request, person, Requests.Answer.Abstain);

    /// <summary>The request as it lies in the store now.</summary>
    public async Task<ApprovalRequest> Find(RequestId id) =>
        await Store.Read(reader => RequestRow.Find(reader, id, Viewer.Hub(Some.Origin)))
        ?? throw new InvalidOperationException($"No request {id}.");

    public ValueTask<List<Decision>> Decisions(RequestId id) => Store.Read(reader => DecisionRow.Of(reader, id));

    /// <summary>Whom the request waits for, as the inboxes have it.</summary>
    public async Task<List<string>> WaitsFor(RequestId id) =>
        [
            .. (
                await Store.Read(r =>
                    r.All<PartyRow>("SELECT party FROM waiting WHERE request_id = @id ORDER BY party", new { id })
                )
            ).Select(r => r.Party),
        ];

    /// <summary>How much is planned, beside the look at what can still pass.</summary>
    public ValueTask<long> Planned() => _place.Number("SELECT count(*) FROM jobs WHERE kind <> 'look_for_blocked'");

    /// <summary>The kinds of a request's events, in order.</summary>
    public async Task<List<string>> Kinds(RequestId id) => [.. (await _place.Events(id.Subject)).Select(e => e.Kind)];

    private sealed class PartyRow
    {
        public required string Party { get; init; }
    }
}
