using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Access;

/// <summary>Who decides a request, asked of one snapshot: the policy file, the groups and who is away are of the same moment.</summary>
public static class Deciding
{
    /// <param name="ofTheSource">The source's own rule, where its door heeds one.</param>
    public static (Policy Policy, Stuck? Stuck) WhoDecides(
        this DirectorySnapshot directory, string source, Policy? ofTheSource, Requester requester, string facts, Approver? assignee)
    {
        var ofTheFile = directory.Policies.For(new Question(source, requester.Name, facts, assignee is not null), directory.Pools, requester.Barred);
        var policy = Policies.WhoDecides.For(ofTheFile, assignee, ofTheSource, requester.IsUnknown);
        return (policy, Passability.Of(policy, directory.Pools, requester.Barred));
    }
}
