using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Insights;

/// <summary>Deletes figures of days that are no longer kept, a day at a time.</summary>
public sealed class OldSummaries(Store store, RetentionOptions keep)
{
    public const string What = "daily figures";

    public async Task<int> Run(CancellationToken cancel)
    {
        var oldest = SummaryRows.DayOf(store.Now - keep.Insights);
        for (var deleted = 0; ; )
        {
            var some = await store.InTransaction(tx => DeleteOne(tx, oldest), cancel);
            if (some == 0)
                return deleted;
            deleted += some;
        }
    }

    private static async ValueTask<int> DeleteOne(Tx tx, string oldest)
    {
        var deleted = 0;
        foreach (var table in new[] { "summary_days", "summary_reviews" })
        {
            deleted += await tx.Execute(
                $"DELETE FROM {table} WHERE day = (SELECT min(day) FROM {table} WHERE day < @oldest)",
                new { oldest }
            );
        }
        return deleted;
    }
}
