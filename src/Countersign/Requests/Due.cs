using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What happens to a request by itself and when: one row for each, written with the request. Whoever does it takes the
/// row in the same transaction, so it is done once, on whichever node, and a clock that jumps back finds nothing left.
/// </summary>
internal static class Due
{
    public const string Remind = "remind", Escalate = "escalate", Expire = "expire";

    /// <summary>A content has come, or another policy: all its times begin now.</summary>
    public static async ValueTask Begin(Tx tx, ApprovalRequest request, Verdict verdict)
    {
        if (request.ExpiresAt is { } end)
            await Set(tx, request, Expire, end);
        if (verdict is Verdict.StillPending pending)
            await StepOpened(tx, request, pending.OpenStep);
    }

    /// <summary>Reminders and escalation are counted from the opening of a step, because only then does anyone keep it waiting.</summary>
    public static async ValueTask StepOpened(Tx tx, ApprovalRequest request, int step)
    {
        var policy = request.Policy;
        if (policy.Remind is { } remind)
            await Set(tx, request, Remind, tx.Now + remind.After);
        if (policy.Escalate is not { } escalate)
            return;
        if (step < policy.Steps.Count && !policy.Steps[step].Escalated)
            await Set(tx, request, Escalate, tx.Now + escalate.After);
        else
            await tx.Execute("DELETE FROM due WHERE subject = @subject AND kind = @kind", new { subject = request.Id.Subject, kind = Escalate });
    }

    public static async ValueTask Set(Tx tx, ApprovalRequest request, string kind, DateTimeOffset at) =>
        await tx.Execute(
            "INSERT INTO due (subject, kind, at) VALUES (@subject, @kind, @at) ON CONFLICT (subject, kind) DO UPDATE SET at = @at",
            new { subject = request.Id.Subject, kind, at });

    public static async ValueTask Clear(Tx tx, ApprovalRequest request)
    {
        if (request.Policy.IsTimed)
            await tx.Execute("DELETE FROM due WHERE subject = @subject", new { subject = request.Id.Subject });
    }

    /// <summary>True for the one who gets to do it.</summary>
    public static async ValueTask<bool> Take(Tx tx, string subject, string kind, DateTimeOffset at) =>
        await tx.Execute("DELETE FROM due WHERE subject = @subject AND kind = @kind AND at = @at", new { subject, kind, at }) == 1;
}
