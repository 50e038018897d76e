using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

public abstract record EndDelegationOutcome
{
    private EndDelegationOutcome() { }

    /// <summary>The seat is the person's own again.</summary>
    public sealed record Ended(ApprovalRequest Request) : EndDelegationOutcome;

    public sealed record AlreadySettled(ApprovalRequest Request) : EndDelegationOutcome;

    /// <summary>The delegate has decided, and that counts.</summary>
    public sealed record Used(string Delegate) : EndDelegationOutcome;

    public sealed record NotDelegated : EndDelegationOutcome;

    public sealed record NotFound : EndDelegationOutcome;
}

/// <summary>
/// A reviewer takes back the seat they gave to another (<see cref="DelegateSeat"/>), unless the delegate has decided.
/// Both lock the request, so of the decision and the end of the delegation the first one stands.
/// </summary>
public sealed class EndDelegation(Store store)
{
    internal static readonly Origin OfHub = new(Actor.Hub, "hub", "");

    public Task<EndDelegationOutcome> Run(RequestId id, Viewer viewer, CancellationToken cancel) =>
        store.InTransaction<EndDelegationOutcome>(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, viewer) is not { } request)
                    return new EndDelegationOutcome.NotFound();
                request = await Settle.IfExpired(tx, request);
                if (request.IsSettled)
                    return new EndDelegationOutcome.AlreadySettled(request);
                if (
                    viewer.PersonId is not { } person
                    || request.Delegations.FirstOrDefault(d => d.PersonId == person)
                        is not { DelegateId: not 0 } delegation
                )
                {
                    return new EndDelegationOutcome.NotDelegated();
                }
                var decisions = await DecisionRow.Of(tx, id);
                if (Weigh.LatestThatCount(request, decisions).Find(d => d.ForPerson == person) is { } used)
                    return new EndDelegationOutcome.Used(used.PersonName);
                await tx.Execute(
                    "DELETE FROM delegations WHERE request_id = @id AND person_id = @person",
                    new { id, person }
                );
                var next = await RequestChange.Save(
                    tx,
                    request,
                    request with
                    {
                        Delegations = [.. request.Delegations.Where(d => d.PersonId != person)],
                    },
                    viewer.Origin,
                    "request.delegation_revoked",
                    new { person, @delegate = delegation.DelegateId }
                );
                return new EndDelegationOutcome.Ended(await BlockedRequests.Look(tx, next, decisions, OfHub));
            },
            cancel
        );
}
