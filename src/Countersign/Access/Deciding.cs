using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Access;

/// <summary>
/// Who decides a request, asked of one snapshot: the policy file, the groups and who is away are of the same moment.
/// </summary>
public static class Deciding
{
    /// <param name="source">Where it comes from; null when that is gone.</param>
    /// <param name="ofTheSource">The source's own rule, where its door heeds one.</param>
    public static (Policy Policy, Stuck? Stuck) WhoDecides(
        this DirectorySnapshot directory,
        Source? source,
        Policy? ofTheSource,
        Requester requester,
        string facts,
        Approver? assignee
    )
    {
        var ofTheFile = directory.Policies.For(
            new Question(source?.Name ?? "", requester.Name, facts, assignee is not null),
            directory.Pools,
            requester.Barred
        );
        var policy = Policies.WhoDecides.For(
            ofTheFile,
            assignee,
            ofTheSource,
            requester.Certainty,
            source?.Rules ?? default
        );
        return (policy, Passability.Of(policy, directory.Pools, requester.Barred));
    }
}
