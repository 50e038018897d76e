using Countersign.Storage;

namespace Countersign.Requests;

public abstract record MarkAppliedOutcome
{
    private MarkAppliedOutcome() { }

    public sealed record Applied(ApprovalRequest Request) : MarkAppliedOutcome;

    /// <summary>Applied without an approval: on record, and the admins hear of it.</summary>
    public sealed record Breach(ApprovalRequest Request) : MarkAppliedOutcome;

    /// <summary>Said before: nothing is written.</summary>
    public sealed record AlreadyApplied(ApprovalRequest Request) : MarkAppliedOutcome;

    public sealed record NotAllowed : MarkAppliedOutcome;

    public sealed record NotFound : MarkAppliedOutcome;
}

/// <summary>
/// The change was made. A fact beside the status: it is recorded with every status, and it is a breach unless that is
/// approved. Said by the source, or by an admin in its place.
/// </summary>
public sealed class MarkApplied(Store store)
{
    public Task<MarkAppliedOutcome> Run(RequestId id, Viewer viewer, CancellationToken cancel) =>
        store.InTransaction<MarkAppliedOutcome>(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, viewer) is not { } request)
                    return new MarkAppliedOutcome.NotFound();
                if (
                    !viewer.IsAdmin
                    && viewer.Party != Policies.Party.Source(request.SourceId)
                    && !(viewer.PersonId is { } person && person == request.CreatorId)
                )
                {
                    return new MarkAppliedOutcome.NotAllowed();
                }
                if (request.AppliedAt is not null)
                    return new MarkAppliedOutcome.AlreadyApplied(request);

                var next = await By(tx, request, viewer.Origin);
                return next.BreachedAt is null
                    ? new MarkAppliedOutcome.Applied(next)
                    : new MarkAppliedOutcome.Breach(next);
            },
            cancel
        );

    /// <summary>Inside a transaction that has more to do; what was applied before stays as it is.</summary>
    internal static async ValueTask<ApprovalRequest> By(Tx tx, ApprovalRequest request, Origin origin)
    {
        if (request.AppliedAt is not null)
            return request;
        request = await Settle.IfExpired(tx, request);
        var approved = request.Status == Status.Approved;
        return await RequestChange.Save(
            tx,
            request,
            request with
            {
                AppliedAt = tx.Now,
                BreachedAt = approved ? null : tx.Now,
                Display = approved ? "Approved, applied" : request.Display,
            },
            origin,
            approved ? "request.applied" : "request.breached",
            new { status = request.Status.ToWireName() }
        );
    }
}
