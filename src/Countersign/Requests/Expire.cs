using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>The time of a question is over: it becomes what its policy says of that, rejected or withdrawn.</summary>
public sealed class Expire(Store store)
{
    /// <summary>True when it was this call that did it.</summary>
    public Task<bool> Run(RequestId id, DateTimeOffset due, Origin origin, CancellationToken cancel) =>
        store.InTransaction(async tx =>
            await RequestRow.Find(tx, id, Viewer.Hub(origin)) is { IsSettled: false } request
            && await Due.Take(tx, id.Subject, Due.Expire, due)
            && (await Now(tx, request, await DecisionRow.Of(tx, id), origin)).IsSettled, cancel);

    /// <summary>Settles it if its time is over; whoever meets such a request on the way does not wait for the worker.</summary>
    internal static async ValueTask<ApprovalRequest> Now(Tx tx, ApprovalRequest request, IReadOnlyList<Decision> decisions, Origin origin)
    {
        var verdict = Weigh.Of(request, decisions, tx.Now);
        if (request.ExpiresAt is not { } end || tx.Now < end || verdict.Status is not (Status.Rejected or Status.Withdrawn))
            return request;
        await Change.Waiting(tx, request, decisions, Change.Nobody);
        var next = request with { Status = verdict.Status, Display = verdict.Display, SettledAt = tx.Now };
        return await Change.Save(tx, request, next, origin, $"request.{verdict.Status.Ours()}", new { expired = true, reason = verdict.Display, status = verdict.Status.Ours() });
    }
}
