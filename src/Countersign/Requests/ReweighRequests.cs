using System.Globalization;
using System.Runtime.ExceptionServices;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// A person was disabled: their answers to active requests count no longer, so those requests say anew what is missing
/// and wait for whom they must. It never settles anything. That it is to be done is written with the disabling, so
/// that a server which ends in between leaves the rest to the next one.
/// </summary>
public sealed class ReweighRequests(Store store) : IJobHandler
{
    /// <summary>Requests per transaction, so that other writers get their turn.</summary>
    private const int Chunk = 50;

    public string Kind => JobKind;
    public TimeSpan MaxRun => TimeSpan.FromMinutes(5);
    public string WhyNotDiscard =>
        "Without it, a disabled person's decisions would still be shown as counting. Retry it.";

    private const string JobKind = "reweigh";

    /// <summary>In the transaction that disables the person.</summary>
    internal static async ValueTask MustFollow(Tx tx, long personId) =>
        await Jobs.Put(tx, new JobToAdd(JobKind, KeyOf(personId), $"person:{personId}", tx.Now));

    /// <summary>What <see cref="MustFollow"/> left to do; doing it twice changes nothing.</summary>
    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        await Follow(long.Parse(job.Key, CultureInfo.InvariantCulture), DueTimes.Clock, cancel);
        return new JobResult.Done();
    }

    /// <summary>At once, for the one who disables. The job stays for a worker where this is interrupted.</summary>
    public async Task Run(long personId, Origin origin, CancellationToken cancel)
    {
        await Follow(personId, origin, cancel);
        await store.InTransaction(tx => Jobs.Cancel(tx, JobKind, KeyOf(personId)), cancel);
    }

    private async Task Follow(long personId, Origin origin, CancellationToken cancel)
    {
        var ids = await store.Read(
            reader =>
                reader.All<IdRow>(
                    """
                    SELECT DISTINCT r.id FROM decisions d JOIN requests r ON r.id = d.request_id
                    WHERE d.person_id = @personId AND r.status = 'active'
                    """,
                    new { personId }
                ),
            cancel
        );
        ExceptionDispatchInfo? failed = null;
        foreach (var chunk in ids.Chunk(Chunk))
        {
            try
            {
                await WeighAgain(chunk);
            }
            catch (Exception failure) when (JobWorker.IsItsOwn(failure))
            {
                // One that can't be read or written keeps no other from it.
                foreach (var row in chunk)
                {
                    try
                    {
                        await WeighAgain([row]);
                    }
                    catch (Exception alone) when (JobWorker.IsItsOwn(alone))
                    {
                        failed ??= ExceptionDispatchInfo.Capture(alone);
                    }
                }
            }
        }
        failed?.Throw();

        Task WeighAgain(IdRow[] rows) =>
            store.InTransaction(
                async tx =>
                {
                    foreach (var row in rows)
                        await Again(tx, RequestId.Of(row.Id), personId, origin);
                },
                cancel
            );
    }

    private static string KeyOf(long personId) => personId.ToString(CultureInfo.InvariantCulture);

    private static async ValueTask Again(Tx tx, RequestId id, long personId, Origin origin)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { IsSettled: false } request)
            return;
        var decisions = await DecisionRow.Of(tx, id);
        if (Weigh.Of(request, decisions, tx.Now) is not Verdict.StillPending after)
            return;
        await RequestChange.Waiting(tx, request, decisions, request.Policy, after);
        if (after.Display != request.Display)
        {
            request = await RequestChange.Save(
                tx,
                request,
                request with
                {
                    Display = after.Display,
                },
                origin,
                "request.reweighed",
                new { without = personId, status = request.Status.ToWireName() }
            );
        }
        await BlockedRequests.Look(tx, request, decisions, origin);
    }

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
