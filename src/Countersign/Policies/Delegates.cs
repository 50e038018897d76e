namespace Countersign.Policies;

/// <summary>An answer that counts, as far as it decides who else is needed.</summary>
/// <param name="Steps">The steps that an approval may fill; null for another answer.</param>
/// <param name="ForPerson">The person who is out of office and for whom it was given.</param>
public readonly record struct RecordedDecision(long PersonId, IReadOnlyList<int>? Steps, long? ForPerson = null);

/// <summary>A person has given their own seat on one request to another.</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
public readonly record struct Delegation(long PersonId, long DelegateId);

/// <summary>
/// Who stands in for whom on a request. The one rule, for decisions, lists, notifications, feasibility and pages;
/// where a query needs it, <c>Requests/Visibility.cs</c> says the same in SQL.
/// <code>
///   1  the principal is out of office now or has delegated their seat on this request, is not disabled, and may
///      decide: requesters have no delegate
///   2  the delegate is the one the principal chose for this request, else for their absence; not disabled, not out of
///      office and not a requester; so there are no chains
///   3  the principal has not answered, and no other delegate has answered for them
///   4  the delegate has given no other answer, for themselves or for another principal: one person, one answer
/// </code>
/// </summary>
/// <param name="barred">Those who may not decide because they ask; empty where the policy lets them.</param>
/// <param name="said">The answers that count.</param>
/// <param name="delegations">Seats that their holders have given to others on this request.</param>
public readonly struct Delegates(
    Pools pools,
    IReadOnlyList<long> barred,
    IReadOnlyList<RecordedDecision> said,
    IReadOnlyList<Delegation> delegations
)
{
    /// <summary>Who stands in for this person; null when nobody does.</summary>
    public PoolMember? Of(PoolMember principal)
    {
        if (
            principal.IsDisabled
            || ChosenBy(principal) is not { } id
            || barred.Contains(principal.Id)
            || barred.Contains(id)
            || pools.Find(id) is not { IsDisabled: false, AwayUntil: null } other
        )
        {
            return null;
        }
        foreach (var answer in said)
        {
            var isForPrincipal = answer.ForPerson == principal.Id;
            if (answer.PersonId == principal.Id || isForPrincipal != (answer.PersonId == id))
                return null;
        }
        return other;
    }

    /// <summary>Those for whom this person stands in.</summary>
    public IReadOnlyList<PoolMember> PrincipalsOf(long person)
    {
        List<PoolMember>? principals = null;
        foreach (var principal in Principals)
        {
            if (ChosenBy(principal) == person && Of(principal) is not null)
                (principals ??= []).Add(principal);
        }
        return principals is null ? [] : [.. principals.OrderBy(p => p.Id)];
    }

    /// <summary>Those who are out of office, and those who have given their seat away.</summary>
    public IEnumerable<PoolMember> Principals =>
        delegations.Count == 0
            ? pools.Away
            : pools.Away.UnionBy(
                delegations.Select(d => d.PersonId).Select(pools.Find).OfType<PoolMember>(),
                p => p.Id
            );

    /// <summary>
    /// Whether this person has given their own seat to a person who may answer in it: they may not, until they take it
    /// back.
    /// </summary>
    public bool HasDelegated(long person) =>
        IsDelegator(person) && pools.Find(person) is { } principal && Of(principal) is not null;

    private long? ChosenBy(PoolMember principal)
    {
        foreach (var delegation in delegations)
        {
            if (delegation.PersonId == principal.Id)
                return delegation.DelegateId;
        }
        return principal.AwayUntil is null ? null : principal.DelegateId;
    }

    private bool IsDelegator(long person)
    {
        foreach (var delegation in delegations)
        {
            if (delegation.PersonId == person)
                return true;
        }
        return false;
    }
}
