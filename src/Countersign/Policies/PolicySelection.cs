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
public static class PolicySelection
{
    /// <summary>The name of the policy under which a request's assignee decides, and of its only step.</summary>
    public const string Assignee = "assignee";

    /// <summary>The same people are asked again and again.</summary>
    private static readonly ConcurrentDictionary<Approver, Policy> OfAssignees = new();
    private const int MaxAssignees = 10_000;

    private static readonly Policy OneAdmin = new(
        "one admin",
        [new Step("admins", 1, [new Approver(Party.Admins, "an admin")])]
    );

    /// <param name="ofTheFile">What the policy file says, if anything.</param>
    /// <param name="rules">What the source says about requesters who are not proven.</param>
    public static Policy For(
        Policy? ofTheFile,
        Approver? assignee,
        Policy? ofTheSource,
        Certainty certainty,
        SourceRules rules = default
    ) =>
        RequesterCost.Of(
            ofTheFile ?? (assignee is not null ? OfAssignee(assignee) : ofTheSource ?? OneAdmin),
            certainty,
            rules
        );

    private static Policy OfAssignee(Approver assignee)
    {
        if (OfAssignees.TryGetValue(assignee, out var known))
            return known;
        if (OfAssignees.Count >= MaxAssignees)
            OfAssignees.Clear();
        return OfAssignees.GetOrAdd(assignee, static one => new Policy(Assignee, [new Step(Assignee, 1, [one])]));
    }

    /// <summary>A source's own rule: so many of that group.</summary>
    public static Policy OfSource(Approver group, int need) => new("source", [new Step(group.Name, need, [group])]);
}
