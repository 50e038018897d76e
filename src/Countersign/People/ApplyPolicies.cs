using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.People;

/// <summary>
/// Puts the policies in force on requests that were stamped with others, one by one, and says what that changes.
/// </summary>
public sealed class ApplyPolicies(Restamp restamp, PeopleDirectory directory)
{
    private const int PageSize = 500;

    public async Task<IReadOnlyList<Restamped>> Run(bool onlyLook, Origin origin, CancellationToken cancel)
    {
        var snapshot = await directory.Refresh(cancel);
        var changes = new List<Restamped>();
        for (RequestId? after = null; ; )
        {
            var page = await restamp.Active(after, PageSize, cancel);
            foreach (var id in page)
            {
                if (await One(id, snapshot, onlyLook, origin, cancel) is { } change)
                    changes.Add(change);
            }
            if (page.Count < PageSize)
                return changes;
            after = page[^1];
        }
    }

    /// <summary>A request that cannot be read keeps its policy, and no other from getting a new one.</summary>
    private async Task<Restamped?> One(
        RequestId id,
        PeopleSnapshot snapshot,
        bool onlyLook,
        Origin origin,
        CancellationToken cancel
    )
    {
        try
        {
            return await restamp.Run(
                id,
                (request, facts, change) => Today(snapshot, request, facts, change),
                snapshot.Pools,
                onlyLook,
                origin,
                cancel
            );
        }
        catch (Exception unreadable) when (JobWorker.IsItsOwn(unreadable))
        {
            return new Restamped(id, "", "", "", "", "", [], $"It cannot be read: {unreadable.Message}");
        }
    }

    /// <summary>The policy that a request with these facts would get now.</summary>
    internal static Policy Today(PeopleSnapshot snapshot, ApprovalRequest request, string facts, string? change)
    {
        var source = snapshot.Sources.GetValueOrDefault(request.SourceId);
        var assignee =
            request.AssigneeUser is { } user ? snapshot.People.GetValueOrDefault(user)?.AsApprover
            : request.AssigneeGroup is { } group ? snapshot.Groups.GetValueOrDefault(group)?.AsApprover
            : null;
        var name =
            request.RequesterId is { } id && snapshot.People.TryGetValue(id, out var person)
                ? person.Name
                : request.RequesterName;
        var requester = new Requester(request.RequesterId, name, request.Barred, request.Certainty);
        return snapshot.WhoDecides(source, source?.Policy, requester, facts, assignee, change).Policy;
    }
}
