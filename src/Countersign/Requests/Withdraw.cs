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

/// <summary>The question is taken back: by the requester, the creator, the source, the ticket's assignee or an admin.</summary>
public sealed class Withdraw(Store store)
{
    public Task<WithdrawOutcome> Run(RequestId id, Viewer viewer, string reason, CancellationToken cancel) =>
        store.InTransaction<WithdrawOutcome>(async tx =>
        {
            if (await RequestRow.Find(tx, id, viewer) is not { } request)
                return new WithdrawOutcome.NotFound();
            if (!await May(tx, request, viewer))
                return new WithdrawOutcome.NotAllowed();
            if (request.AppliedAt is not null || !request.MayBecome(Status.Withdrawn))
                return new WithdrawOutcome.AlreadySettled(await Change.Save(tx, request, request, viewer.Origin, "request.withdrawal_refused", new { reason, status = request.Status.Ours() }));

            if (request.Status == Status.Active)
                await Change.Waiting(tx, request, await DecisionRow.Of(tx, id), Change.Nobody);
            var next = request with { Status = Status.Withdrawn, Display = "Cancelled", SettledAt = tx.Now };
            return new WithdrawOutcome.Withdrawn(await Change.Save(tx, request, next, viewer.Origin, "request.withdrawn", new { reason, status = next.Status.Ours() }));
        }, cancel);

    private static async ValueTask<bool> May(Tx tx, ApprovalRequest request, Viewer viewer) =>
        viewer.IsAdmin
        || (viewer.PersonId is { } person
            ? person == request.RequesterId || person == request.CreatorId
                || (request.TicketId is { } ticket && await tx.Number("SELECT assignee_id FROM tickets WHERE id = @ticket", new { ticket }) == person)
            : viewer.Party == Policies.Party.Source(request.SourceId));
}
