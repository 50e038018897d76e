using System.Collections.Concurrent;

namespace Countersign.Policies;

/// <summary>
/// Which policy a request gets: the first of these that applies.
/// <code>
///   1  the first policy of the file that matches; one whose "when" names nothing yields to a named assignee
///   2  the assignee
///   3  the source's own group and need
///   4  one admin
/// </code>
/// </summary>
public static class WhoDecides
{
    /// <summary>Made once for each policy, as a stamp costs more than everything else here.</summary>
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<Policy, Policy> Stricter = [];

    /// <summary>The same people are asked again and again.</summary>
    private static readonly ConcurrentDictionary<Approver, Policy> OfAssignees = new();
    private const int MostAssignees = 10_000;

    private static readonly Policy OneAdmin = new("one admin", [new Step("admins", 1, [new Approver(Party.Admins, "an admin")])]);

    /// <param name="ofTheFile">What the policy file says, if anything.</param>
    public static Policy For(Policy? ofTheFile, Approver? assignee, Policy? ofTheSource, bool requesterUnknown)
    {
        var policy = ofTheFile
            ?? (assignee is not null ? OfAssignee(assignee) : ofTheSource ?? OneAdmin);
        return requesterUnknown ? WithOneMore(policy) : policy;
    }

    public static Policy For(Approver? assignee, Policy? ofTheSource, bool requesterUnknown) => For(null, assignee, ofTheSource, requesterUnknown);

    private static Policy OfAssignee(Approver assignee)
    {
        if (OfAssignees.TryGetValue(assignee, out var known))
            return known;
        if (OfAssignees.Count >= MostAssignees)
            OfAssignees.Clear();
        return OfAssignees.GetOrAdd(assignee, static one => new Policy("assignee", [new Step("assignee", 1, [one])]));
    }

    /// <summary>A source's own rule: so many of that group.</summary>
    public static Policy OfSource(Approver group, int need) => new("source", [new Step(group.Name, need, [group])]);

    /// <summary>
    /// One of those who answer may be the one who asks; where that is allowed, or nobody is asked, nothing changes. A
    /// policy that needs one more already stays as it is.
    /// </summary>
    public static Policy WithOneMore(Policy policy)
    {
        if (policy.RequesterUnknown || policy.AllowsSelfApproval || policy.Steps.Count == 0)
            return policy;
        return Stricter.GetValue(policy, AddOne);
    }

    private static Policy AddOne(Policy policy)
    {
        var last = policy.Steps[^1];
        return policy with { Steps = [.. policy.Steps.SkipLast(1), last with { Need = last.Need + 1 }], RequesterUnknown = true };
    }
}
