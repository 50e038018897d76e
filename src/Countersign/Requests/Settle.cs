using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// The one place in which a request's status changes, whichever way it is settled: by a reviewer, a destination, a
/// policy that answers by itself, an override, a withdrawal or the end of its time.
/// <code>
///   1  revision: what was decided about another content settles nothing
///   2  status: only what the law of states allows
///   3  checks: nothing approves a request while LaunchDarkly is asked about it
///   4  time: once an active request has expired, it becomes what its policy says of that, and nothing else
/// </code>
/// <see cref="RequestChange.Save"/> writes another status only with the permit that is made here, so a new way to
/// settle cannot leave these out.
/// </summary>
internal sealed class Settle
{
    private static readonly Settle Permit = new();

    /// <summary>Expiry is the hub's act, whoever's call comes across it first.</summary>
    private static readonly Origin OfPolicy = new(Actor.Hub, "policy", "");

    private Settle() { }

    /// <summary>
    /// The request as it is now: one that has expired is settled here and at once, though the timekeeper has not come
    /// by. Every use case that would change an active request begins with this.
    /// </summary>
    public static async ValueTask<ApprovalRequest> IfExpired(Tx tx, ApprovalRequest request, Origin? origin = null)
    {
        if (!HasExpired(request, tx.Now))
            return request;
        var decisions = await DecisionRow.Of(tx, request.Id);
        var verdict = Weigh.Of(request, decisions, tx.Now);
        if (verdict.Status is not (Status.Rejected or Status.Withdrawn))
            verdict = Weigh.Expired(request, request.ExpiresAt!.Value);
        return await Write(
            tx,
            request,
            decisions,
            verdict.Status,
            verdict.Display,
            origin ?? OfPolicy,
            new
            {
                expired = true,
                reason = verdict.Display,
                status = verdict.Status.ToWireName(),
            }
        );
    }

    public static bool HasExpired(ApprovalRequest request, DateTimeOffset now) =>
        !request.IsSettled && now >= request.ExpiresAt;

    /// <summary>Settles the request, and takes it from every inbox.</summary>
    /// <param name="revision">The content that was decided on.</param>
    /// <param name="decisions">Those from which it followed, before this one, in whose inboxes it is.</param>
    /// <param name="last">The decision that settles it.</param>
    public static ValueTask<ApprovalRequest> As(
        Tx tx,
        ApprovalRequest request,
        int revision,
        IReadOnlyList<Decision> decisions,
        Status status,
        string display,
        Origin origin,
        object data,
        Decision? last = null
    )
    {
        if (revision != request.Revision)
        {
            throw new InvalidOperationException(
                $"Revision {revision} was decided on, and {request.Revision} is the current one."
            );
        }
        if (HasExpired(request, tx.Now))
            throw new InvalidOperationException("The request has expired, and nothing else may settle it.");
        return Write(tx, request, decisions, status, display, origin, data, last);
    }

    private static async ValueTask<bool> AppliesChanges(Tx tx, long source) =>
        await tx.Number(
            "SELECT count(*) FROM launchdarkly_connections WHERE source_id = @source AND apply = 1",
            new { source }
        ) == 1;

    private static async ValueTask<ApprovalRequest> Write(
        Tx tx,
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        Status status,
        string display,
        Origin origin,
        object data,
        Decision? last = null
    )
    {
        if (!request.MayBecome(status))
            throw new InvalidOperationException($"The law of states forbids {request.Status} → {status}.");
        if (status == Status.Approved && request.OpenCheck != OpenCheck.None)
        {
            throw new InvalidOperationException(
                "LaunchDarkly is asked about the request, and nothing approves it yet."
            );
        }
        if (!request.IsSettled)
            await RequestChange.Waiting(tx, request, decisions);
        var next = request with { Status = status, Display = display, SettledAt = tx.Now };
        var told = SettledStory.Tell(request, last is null ? decisions : [.. decisions, last], origin, data);
        next = await RequestChange.Save(tx, request, next, origin, $"request.{status.ToWireName()}", told, Permit);
        if (status == Status.Approved && next.ChangeDigest is not null && await AppliesChanges(tx, next.SourceId))
            await Jobs.Put(tx, OpenChecks.ApplyJob(next, tx.Now));
        return next;
    }
}
