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
                if (!MayBeBy(request, viewer, await Visibility.IsTicketAssignee(tx, request, viewer)))
                    return new WithdrawOutcome.NotAllowed();
                request = await Settle.IfExpired(tx, request);
                if (!IsPossible(request))
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

                return new WithdrawOutcome.Withdrawn(await By(tx, request, reason, viewer.Origin));
            },
            cancel
        );

    /// <summary>Inside a transaction that has more to do, and has found that it is possible.</summary>
    internal static async ValueTask<ApprovalRequest> By(Tx tx, ApprovalRequest request, string reason, Origin origin) =>
        await Settle.As(
            tx,
            request,
            request.Revision,
            await DecisionRow.Of(tx, request.Id),
            Status.Withdrawn,
            "Cancelled",
            origin,
            new { reason, status = Status.Withdrawn.ToWireName() }
        );

    /// <summary>Whether this viewer may withdraw it now; pages offer it by the same rule.</summary>
    /// <param name="isTicketAssignee"><see cref="Visibility.IsTicketAssignee"/>.</param>
    public static bool May(ApprovalRequest request, Viewer viewer, bool isTicketAssignee) =>
        IsPossible(request) && MayBeBy(request, viewer, isTicketAssignee);

    private static bool IsPossible(ApprovalRequest request) =>
        request.AppliedAt is null && request.MayBecome(Status.Withdrawn);

    private static bool MayBeBy(ApprovalRequest request, Viewer viewer, bool isTicketAssignee) =>
        viewer.IsAdmin
        || (
            viewer.PersonId is { } person
                ? request.IsAskedBy(person) || isTicketAssignee
                : viewer.Party == Policies.Party.Source(request.SourceId)
        );
}
