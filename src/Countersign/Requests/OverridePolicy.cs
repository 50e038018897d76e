using Countersign.Storage;

namespace Countersign.Requests;

public abstract record OverrideOutcome
{
    private OverrideOutcome() { }

    public sealed record Approved(ApprovalRequest Request) : OverrideOutcome;

    public sealed record AlreadySettled(ApprovalRequest Request) : OverrideOutcome;

    /// <summary>LaunchDarkly is asked about it; what it would be overridden for isn't known yet.</summary>
    public sealed record BeingConfirmed(ApprovalRequest Request) : OverrideOutcome;

    /// <summary>More than one content exists and none was named, or another one was.</summary>
    public sealed record Changed(ApprovalRequest Request) : OverrideOutcome;

    /// <summary>The reason has to be one.</summary>
    public sealed record ReasonTooShort : OverrideOutcome;

    /// <summary>The policy of the request does not let even admins past it.</summary>
    public sealed record Forbidden : OverrideOutcome;

    /// <summary>Only admins may.</summary>
    public sealed record NotAllowed : OverrideOutcome;

    public sealed record NotFound : OverrideOutcome;
}

/// <summary>
/// An admin approves past the policy, in an emergency and with a reason. It is loud: an event of its own, which every
/// admin hears of, stands before the approval, and the request carries the mark for good.
/// </summary>
public sealed class OverridePolicy(Store store)
{
    public const int ShortestReason = 20;

    public Task<OverrideOutcome> Run(
        RequestId id,
        Viewer viewer,
        string reason,
        string? digest,
        CancellationToken cancel
    ) =>
        store.InTransaction<OverrideOutcome>(
            async tx =>
            {
                if (await RequestRow.Find(tx, id, viewer) is not { } request)
                    return new OverrideOutcome.NotFound();
                // Asked of the store, because the door's own knowledge may be a moment old.
                if (
                    viewer.PersonId is not { } person
                    || await tx.Number(
                        $"""
                        SELECT id FROM people
                        WHERE id = @person AND role = 'admin' AND disabled_at IS NULL{tx.ForShare}
                        """,
                        new { person }
                    ) == 0
                )
                {
                    return new OverrideOutcome.NotAllowed();
                }
                request = await Settle.IfExpired(tx, request);
                if (request.IsSettled)
                    return new OverrideOutcome.AlreadySettled(request);
                if (!request.IsAnsweredBy(digest))
                    return new OverrideOutcome.Changed(request);
                if (request.OpenCheck != OpenCheck.None)
                    return new OverrideOutcome.BeingConfirmed(request);
                if (request.Policy.ForbidsBreakGlass)
                    return new OverrideOutcome.Forbidden();
                reason = reason.Trim();
                if (reason.Length < ShortestReason)
                    return new OverrideOutcome.ReasonTooShort();

                var broken = request with { BrokeGlassAt = tx.Now };
                broken = await RequestChange.Save(
                    tx,
                    request,
                    broken,
                    viewer.Origin,
                    "request.broke_glass",
                    new
                    {
                        reason,
                        person,
                        digest = request.Digest,
                        revision = request.Revision,
                    }
                );
                return new OverrideOutcome.Approved(
                    await Settle.As(
                        tx,
                        broken,
                        broken.Revision,
                        await DecisionRow.Of(tx, id),
                        Status.Approved,
                        $"Approved by {viewer.Name}, overriding the policy",
                        viewer.Origin,
                        new
                        {
                            status = Status.Approved.ToWireName(),
                            breakGlass = true,
                            reason,
                        }
                    )
                );
            },
            cancel
        );
}
