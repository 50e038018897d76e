using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// The open step waited too long: those whom the policy names for that may fill it too, and hear of it.
/// </summary>
public sealed class Escalate : DueHandler
{
    public override string Kind => DueTimes.Escalate;

    protected override async ValueTask Do(Tx tx, ApprovalRequest request, DateTimeOffset due)
    {
        var decisions = await DecisionRow.Of(tx, request.Id);
        if (
            request.Policy.Escalate is not { } escalate
            || Weigh.Of(request, decisions, tx.Now) is not Verdict.StillPending { OpenStep: var open }
            || open >= request.Policy.Steps.Count
        )
        {
            return;
        }
        var next = request with { Policy = request.Policy.WithEscalated(open) };
        var verdict = Weigh.Of(next, decisions, tx.Now);
        next = next with { Display = verdict.Display };
        await PolicyStamp.Keep(tx, next);
        await RequestChange.Waiting(tx, request, decisions, next.Policy, verdict);
        next = await RequestChange.Save(
            tx,
            request,
            next,
            DueTimes.Clock,
            "request.escalated",
            new
            {
                step = open,
                stepName = request.Policy.Steps[open].Name,
                to = escalate.To.Select(a => a.Party.Text),
                toNames = escalate.To.Select(a => a.Name),
                stamp = next.Policy.Stamp,
            }
        );
        await BlockedRequests.Look(tx, next, decisions, DueTimes.Clock);
    }
}
