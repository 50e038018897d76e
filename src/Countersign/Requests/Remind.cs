using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>Whom the open step waits for is reminded; the next reminder follows in the rhythm of the policy.</summary>
public sealed class Remind(Store store)
{
    /// <summary>True when it was this call that did it.</summary>
    public Task<bool> Run(RequestId id, DateTimeOffset due, Origin origin, CancellationToken cancel) =>
        store.InTransaction(async tx =>
        {
            if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { IsSettled: false } request || !await Due.Take(tx, id.Subject, Due.Remind, due))
                return false;
            var decisions = await DecisionRow.Of(tx, id);
            if (Weigh.Of(request, decisions, tx.Now) is not Verdict.StillPending pending || request.Policy.Remind is not { } remind)
                return false;
            if (remind.Every is { } every)
            {
                // Those that fell into a time without a running server are left out, not made up for.
                var missed = Math.Max(0, (long)Math.Floor((tx.Now - due) / every));
                await Due.Set(tx, request, Due.Remind, due + (every * (missed + 1)));
            }
            await Change.Save(tx, request, request, origin, "request.reminded", new { step = pending.OpenStep, stepName = request.Policy.Steps[pending.OpenStep].Name });
            return true;
        }, cancel);
}
