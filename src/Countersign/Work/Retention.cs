using Countersign.Storage;

namespace Countersign.Work;

/// <summary>How long everything is kept that would otherwise grow for ever: the settings <c>Retention:…</c>.</summary>
public sealed record Retention
{
    /// <summary>Deliveries that are done, and their attempts.</summary>
    public TimeSpan Deliveries { get; init; } = TimeSpan.FromDays(30);

    /// <summary>That a link from a mail was used; at least as long as such a link could be used.</summary>
    public TimeSpan UsedLinks { get; init; } = TimeSpan.FromDays(30);

    /// <summary>For how long a repeated call gets the first answer.</summary>
    public TimeSpan IdempotencyKeys { get; init; } = LeastIdempotencyKeys;

    /// <summary>What sources sent that could not be read.</summary>
    public TimeSpan RejectedBodies { get; init; } = TimeSpan.FromDays(90);

    /// <summary>Which chat messages tell of a request, once it is settled.</summary>
    public TimeSpan ChatMessages { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The bodies of settled requests as they came; their facts and digests stay.</summary>
    public TimeSpan Bodies { get; init; } = TimeSpan.FromDays(365);

    /// <summary>Background work that was set aside.</summary>
    public TimeSpan SetAsideWork { get; init; } = TimeSpan.FromDays(90);

    /// <summary>Clients rely on this much, and links that decide are good for that long.</summary>
    public static readonly TimeSpan LeastIdempotencyKeys = TimeSpan.FromHours(24),
        LeastUsedLinks = TimeSpan.FromDays(3);
}

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
