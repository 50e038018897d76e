using Countersign.Audit;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Witnessing;

/// <summary>The witnesses of this hub's log, for those who wait for their cosignatures.</summary>
public sealed class Witnesses(Store store, ProofOptions proof)
{
    /// <summary>Callers that wait ask again and again; the store is told this often at most.</summary>
    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(2);
    private readonly Lock _one = new();
    private DateTimeOffset _told = DateTimeOffset.MinValue;

    public bool Any => proof.Witnesses.Count > 0;

    /// <summary>
    /// For a receipt that waits: the witnesses are asked as soon as the newest events are signed, each at most every
    /// ten seconds. Returns at once; <see cref="ProofOf.Event(long, CancellationToken)"/> shows what has come.
    /// </summary>
    public async Task AskSoon(CancellationToken cancel = default)
    {
        var now = store.Now;
        lock (_one)
        {
            if (!Any || (now - _told).Duration() < MinPause)
                return;
            _told = now;
        }
        await store.InTransaction(
            async tx =>
            {
                foreach (var witness in proof.Witnesses)
                {
                    var row = await WitnessRow.Find(tx, witness.Id);
                    await WitnessRow.Want(tx, witness.Id);
                    await Jobs.Hurry(tx, AskWitness.KindOfJob, witness.Id, Due(row, tx.Now));
                }
            },
            cancel
        );
    }

    private static DateTimeOffset Due(WitnessRow? row, DateTimeOffset now)
    {
        var due = now;
        if (row?.AskedAt is { } asked && Instant.Parse(asked) + AskWitness.MinPause is var next && next > due)
            due = next;
        if (row?.RetryAt is { } retry && Instant.Parse(retry) is var at && at > due)
            due = at;
        return due;
    }
}
