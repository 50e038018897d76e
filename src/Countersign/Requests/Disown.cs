using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

public abstract record DisownOutcome
{
    private DisownOutcome() { }

    /// <summary>It is on record now, or was before.</summary>
    public sealed record Disowned(ApprovalRequest Request) : DisownOutcome;

    /// <summary>The request was not opened in this person's name.</summary>
    public sealed record NotInYourName : DisownOutcome;

    public sealed record NotFound : DisownOutcome;
}

/// <summary>
/// "Not me": a person in whose name a request was opened says that it was not they. When no one is left who may have
/// asked, its requester is not recognized, which costs what the policy says. Whoever was barred stays barred. It can be
/// said of a settled request, too: that changes nothing of the outcome, and admins hear of it.
/// </summary>
public sealed class Disown(Store store)
{
    private static readonly Origin OfPolicy = new(Actor.Hub, "policy", "");

    public Task<DisownOutcome> Run(RequestId id, Viewer viewer, CancellationToken cancel) =>
        store.InTransaction<DisownOutcome>(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, viewer) is not { } request)
                    return new DisownOutcome.NotFound();
                if (viewer.PersonId is not { } person)
                    return new DisownOutcome.NotInYourName();
                if (request.Claim?.Disowned.Contains(person) == true)
                    return new DisownOutcome.Disowned(request);
                return request.IsInNameOf(person)
                    ? new DisownOutcome.Disowned(
                        await Say(tx, await Settle.IfExpired(tx, request), person, viewer.Origin)
                    )
                    : new DisownOutcome.NotInYourName();
            },
            cancel
        );

    private static async ValueTask<ApprovalRequest> Say(Tx tx, ApprovalRequest request, long person, Origin origin)
    {
        var next = Without(request, person);
        if (request.IsSettled)
            return await Save(tx, request, next, person, origin);
        var decisions = await DecisionRow.Of(tx, request.Id);
        var verdict = Weigh.Of(next, decisions, tx.Now);
        await PolicyStamp.Keep(tx, next);
        await RequestChange.Waiting(tx, request, decisions, next.Policy, verdict);
        // While LaunchDarkly is asked, nothing settles it; the end of that does.
        if (!next.Policy.RefusesRequester || verdict is Verdict.StillPending)
        {
            next = await Save(tx, request, next with { Display = verdict.Display }, person, origin);
            return await BlockedRequests.Look(tx, next, decisions, OfPolicy);
        }
        next = await Save(tx, request, next, person, origin);
        return await Settle.As(
            tx,
            next,
            next.Revision,
            decisions,
            verdict.Status,
            verdict.Display,
            OfPolicy,
            new
            {
                policy = next.Policy.Name,
                because = verdict.Display,
                status = verdict.Status.ToWireName(),
            }
        );
    }

    /// <summary>The request after this person is no longer one who may have asked.</summary>
    private static ApprovalRequest Without(ApprovalRequest request, long person)
    {
        var claim = request.Claim!.DisownedBy(person);
        var isUnknown = claim.People.Count == 0;
        return request with
        {
            Claim = claim,
            RequesterId = claim.People is [var one] ? one : null,
            Certainty = isUnknown ? Certainty.None : Certainty.Claimed,
            Policy = isUnknown && !request.IsSettled ? RequesterCost.Disowned(request.Policy) : request.Policy,
        };
    }

    private static ValueTask<ApprovalRequest> Save(
        Tx tx,
        ApprovalRequest before,
        ApprovalRequest next,
        long person,
        Origin origin
    ) =>
        RequestChange.Save(
            tx,
            before,
            next,
            origin,
            "request.disowned",
            new
            {
                person,
                requester = next.RequesterId,
                certainty = next.Certainty.ToWireName(),
                claim = next.Claim!.ToText(),
                stamp = next.Policy.Stamp,
            }
        );
}
