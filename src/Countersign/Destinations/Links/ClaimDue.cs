using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>A link that this node may work on until <paramref name="Until"/>, as it was before it was claimed.</summary>
internal sealed record Claim(Link Link, DateTimeOffset Until);

/// <summary>
/// Takes due links of one destination for this node. All nodes together never work on more than <see cref="MostAtATime"/>
/// of them. A link that is to be opened is written down as being sent in this very transaction, before anything leaves.
/// </summary>
internal sealed class ClaimDue(Store store)
{
    public const int MostAtATime = 32;

    /// <summary>Far longer than a call may take, so that whoever finds a claim run out knows that its call is over.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(3);

    /// <summary>Destinations that have something due for anybody.</summary>
    public async ValueTask<IReadOnlyList<long>> Destinations(CancellationToken cancel) => await store.Read(async reader =>
    {
        // A probe of the index for each destination, of which there are few.
        var rows = await reader.All<IdRow>(
            """
            SELECT d.id FROM destinations d WHERE d.paused_at IS NULL
              AND EXISTS (SELECT 1 FROM links l WHERE l.destination_id = d.id AND l.due_at <= @now AND (l.until IS NULL OR l.until < @now))
            """,
            new { now = store.Now });
        return rows.ConvertAll(r => r.Id);
    }, cancel);

    public Task<List<Claim>> Run(long destination, string holder, int most, CancellationToken cancel) => store.InTransaction(async tx =>
    {
        // Nodes take turns at the destination's row, so that they count alike.
        if (await tx.Text($"SELECT name FROM destinations WHERE id = @destination AND paused_at IS NULL{tx.ForUpdate}", new { destination }) is null)
            return [];
        var busy = await tx.Number("SELECT count(*) FROM links WHERE destination_id = @destination AND holder IS NOT NULL AND until >= @now", new { destination, now = tx.Now });
        var room = Math.Min(most, MostAtATime - (int)busy);
        if (room <= 0)
            return [];
        var rows = await tx.All<LinkRow>(
            $"""
            SELECT {LinkRow.Columns} FROM links l WHERE l.destination_id = @destination AND l.due_at <= @now AND (l.until IS NULL OR l.until < @now)
            ORDER BY l.due_at LIMIT @room{tx.ForUpdate}
            """,
            new { destination, now = tx.Now, room });
        var claims = new List<Claim>(rows.Count);
        foreach (var row in rows)
        {
            var link = row.ToLink();
            var sends = link.State == LinkState.New;
            await tx.Execute(
                "UPDATE links SET holder = @holder, until = @until, state = @state WHERE id = @id",
                new { id = link.Id, holder, until = tx.Now + Length, state = LinkRow.Word(sends ? LinkState.Sending : link.State) });
            claims.Add(new Claim(link, tx.Now + Length));
        }
        return claims;
    }, cancel);

    private sealed class IdRow
    {
        public long Id { get; init; }
    }
}
