using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// Requests from before they were found by their details get their terms, the newest first, in transactions of a
/// few, so that other writers get their turn. Each run does a part; where it ended stands in the store, so that a
/// server which ends in between leaves the rest to the next one.
/// </summary>
public sealed class IndexTerms(Store store) : IJobHandler
{
    private const string Mark = "terms indexed down to";
    private const int Chunk = 100;
    private const int ChunksPerRun = 50;

    public string Kind => "index_terms";
    public TimeSpan MaxRun => TimeSpan.FromMinutes(5);
    public string WhyNotDiscard => "Without it, searching doesn't find older requests by their details. Retry it.";

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        for (var i = 0; i < ChunksPerRun; i++)
        {
            if (!await store.InTransaction(Next, cancel))
                return new JobResult.Done(tx => HubValues.Set(tx, Mark, null));
        }
        return new JobResult.Again(store.Now);
    }

    /// <summary>Whether there is more.</summary>
    private static async ValueTask<bool> Next(Tx tx)
    {
        var at = await HubValues.Find(tx, Mark);
        if (await RequestTerms.AddOlder(tx, at, Chunk) is not { } end)
            return false;
        await HubValues.Set(tx, Mark, end);
        return true;
    }
}
