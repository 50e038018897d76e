using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// A person was disabled: their answers to active requests count no longer, so those requests say anew what is missing
/// and wait for whom they must. It never settles anything. That it is to be done is written with the disabling, so that a
/// server which ends in between leaves the rest to the next one.
/// </summary>
public sealed class Reweigh(Store store)
{
    /// <summary>Requests per transaction, so that other writers get their turn.</summary>
    private const int Chunk = 50;

    internal const string Kind = "reweigh";

    /// <summary>In the transaction that disables the person.</summary>
    internal static async ValueTask MustFollow(Tx tx, long personId) =>
        await tx.Execute(
            "INSERT INTO due (subject, kind, at) VALUES (@subject, @kind, @at) ON CONFLICT (subject, kind) DO UPDATE SET at = @at",
            new { subject = Subject(personId), kind = Kind, at = tx.Now });

    /// <summary>What <see cref="MustFollow"/> left to do; doing it twice changes nothing. False when another did it meanwhile.</summary>
    public async Task<bool> Run(long personId, Origin origin, CancellationToken cancel)
    {
        var due = await store.Read(reader => reader.Text(
            "SELECT at FROM due WHERE subject = @subject AND kind = @kind", new { subject = Subject(personId), kind = Kind }), cancel);
        if (due is null)
            return false;
        var ids = await store.Read(reader => reader.All<IdRow>(
            "SELECT DISTINCT r.id FROM decisions d JOIN requests r ON r.id = d.request_id WHERE d.person_id = @personId AND r.status = 'active'", new { personId }), cancel);
        foreach (var chunk in ids.Chunk(Chunk))
        {
            await store.InTransaction(async tx =>
            {
                foreach (var row in chunk)
                    await Again(tx, RequestId.Of(row.Id), personId, origin);
            }, cancel);
        }
        // Disabled once more meanwhile, there is another time to do it.
        return await store.InTransaction(async tx => await Due.Take(tx, Subject(personId), Kind, Instant.Parse(due)), cancel);
    }

    private static string Subject(long personId) => $"person:{personId}";

    private static async ValueTask Again(Tx tx, RequestId id, long personId, Origin origin)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { IsSettled: false } request)
            return;
        var decisions = await DecisionRow.Of(tx, id);
        if (Weigh.Of(request, decisions, tx.Now) is not Verdict.StillPending after)
            return;
        await Change.Waiting(tx, request, decisions, Change.WaitsFor(request.Policy, after));
        if (after.Display != request.Display)
            request = await Change.Save(tx, request, request with { Display = after.Display }, origin, "request.reweighed", new { without = personId, status = request.Status.Ours() });
        await Standstill.Look(tx, request, decisions, origin);
    }

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
