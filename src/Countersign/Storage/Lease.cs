using System.Security.Cryptography;

namespace Countersign.Storage;

/// <summary>
/// Background work that one node does at a time. Whoever holds the lease may work until it ends; a node that dies stops
/// renewing, and any other takes over. The guarded update decides, so two nodes never both win.
/// </summary>
public sealed class Lease(Store store, string name, string holder, TimeSpan length)
{
    /// <summary>A name for one who holds leases: which machine, and which of those that ever ran on it.</summary>
    public static string NewHolder() =>
        $"{Environment.MachineName}:{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";

    /// <summary>True when this node holds the lease now, for <c>length</c> from now.</summary>
    public async Task<bool> TryHold(CancellationToken cancel) =>
        // Looking first keeps nodes that wait their turn from writing.
        await store.Read(
            async reader =>
                Held(await reader.Text("SELECT holder || ' ' || until FROM leases WHERE name = @name", new { name })),
            cancel
        )
            is not Claim.Other
        && await store.InTransaction(
            async tx =>
                await tx.Execute(
                    """
                    INSERT INTO leases (name, holder, until) VALUES (@name, @holder, @until)
                    ON CONFLICT (name) DO UPDATE SET holder = @holder, until = @until
                    WHERE leases.holder = @holder OR leases.until < @now
                    """,
                    new
                    {
                        name,
                        holder,
                        until = tx.Now + length,
                        now = tx.Now,
                    }
                ) == 1,
            cancel
        );

    public Task Release(CancellationToken cancel = default) =>
        store.InTransaction(
            async tx =>
            {
                await tx.Execute("DELETE FROM leases WHERE name = @name AND holder = @holder", new { name, holder });
            },
            cancel
        );

    private enum Claim
    {
        Free,
        Mine,
        Other,
    }

    private Claim Held(string? row)
    {
        if (row is null)
            return Claim.Free;
        var space = row.LastIndexOf(' ');
        return row[..space] == holder ? Claim.Mine
            : Instant.Parse(row[(space + 1)..]) < store.Now ? Claim.Free
            : Claim.Other;
    }
}
