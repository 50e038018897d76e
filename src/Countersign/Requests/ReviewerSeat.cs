using Countersign.Policies;

namespace Countersign.Requests;

/// <summary>In which steps a person may answer a request, and for whom: decisions and pages go by it.</summary>
/// <param name="Steps">None: they have no part in it.</param>
/// <param name="For">The person for whom they stand in; null: they answer for themselves.</param>
/// <param name="IsOpen">Whether one of the steps takes answers now.</param>
/// <param name="IsNeeded">
/// Whether their approval would bring the request forward and they have not answered: it waits for them, as lists have
/// it by <see cref="Visibility.WaitsFor"/>.
/// </param>
public sealed record ReviewerSeat(IReadOnlyList<int> Steps, PoolMember? For, bool IsOpen, bool IsNeeded)
{
    public static readonly ReviewerSeat None = new([], null, false, false);

    /// <summary>
    /// A pure function. A person who has answered goes on as they did; else their own step, where it brings the
    /// request forward, comes before that of a principal.
    /// </summary>
    /// <param name="verdict">How the decisions so far were weighed.</param>
    public static ReviewerSeat Of(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Verdict verdict,
        Pools pools,
        long person
    )
    {
        if (request.Bars(person) || pools.Find(person) is not { IsDisabled: false })
            return None;
        var counting = Weigh.LatestThatCount(request, decisions);
        var mine = counting.Find(d => d.PersonId == person);
        var delegates = DelegatesOf(request, counting, pools);
        List<(IReadOnlyList<int> Steps, PoolMember? For)> places = [];
        if (!delegates.HasDelegated(person))
            places.Add((StepsOf(request.Policy, pools, person), null));
        foreach (var other in delegates.PrincipalsOf(person))
            places.Add((StepsOf(request.Policy, pools, other.Id), other));
        places.RemoveAll(place => place.Steps.Count == 0);
        if (mine is not null && places.FindIndex(place => place.For?.Id == mine.ForPerson) is >= 0 and var same)
            places = [places[same]];

        if (places.Count == 0)
            return None;
        var pending = verdict as Verdict.StillPending;
        var place = places.FindIndex(p => pending is null || p.Steps.Any(pending.Useful.Contains));
        var isNeeded = place >= 0 && pending is not null && mine is null;
        if (place < 0)
            place = places.FindIndex(p => p.Steps[0] <= pending!.OpenStep);
        var (steps, principal) = places[Math.Max(place, 0)];
        return new ReviewerSeat(steps, principal, IsOpen: place >= 0, isNeeded);
    }

    /// <summary>The rule for delegates, with what was said to this request.</summary>
    /// <param name="counting">The decisions that count.</param>
    public static Delegates DelegatesOf(ApprovalRequest request, IReadOnlyList<Decision> counting, Pools pools) =>
        new(pools, request.BarredNow, SaidIn(counting), request.Delegations);

    /// <summary>Whether another person holds this person's seat now, because they gave it to them.</summary>
    public static bool HasDelegated(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Pools pools,
        long person
    ) => DelegatesOf(request, Weigh.LatestThatCount(request, decisions), pools).HasDelegated(person);

    public static IReadOnlyList<RecordedDecision> SaidIn(IReadOnlyList<Decision> counting)
    {
        if (counting.Count == 0)
            return [];
        var said = new RecordedDecision[counting.Count];
        for (var i = 0; i < said.Length; i++)
        {
            var (decision, isYes) = (counting[i], counting[i].Answer == Answer.Approve);
            said[i] = new RecordedDecision(decision.PersonId, isYes ? decision.Steps : null, decision.ForPerson);
        }
        return said;
    }

    /// <summary>The steps to which a person belongs, whether or not they may answer.</summary>
    internal static IReadOnlyList<int> StepsOf(Policy policy, Pools pools, long person) =>
        [
            .. from step in Enumerable.Range(0, policy.Steps.Count)
            where policy.Steps[step].From.Any(a => pools.Of(a.Party).Contains(person))
            select step,
        ];
}
