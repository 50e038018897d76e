using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>The open step waited too long: those whom the policy names for that may fill it too, and hear of it.</summary>
public sealed class Escalate(Store store)
{
    /// <summary>True when it was this call that did it.</summary>
    public Task<bool> Run(RequestId id, DateTimeOffset due, Origin origin, CancellationToken cancel) =>
        store.InTransaction(async tx =>
        {
            if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { IsSettled: false } request || !await Due.Take(tx, id.Subject, Due.Escalate, due))
                return false;
            var decisions = await DecisionRow.Of(tx, id);
            if (request.Policy.Escalate is not { } escalate || Weigh.Of(request, decisions, tx.Now) is not Verdict.StillPending { OpenStep: var open } || open >= request.Policy.Steps.Count)
                return false;
            var next = request with { Policy = request.Policy.WithEscalated(open) };
            var verdict = Weigh.Of(next, decisions, tx.Now);
            next = next with { Display = verdict.Display };
            await Stamped.Keep(tx, next);
            await Change.Waiting(tx, request, decisions, Change.WaitsFor(next.Policy, verdict));
            next = await Change.Save(tx, request, next, origin, "request.escalated", new
            {
                step = open,
                stepName = request.Policy.Steps[open].Name,
                to = escalate.To.Select(a => a.Party.Text),
                toNames = escalate.To.Select(a => a.Name),
                stamp = next.Policy.Stamp,
            });
            await Standstill.Look(tx, next, decisions, origin);
            return true;
        }, cancel);
}
