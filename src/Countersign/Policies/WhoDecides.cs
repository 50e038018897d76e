namespace Countersign.Policies;

/// <summary>
/// Which policy a request gets: the first of these that applies.
/// <code>
///   1  the first policy of the file that matches; one that names no source never stands before a named assignee
///   2  the assignee
///   3  the source's own group and need
///   4  one admin
/// </code>
/// </summary>
public static class WhoDecides
{
    /// <summary>Made once for each policy, as a stamp costs more than everything else here.</summary>
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<Policy, Policy> Stricter = [];

    private static readonly Policy OneAdmin = new("one admin", [new Step("admins", 1, [new Approver(Party.Admins, "an admin")])]);

    /// <param name="ofTheFile">What the policy file says, if anything.</param>
    public static Policy For(Policy? ofTheFile, Approver? assignee, Policy? ofTheSource, bool requesterUnknown)
    {
        var policy = ofTheFile
            ?? (assignee is not null ? new Policy("assignee", [new Step("assignee", 1, [assignee])]) : ofTheSource ?? OneAdmin);
        return requesterUnknown ? WithOneMore(policy) : policy;
    }

    public static Policy For(Approver? assignee, Policy? ofTheSource, bool requesterUnknown) => For(null, assignee, ofTheSource, requesterUnknown);

    /// <summary>A source's own rule: so many of that group.</summary>
    public static Policy OfSource(Approver group, int need) => new("source", [new Step(group.Name, need, [group])]);

    /// <summary>Somebody among those who answer may be the one who asks; where that is allowed, or nobody is asked, nothing changes.</summary>
    private static Policy WithOneMore(Policy policy)
    {
        if (policy.AllowsSelfApproval || policy.Steps.Count == 0)
            return policy;
        return Stricter.GetValue(policy, AddOne);
    }

    private static Policy AddOne(Policy policy)
    {
        var last = policy.Steps[^1];
        return policy with { Steps = [.. policy.Steps.SkipLast(1), last with { Need = last.Need + 1 }], RequesterUnknown = true };
    }
}
