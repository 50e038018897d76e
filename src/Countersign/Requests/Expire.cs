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
            && (await Settle.IfExpired(tx, request, origin)).IsSettled, cancel);
}
