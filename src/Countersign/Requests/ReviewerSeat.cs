using Countersign.Policies;

namespace Countersign.Requests;

/// <summary>In which steps a person may answer a request, and for whom: decisions and pages go by it.</summary>
/// <param name="Steps">None: they have no part in it.</param>
/// <param name="For">The person for whom they stand in; null: they answer for themselves.</param>
/// <param name="IsOpen">Whether one of the steps takes answers now.</param>
public sealed record ReviewerSeat(IReadOnlyList<int> Steps, PoolMember? For, bool IsOpen)
{
    public static readonly ReviewerSeat None = new([], null, false);

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
        List<(IReadOnlyList<int> Steps, PoolMember? For)> places = [(StepsOf(request.Policy, pools, person), null)];
        foreach (var away in DelegatesOf(request, counting, pools).PrincipalsOf(person))
            places.Add((StepsOf(request.Policy, pools, away.Id), away));
        places.RemoveAll(place => place.Steps.Count == 0);
        if (mine is not null && places.FindIndex(place => place.For?.Id == mine.ForPerson) is >= 0 and var same)
            places = [places[same]];

        if (places.Count == 0)
            return None;
        var pending = verdict as Verdict.StillPending;
        var place = places.FindIndex(p => pending is null || p.Steps.Any(pending.Useful.Contains));
        if (place < 0)
            place = places.FindIndex(p => p.Steps[0] <= pending!.OpenStep);
        var (steps, principal) = places[Math.Max(place, 0)];
        return new ReviewerSeat(steps, principal, IsOpen: place >= 0);
    }

    /// <summary>The rule for delegates, with what was said to this request.</summary>
    /// <param name="counting">The decisions that count.</param>
    public static Delegates DelegatesOf(ApprovalRequest request, IReadOnlyList<Decision> counting, Pools pools) =>
        new(pools, request.BarredNow, SaidIn(counting));

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

    private static IReadOnlyList<int> StepsOf(Policy policy, Pools pools, long person) =>
        [
            .. from step in Enumerable.Range(0, policy.Steps.Count)
            where policy.Steps[step].From.Any(a => pools.Of(a.Party).Contains(person))
            select step,
        ];
}
