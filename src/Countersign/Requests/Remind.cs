using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>Whom the open step waits for is reminded; the next reminder follows in the rhythm of the policy.</summary>
public sealed class Remind : DueHandler
{
    public override string Kind => DueTimes.Remind;

    protected override async ValueTask Do(Tx tx, ApprovalRequest request, DateTimeOffset due)
    {
        var decisions = await DecisionRow.Of(tx, request.Id);
        if (
            Weigh.Of(request, decisions, tx.Now) is not Verdict.StillPending pending
            || request.Policy.Remind is not { } remind
        )
        {
            return;
        }
        if (remind.Next(due, tx.Now) is { } next)
            await DueTimes.Set(tx, request, DueTimes.Remind, next);
        var step = Math.Max(0, Math.Min(pending.OpenStep, request.Policy.Steps.Count - 1));
        await RequestChange.Save(
            tx,
            request,
            request,
            DueTimes.Clock,
            "request.reminded",
            new { step, stepName = request.Policy.Steps.ElementAtOrDefault(step)?.Name ?? "" }
        );
    }
}
