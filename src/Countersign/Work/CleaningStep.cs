using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// One kind of what is thrown away when its time is over. It works in transactions of a few hundred rows, so that other
/// writers get their turn, and may end anywhere: the next round goes on.
/// </summary>
/// <param name="What">For the log, and the key of its job.</param>
/// <param name="Run">How many rows that were.</param>
public sealed record CleaningStep(string What, Func<CancellationToken, Task<int>> Run)
{
    private const int Chunk = 500;

    /// <summary>Deletes rows that are older than <paramref name="kept"/>.</summary>
    /// <param name="sql">Deletes at most <c>@chunk</c> of those up to the time <c>@oldest</c>.</param>
    public static CleaningStep Delete(string what, Store store, TimeSpan kept, string sql) =>
        new(
            what,
            async cancel =>
            {
                for (var deleted = 0; ; )
                {
                    var some = await store.InTransaction(
                        async tx => await tx.Execute(sql, new { oldest = tx.Now - kept, chunk = Chunk }),
                        cancel
                    );
                    deleted += some;
                    if (some < Chunk)
                        return deleted;
                }
            }
        );
}
