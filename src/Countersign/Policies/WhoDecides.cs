namespace Countersign.Policies;

/// <summary>
/// Which policy a request gets: the first of these that applies. A matching rule of the policy file will stand before
/// them; until that file exists, a request is decided by its assignee, else as its source says, else by one admin.
/// </summary>
public static class WhoDecides
{
    private static readonly Policy OneAdmin = new("one admin", [new Step("admins", 1, [new Approver(Party.Admins, "an admin")])]);

    public static Policy For(Approver? assignee, Policy? ofTheSource, bool requesterUnknown)
    {
        var policy = assignee is not null
            ? new Policy("assignee", [new Step("assignee", 1, [assignee])])
            : ofTheSource ?? OneAdmin;
        return requesterUnknown ? WithOneMore(policy) : policy;
    }

    /// <summary>A source's own rule: so many of that group.</summary>
    public static Policy OfSource(Approver group, int need) => new("source", [new Step(group.Name, need, [group])]);

    private static Policy WithOneMore(Policy policy)
    {
        var last = policy.Steps[^1];
        return policy with { Steps = [.. policy.Steps.SkipLast(1), last with { Need = last.Need + 1 }], RequesterUnknown = true };
    }
}
