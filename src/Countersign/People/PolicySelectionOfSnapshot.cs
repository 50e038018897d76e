using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.People;

/// <summary>
/// Who decides a request, asked of one snapshot: the policy file, the groups and who is away are of the same moment.
/// </summary>
public static class PolicySelectionOfSnapshot
{
    /// <param name="source">Where it comes from; null when that is gone.</param>
    /// <param name="change">What its source said of its change (<see cref="ChangeFacts"/>); null: nothing.</param>
    /// <param name="ofTheSource">The source's own rule, where its door heeds one.</param>
    public static (Policy Policy, Blocked? Stuck) WhoDecides(
        this PeopleSnapshot directory,
        Source? source,
        Policy? ofTheSource,
        Requester requester,
        string facts,
        Approver? assignee,
        string? change = null
    )
    {
        var ofTheFile = directory.Policies.For(
            new PolicyQuery(source?.Name ?? "", requester.Name, facts, assignee is not null) { Change = change },
            directory.Pools,
            requester.Barred
        );
        var policy = Policies.PolicySelection.For(
            ofTheFile,
            assignee,
            ofTheSource,
            requester.Certainty,
            source?.Rules ?? default
        );
        return (policy, Feasibility.Of(policy, directory.Pools, requester.Barred));
    }
}
