using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Destinations.Links;

/// <summary>Links that one node may work on until <paramref name="Until"/>, as they were before they were claimed.</summary>
internal sealed record Claim(string Holder, DateTimeOffset Until, IReadOnlyList<Link> Links);

/// <summary>
/// Takes due links of one destination for this node. All nodes together never work on more than <see cref="MostAtATime"/>
/// of them. A link that is to be opened is written down as being sent in this very transaction, before anything leaves.
/// </summary>
internal sealed class ClaimDue(Store store)
{
    public const int MostAtATime = 32;

    /// <summary>Far longer than a call may take, so that whoever finds a claim run out knows that its call is over.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(3);

    /// <summary>Those of these destinations that have something due for anybody.</summary>
    public ValueTask<List<long>> Due(IReadOnlyList<long> destinations, CancellationToken cancel) => store.Read(async reader =>
    {
        var due = new List<long>();
        foreach (var id in destinations)
        {
            if (await reader.Number("SELECT count(*) FROM (SELECT 1 FROM links WHERE destination_id = @id AND due_at <= @now AND (until IS NULL OR until < @now) LIMIT 1) AS one", new { id, now = store.Now }) > 0)
                due.Add(id);
        }
        return due;
    }, cancel);

    public Task<Claim> Run(long destination, string holder, int most, CancellationToken cancel) =>
        store.InTransaction(tx => Take(tx, destination, holder, most, tx.Now + Length), cancel);

    /// <param name="until">Another moment for every claim of this holder, since it tells them apart.</param>
    public static async ValueTask<Claim> Take(Tx tx, long destination, string holder, int most, DateTimeOffset until)
    {
        var nothing = new Claim(holder, until, []);
        // Nodes take turns at the destination's row, so that they count alike.
        if (await tx.Text($"SELECT name FROM destinations WHERE id = @destination AND paused_at IS NULL{tx.ForUpdate}", new { destination }) is null)
            return nothing;
        var busy = (await tx.First<BusyRow>(
            """
            SELECT count(*) AS at_all, count(CASE WHEN holder <> @holder THEN 1 END) AS elsewhere
            FROM links WHERE destination_id = @destination AND holder IS NOT NULL AND until >= @now
            """,
            new { destination, holder, now = tx.Now }))!;
        // A node that is alone at it counts its calls itself and may have claimed more than are under way.
        var room = busy.Elsewhere == 0 ? most : Math.Min(most, MostAtATime - (int)busy.AtAll);
        if (room <= 0)
            return nothing;
        // Whoever claimed these before stopped while it was opening them: afterwards they would look like those that are opened now.
        var stopped = await tx.All<IdRow>("SELECT id FROM links WHERE destination_id = @destination AND holder IS NOT NULL AND until < @now AND state = 'sending'", new { destination, now = tx.Now });
        var claimed = await tx.Execute(
            $"""
            UPDATE links SET holder = @holder, until = @until, state = CASE state WHEN 'new' THEN 'sending' ELSE state END WHERE id IN (
              SELECT id FROM links WHERE destination_id = @destination AND due_at <= @now AND (until IS NULL OR until < @now) ORDER BY due_at LIMIT @room{tx.ForUpdate})
            """,
            new { destination, holder, until, now = tx.Now, room });
        if (claimed == 0)
            return nothing;
        var rows = await tx.All<LinkRow>($"SELECT {LinkRow.Columns} FROM links l WHERE {Of} ORDER BY l.due_at", new { destination, holder, until });
        var links = new List<Link>(rows.Count);
        foreach (var row in rows)
        {
            if (await Read(tx, row) is { } link)
                links.Add(link.State == LinkState.Sending && !stopped.Exists(s => s.Id == link.Id) ? link with { State = LinkState.New } : link);
        }
        return new Claim(holder, until, links);
    }

    /// <summary>A row that cannot be read is set aside, or none behind it would ever be claimed.</summary>
    private static async ValueTask<Link?> Read(Tx tx, LinkRow row)
    {
        try
        {
            return row.ToLink();
        }
        catch (FormatException unreadable)
        {
            await tx.Execute("UPDATE links SET due_at = NULL, holder = NULL, until = NULL WHERE id = @id", new { id = row.Id });
            await FailedWork.SetAside(tx, FailedWork.Link, row.Id.ToString(CultureInfo.InvariantCulture), $"request:{row.RequestId}", unreadable);
            return null;
        }
    }

    /// <summary>The links of one claim.</summary>
    internal const string Of = "l.destination_id = @destination AND l.until = @until AND l.holder = @holder";

    private sealed class IdRow
    {
        public long Id { get; init; }
    }

    private sealed class BusyRow
    {
        public long AtAll { get; init; }
        public long Elsewhere { get; init; }
    }
}
