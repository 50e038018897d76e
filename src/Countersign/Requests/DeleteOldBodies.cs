using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

/// <summary>
/// The bodies of requests that have been settled for long are let go: what people were shown stays, and so does the
/// digest of the body. An event says up to when, so that a body that is missing for another reason is found.
/// </summary>
public sealed class DeleteOldBodies(Store store, RetentionOptions keep)
{
    public const string Forgotten = "bodies.forgotten";

    private const string Mark = "bodies forgotten";

    /// <summary>Once for each day that ends; how many bodies were let go.</summary>
    public async Task<int> Run(CancellationToken cancel)
    {
        var before = Instant.ToText(new DateTimeOffset((store.Now - keep.Bodies).UtcDateTime.Date, TimeSpan.Zero));
        var done = await store.Read(reader => HubValues.Find(reader, Mark), cancel);
        if (string.CompareOrdinal(done, before) >= 0)
            return 0;
        // Requests lie in the order in which they came, so those that came later are not looked at.
        var (forgotten, after, isTold) = (0, "", false);
        for (var page = await Page(after, before, cancel); page.Count > 0; page = await Page(after, before, cancel))
        {
            after = page[^1].Id;
            var some = await store.InTransaction(tx => Forget(tx, page, before, isTold), cancel);
            (forgotten, isTold) = (forgotten + some, isTold || some > 0);
        }
        await HubValues.Keep(store, new Dictionary<string, string?> { [Mark] = before }, cancel);
        return forgotten;
    }

    private ValueTask<List<Old>> Page(string after, string before, CancellationToken cancel) =>
        store.Read(
            reader =>
                reader.All<Old>(
                    """
                    SELECT r.id FROM requests r
                    WHERE r.id > @after AND r.created_at < @before AND r.settled_at < @before
                      AND EXISTS (SELECT 1 FROM revisions v WHERE v.request_id = r.id AND substr(v.body, 1, 1) <> '')
                    ORDER BY r.id LIMIT 500
                    """,
                    new { after, before }
                ),
            cancel
        );

    private static async ValueTask<int> Forget(Tx tx, List<Old> settled, string before, bool isTold)
    {
        var forgotten = 0;
        foreach (var request in settled)
        {
            forgotten += await tx.Execute(
                "UPDATE revisions SET body = '' WHERE request_id = @id AND substr(body, 1, 1) <> ''",
                new { id = request.Id }
            );
        }
        if (forgotten > 0 && !isTold)
            await tx.Append("hub", new Origin(Actor.Hub, "hub", ""), Forgotten, new { before });
        return forgotten;
    }

    private sealed class Old
    {
        public required string Id { get; init; }
    }
}
