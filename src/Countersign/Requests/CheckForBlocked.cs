using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// Looks at what can still pass: at all active requests when people, groups or absences have changed, shortly
/// afterwards at those that came in between, and at a single one that could not be looked at before.
/// </summary>
public sealed class CheckForBlocked(BlockedRequests standstill, Store store) : IJobHandler
{
    private const string JobKind = "look_for_blocked",
        All = "all",
        Late = "late";

    /// <summary>
    /// A request that was asked of a node which had not heard of a change yet came within this time after it.
    /// </summary>
    private static readonly TimeSpan Straggler = TimeSpan.FromSeconds(10);

    public string Kind => JobKind;
    public TimeSpan MaxRun => TimeSpan.FromMinutes(10);

    public ValueTask<int> AtOnce(Reader reader, string receiver) => new(2);

    /// <summary>In the transaction that changes people, groups or absences.</summary>
    internal static ValueTask MustFollow(Tx tx) => Jobs.Put(tx, new JobToAdd(JobKind, All, JobToAdd.OfHub, tx.Now));

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        if (job.Key is not (All or Late))
        {
            await standstill.LookAt(RequestId.Of(job.Key), DueTimes.Clock, cancel);
            return new JobResult.Done();
        }
        var failed = new List<RequestId>();
        await standstill.Run(DueTimes.Clock, cancel, job.Key == All ? null : store.Now - (3 * Straggler), failed.Add);
        return new JobResult.Done(async tx =>
        {
            if (job.Key == All)
                await Jobs.Put(tx, new JobToAdd(JobKind, Late, JobToAdd.OfHub, tx.Now + Straggler));
            // Alone each says why it can't be looked at, and is tried again.
            foreach (var id in failed)
                await Jobs.Add(tx, new JobToAdd(JobKind, id.Value, id.Subject, tx.Now));
        });
    }
}
