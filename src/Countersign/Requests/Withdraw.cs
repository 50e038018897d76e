using Countersign.Storage;

namespace Countersign.Requests;

public abstract record WithdrawOutcome
{
    private WithdrawOutcome() { }

    public sealed record Withdrawn(ApprovalRequest Request) : WithdrawOutcome;

    /// <summary>Rejected, withdrawn or applied before: nothing changes but the record that someone tried.</summary>
    public sealed record AlreadySettled(ApprovalRequest Request) : WithdrawOutcome;

    public sealed record NotAllowed : WithdrawOutcome;

    public sealed record NotFound : WithdrawOutcome;
}

/// <summary>
/// The question is taken back: by the requester who is proven, the creator, the source, the ticket's assignee or an
/// admin.
/// </summary>
public sealed class Withdraw(Store store)
{
    public Task<WithdrawOutcome> Run(RequestId id, Viewer viewer, string reason, CancellationToken cancel) =>
        store.InTransaction<WithdrawOutcome>(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, viewer) is not { } request)
                    return new WithdrawOutcome.NotFound();
                if (!await May(tx, request, viewer))
                    return new WithdrawOutcome.NotAllowed();
                request = await Settle.IfExpired(tx, request);
                if (request.AppliedAt is not null || !request.MayBecome(Status.Withdrawn))
                {
                    return new WithdrawOutcome.AlreadySettled(
                        await RequestChange.Save(
                            tx,
                            request,
                            request,
                            viewer.Origin,
                            "request.withdrawal_refused",
                            new { reason, status = request.Status.ToWireName() }
                        )
                    );
                }

                return new WithdrawOutcome.Withdrawn(
                    await Settle.As(
                        tx,
                        request,
                        request.Revision,
                        await DecisionRow.Of(tx, id),
                        Status.Withdrawn,
                        "Cancelled",
                        viewer.Origin,
                        new { reason, status = Status.Withdrawn.ToWireName() }
                    )
                );
            },
            cancel
        );

    private static async ValueTask<bool> May(Tx tx, ApprovalRequest request, Viewer viewer) =>
        viewer.IsAdmin
        || (
            viewer.PersonId is { } person
                ? request.IsAskedBy(person) || await TicketVisibility.Has(tx, request, person)
                : viewer.Party == Policies.Party.Source(request.SourceId)
        );
}
