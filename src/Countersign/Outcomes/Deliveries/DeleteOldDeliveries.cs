using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>
/// What is done is kept for a while to be looked at (<c>Retention:Deliveries</c>); the record of what happened is
/// elsewhere and stays.
/// </summary>
public sealed class ForgetDeliveries(Store store, RetentionOptions keep)
{
    /// <summary>Rows per transaction, so that other writers get their turn.</summary>
    private const int Chunk = 200;

    /// <summary>How many were forgotten.</summary>
    public async Task<int> Run(CancellationToken cancel)
    {
        var (forgotten, after) = (0, 0L);
        while (true)
        {
            var (some, last) = await store.InTransaction(
                async tx =>
                {
                    var oldest = tx.Now - keep.Deliveries;
                    var rows = await tx.All<Done>(
                        "SELECT id, state, created_at FROM deliveries WHERE id > @after ORDER BY id LIMIT @most",
                        new { after, most = Chunk }
                    );
                    var old = rows.Where(r => string.CompareOrdinal(r.CreatedAt, Instant.ToText(oldest)) < 0).ToList();
                    var done = old.Where(r => r.State is not ("due" or "waiting")).ToList();
                    foreach (var row in done)
                    {
                        await tx.Execute("DELETE FROM attempts WHERE delivery_id = @id", new { id = row.Id });
                        await tx.Execute("DELETE FROM deliveries WHERE id = @id", new { id = row.Id });
                    }
                    return (done.Count, old.Count < rows.Count || rows.Count == 0 ? -1 : rows[^1].Id);
                },
                cancel
            );
            forgotten += some;
            if (last < 0)
                return forgotten;
            after = last;
        }
    }

    private sealed class Done
    {
        public long Id { get; init; }
        public required string State { get; init; }
        public required string CreatedAt { get; init; }
    }
}
