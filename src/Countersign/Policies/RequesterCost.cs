using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Countersign.Policies;

/// <summary>
/// What a source says about requesters who are not proven. The default is what holds where nothing is said.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SourceRules(UnknownRequester Unknown, ClaimedRequester Claimed)
{
    /// <summary>Its owner and requesters never decide, not even where the policy lets requesters.</summary>
    public bool ForbidsSelfApproval { get; init; }
}

/// <summary>
/// What it costs that the requester is not proven. The policy's word stands before the source's.
/// <code>
///   proven    nothing
///   claimed   accept: nothing · one_more
///   none      one_more · refuse: rejected at once · allow: nothing
///
///   one more  the last step needs one approval more. A step in which everyone must approve has nobody left for that:
///             then an earlier step does, and if all are so, an admin who is in none of them
/// </code>
/// A policy that lets requesters approve their own requests, and one that asks nobody here, is not raised.
/// </summary>
internal static class RequesterCost
{
    /// <summary>Made once for each policy, because a stamp costs more than everything else here.</summary>
    private static readonly ConditionalWeakTable<Policy, Dictionary<(Certainty, SourceRules), Policy>> Known = [];

    private static readonly ConditionalWeakTable<Policy, Policy> WithoutSelfApproval = [];

    public static Policy Of(Policy policy, Certainty certainty, SourceRules rules)
    {
        if (rules.ForbidsSelfApproval)
        {
            if (policy.AllowsSelfApproval)
            {
                policy = WithoutSelfApproval.GetValue(
                    policy,
                    static allowing => allowing with { AllowsSelfApproval = false }
                );
            }
            rules = rules with { ForbidsSelfApproval = false };
        }
        // Nearly every request.
        if (
            certainty == Certainty.Proven
            || (
                certainty == Certainty.Claimed
                && policy is { UnknownRequester: null, ClaimedRequester: null }
                && rules == default
            )
        )
        {
            return policy;
        }
        var known = Known.GetOrCreateValue(policy);
        lock (known)
        {
            if (!known.TryGetValue((certainty, rules), out var made))
                known[(certainty, rules)] = made = Priced(policy, certainty, rules);
            return made;
        }
    }

    /// <summary>
    /// A policy that is stamped already, after the person who was claimed has said that it was not they.
    /// </summary>
    public static Policy Disowned(Policy stamped) =>
        stamped.RequesterUnknown ? stamped
        : stamped.UnknownRequester == UnknownRequester.Refuse ? stamped with { RequesterUnknown = true }
        : stamped.UnknownRequester == UnknownRequester.Allow || IsNeverRaised(stamped) ? stamped
        : stamped.RequesterClaimed ? stamped with { RequesterUnknown = true, RequesterClaimed = false }
        : Raised(stamped) with { RequesterUnknown = true };

    private static Policy Priced(Policy policy, Certainty certainty, SourceRules rules)
    {
        // The stamp says which rule holds, whoever gave it: a requester may be disowned later.
        policy = policy with
        {
            UnknownRequester = policy.UnknownRequester ?? rules.Unknown,
            ClaimedRequester = policy.ClaimedRequester ?? rules.Claimed,
        };
        return certainty switch
        {
            Certainty.None => Disowned(policy),
            Certainty.Claimed when policy.ClaimedRequester == ClaimedRequester.OneMore && !IsNeverRaised(policy) =>
                Raised(policy) with
                {
                    RequesterClaimed = true,
                },
            _ => policy,
        };
    }

    private static bool IsNeverRaised(Policy policy) => policy.AllowsSelfApproval || policy.Steps.Count == 0;

    private static Policy Raised(Policy policy)
    {
        var steps = policy.Steps.ToArray();
        var last = Array.FindLastIndex(steps, s => !s.All);
        return last < 0
            ? policy with
            {
                Steps = [.. steps, new Step("one more", 1, [new Approver(Party.Admins, "an admin")])],
            }
            : policy with
            {
                Steps = [.. steps.Select((s, i) => i == last ? s with { Need = s.Need + 1 } : s)],
            };
    }
}
