namespace Countersign.Policies;

/// <summary>An answer that counts, as far as it decides who else is needed.</summary>
/// <param name="Steps">The steps that an approval may fill; null for another answer.</param>
/// <param name="ForPerson">The person who is out of office and for whom it was given.</param>
public readonly record struct RecordedDecision(long PersonId, IReadOnlyList<int>? Steps, long? ForPerson = null);

/// <summary>
/// Who stands in for whom on a request. The one rule, for decisions, lists, notifications, feasibility and pages;
/// where a query needs it, <c>Requests/DelegateSql.cs</c> says the same in SQL.
/// <code>
///   1  the principal is out of office now, not disabled, and may decide: requesters have no delegate
///   2  the delegate is the one the principal chose, not disabled, not out of office and not a requester; so there are
///      no chains
///   3  the principal has not answered, and no other delegate has answered for them
///   4  the delegate has given no other answer, for themselves or for another principal: one person, one answer
/// </code>
/// </summary>
/// <param name="barred">Those who may not decide because they ask; empty where the policy lets them.</param>
/// <param name="said">The answers that count.</param>
public readonly struct Delegates(Pools pools, IReadOnlyList<long> barred, IReadOnlyList<RecordedDecision> said)
{
    /// <summary>Who stands in for this person; null when nobody does.</summary>
    public PoolMember? Of(PoolMember principal)
    {
        if (
            principal is not { IsDisabled: false, AwayUntil: not null, DelegateId: { } id }
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
        foreach (var away in pools.Away)
        {
            if (away.DelegateId == person && Of(away) is not null)
                (principals ??= []).Add(away);
        }
        return principals is null ? [] : [.. principals.OrderBy(p => p.Id)];
    }
}
