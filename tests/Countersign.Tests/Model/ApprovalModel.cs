namespace Countersign.Tests.Model;

public enum ModelStatus
{
    Active,
    Approved,
    Rejected,
    Withdrawn,
}

/// <param name="People">Who is named; <paramref name="Groups"/> stand for their members at the moment.</param>
public sealed record ModelStep(int Need, int[] People, int[] Groups);

/// <summary>A policy as the file has it. Hours are counted from the moment the content came.</summary>
public sealed record ModelPolicy(string Name, ModelStep[] Steps, bool AllowsSelf = false, int? ExpiresAfterHours = null)
{
    public ModelStatus ExpiresAs { get; init; } = ModelStatus.Rejected;
    public bool ForbidsOverride { get; init; }

    /// <summary>Another system decides, and no one here.</summary>
    public bool IsLeftToDestination { get; init; }
}

public sealed class ModelPerson
{
    public bool IsDisabled { get; set; }
    public int Disablings { get; set; }
    public DateTimeOffset? AwayUntil { get; set; }
    public int? Delegate { get; set; }
}

public sealed record ModelDecision(int Person, int? For, string Answer, int[] Steps, int Content, int Disablings);

/// <summary>
/// What docs/policies.md, docs/api.md, docs/launchdarkly.md and docs/destinations.md promise about who decides a
/// request, in the fewest words and without a look at the program: people by number, time as given, everything searched
/// by brute force.
/// </summary>
public sealed class ApprovalModel(int people, int groups)
{
    public ModelPerson[] People { get; } = [.. Enumerable.Range(0, people).Select(_ => new ModelPerson())];
    public HashSet<int>[] Groups { get; } = [.. Enumerable.Range(0, groups).Select(_ => new HashSet<int>())];
    public DateTimeOffset Now { get; set; }
    public List<ModelRequest> Requests { get; } = [];

    public ModelRequest Submit(int by, ModelPolicy policy, bool isBeingConfirmed)
    {
        var request = new ModelRequest(this, by, policy, isBeingConfirmed);
        Requests.Add(request);
        return request;
    }

    /// <summary>"Out of office", with at most one delegate.</summary>
    public bool IsAway(int person) => People[person].AwayUntil is { } until && until > Now;

    /// <summary>What is due by time is done.</summary>
    public void Pass(TimeSpan time)
    {
        Now += time;
        foreach (var request in Requests)
        {
            request.AskDestination();
            request.Expire();
        }
    }

    /// <summary>"A reviewer who is disabled before the request is settled": their decisions end, also once they are
    /// back.</summary>
    public void Disable(int person)
    {
        if (!People[person].IsDisabled)
            (People[person].IsDisabled, People[person].Disablings) = (true, People[person].Disablings + 1);
    }

    public bool IsIn(int person, ModelStep step) =>
        step.People.Contains(person) || step.Groups.Any(g => Groups[g].Contains(person));
}

public sealed class ModelRequest(ApprovalModel model, int requester, ModelPolicy policy, bool isBeingConfirmed)
{
    private readonly List<ModelDecision> _decisions = [];
    private readonly Dictionary<int, string> _tickets = [];
    private DateTimeOffset _contentAt = model.Now;
    private int? _approvedElsewhere;

    public ModelPolicy Policy { get; private set; } = policy;
    public ModelStatus Status { get; private set; } = ModelStatus.Active;
    public HashSet<int> Requesters { get; } = [requester];
    public int Content { get; private set; } = 1;
    public bool WasOverridden { get; private set; }
    public bool IsBeingConfirmed { get; private set; } = isBeingConfirmed;
    private DateTimeOffset? ExpiresAt =>
        Policy.ExpiresAfterHours is { } hours ? _contentAt + TimeSpan.FromHours(hours) : null;

    /// <summary>"Different content creates a new revision while the request is active, which dismisses earlier
    /// decisions, and returns 409 once it's closed."</summary>
    public bool Revise(ModelPolicy active)
    {
        if (Status != ModelStatus.Active)
            return false;
        (Policy, Content, _contentAt) = (active, Content + 1, model.Now);
        return true;
    }

    /// <summary>"Withdraws the request. Allowed for the person who sent it"; what is approved can still be
    /// withdrawn.</summary>
    public bool Withdraw()
    {
        if (Status is not (ModelStatus.Active or ModelStatus.Approved))
            return false;
        Status = ModelStatus.Withdrawn;
        return true;
    }

    /// <summary>"An admin can override the policy and approve a request."</summary>
    public bool Override()
    {
        if (Status != ModelStatus.Active || Policy.ForbidsOverride || IsBeingConfirmed)
            return false;
        (Status, WasOverridden) = (ModelStatus.Approved, true);
        return true;
    }

    public void Expire()
    {
        if (Status == ModelStatus.Active && ExpiresAt <= model.Now)
            Status = Policy.ExpiresAs;
    }

    /// <summary>Whether it is taken.</summary>
    public bool Decide(int person, string answer)
    {
        if (Status != ModelStatus.Active || SeatOf(person) is not { } seat)
            return false;
        _decisions.Add(
            new(person, seat == person ? null : seat, answer, StepsOf(seat), Content, model.People[person].Disablings)
        );
        if (answer == "reject")
            Status = ModelStatus.Rejected;
        else
            Weigh();
        return true;
    }

    /// <summary>The status of a content's ticket there. It may come late, change, or come for old content.</summary>
    public void Tell(int content, string status) => _tickets[content] = status;

    /// <summary>"New content needs a new decision"; "once a decision is recorded it stays, whatever the system reports
    /// later"; while LaunchDarkly is asked, nothing approves the request.</summary>
    public void AskDestination()
    {
        if (Status != ModelStatus.Active || !Policy.IsLeftToDestination || _approvedElsewhere == Content)
            return;
        var status = _tickets.GetValueOrDefault(Content);
        if (status == "no")
            Status = ModelStatus.Rejected;
        if (status == "yes")
            _approvedElsewhere = Content;
        Weigh();
    }

    /// <summary>LaunchDarkly has said who asked, or that it was someone unknown here.</summary>
    public void Confirm(int? asked)
    {
        if (Status != ModelStatus.Active || !IsBeingConfirmed)
            return;
        IsBeingConfirmed = false;
        if (asked is { } person)
            Requesters.Add(person);
        Weigh();
    }

    /// <summary>For whom the person would decide now: themselves, someone who is out of office, or no one.</summary>
    public int? SeatOf(int person)
    {
        // Approvals are kept while LaunchDarkly is asked, and everyone can still change theirs.
        var open = OpenStep() ?? (IsBeingConfirmed ? Policy.Steps.Length - 1 : null);
        if (open is null || Policy.IsLeftToDestination || model.People[person].IsDisabled || IsBarred(person))
            return null;
        List<int> seats = [person, .. Enumerable.Range(0, model.People.Length).Where(a => IsDelegateOf(person, a))];
        seats.RemoveAll(seat => StepsOf(seat).Length == 0);
        // Those who have decided go on as they did.
        if (Counting().Find(d => d.Person == person) is { } mine && seats.Contains(mine.For ?? person))
            seats = [mine.For ?? person];
        var place = seats.FindIndex(BringsForward);
        // A step that others have filled can still be rejected by those who are in it.
        if (place < 0)
            place = seats.FindIndex(seat => StepsOf(seat)[0] <= open);
        return place < 0 ? null : seats[place];
    }

    /// <summary>Whether the person's approval would bring the request forward: it is then in their inbox.</summary>
    public bool Needs(int person) =>
        Status == ModelStatus.Active
        && SeatOf(person) is { } seat
        && BringsForward(seat)
        && !Counting().Any(d => d.Person == person);

    /// <summary>"Delegation isn't passed on"; "the absent reviewer hasn't decided, and no other delegate has decided
    /// for them"; "the delegate hasn't decided on this request, for themselves or for someone else".</summary>
    private bool IsDelegateOf(int person, int absent) =>
        absent != person
        && model.IsAway(absent)
        && model.People[absent].Delegate == person
        && !model.IsAway(person)
        && !model.People[absent].IsDisabled
        && !IsBarred(absent)
        && !Counting().Any(d => d.Person == absent || (d.For == absent && d.Person != person))
        && !Counting().Any(d => d.Person == person && d.For != absent);

    private int[] StepsOf(int seat) => [.. Steps().Where(k => model.IsIn(seat, Policy.Steps[k]))];

    private bool BringsForward(int seat) =>
        Filled([.. Approvals(), new(seat, null, "approve", StepsOf(seat), Content, 0)]) > Filled(Approvals());

    private bool IsBarred(int person) => !Policy.AllowsSelf && Requesters.Contains(person);

    private IEnumerable<int> Steps() => Enumerable.Range(0, Policy.Steps.Length);

    /// <summary>Of each author the latest decision on the content of now. "If the absent reviewer decides after all,
    /// their decision replaces their delegate's."</summary>
    private List<ModelDecision> Counting()
    {
        var valid = _decisions
            .Where(d =>
                d.Content == Content
                && !model.People[d.Person].IsDisabled
                && model.People[d.Person].Disablings == d.Disablings
                && !IsBarred(d.Person)
                && !(d.For is { } seat && IsBarred(seat))
            )
            .GroupBy(d => d.Person)
            .Select(g => g.Last())
            .ToList();
        return [.. valid.Where(d => d.For is null || !valid.Any(o => o.Person == d.For))];
    }

    private List<ModelDecision> Approvals() => [.. Counting().Where(d => d.Answer == "approve")];

    /// <summary>Steps open in order, and each person counts once. Null when all are filled.</summary>
    private int? OpenStep()
    {
        var (filled, places) = (Filled(Approvals()), Places());
        return filled == places.Length ? null : places[filled];
    }

    /// <summary>How many places the approvals fill, step after step.</summary>
    private int Filled(List<ModelDecision> approvals) =>
        Enumerable
            .Range(0, Places().Length + 1)
            .Last(m => Fills(approvals, [.. Steps().Select(k => Places().Take(m).Count(p => p == k))]));

    /// <summary>The step of every approval that is needed.</summary>
    private int[] Places() => [.. Steps().SelectMany(k => Enumerable.Repeat(k, Policy.Steps[k].Need))];

    private static bool Fills(List<ModelDecision> approvals, int[] needs)
    {
        if (needs.All(n => n == 0))
            return true;
        if (approvals.Count == 0)
            return false;
        var rest = approvals.Skip(1).ToList();
        return Fills(rest, needs)
            || approvals[0]
                .Steps.Any(k =>
                    k < needs.Length && needs[k] > 0 && Fills(rest, [.. needs.Select((n, i) => i == k ? n - 1 : n)])
                );
    }

    private void Weigh()
    {
        if (
            Status == ModelStatus.Active
            && !IsBeingConfirmed
            && (Policy.IsLeftToDestination ? _approvedElsewhere == Content : OpenStep() is null)
        )
        {
            Status = ModelStatus.Approved;
        }
    }
}
