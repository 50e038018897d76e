namespace Countersign.Storage;

/// <summary>One step of the schema as a store has it.</summary>
public sealed class AppliedMigration
{
    public long Number { get; init; }
    public required string Name { get; init; }
    public required string Checksum { get; init; }
    public required string At { get; init; }
}

/// <summary>What can be seen of a store without changing anything in it, not even its tables.</summary>
/// <param name="Engine">For people, as <see cref="Store.Description"/>.</param>
/// <param name="DatabaseAhead">By how much the database's clock is ahead of ours; null where it is the same
/// clock.</param>
/// <param name="SetAside">Pieces of background work that failed for good and wait for an admin.</param>
/// <param name="Strangers">Steps that this program does not know, or knows otherwise.</param>
public sealed record Inspection(
    string Engine,
    IReadOnlyList<AppliedMigration> Applied,
    IReadOnlyList<string> Pending,
    IReadOnlyList<string> Strangers,
    TimeSpan? DatabaseAhead,
    DateTimeOffset? LastEventAt,
    long People,
    long Admins,
    long SetAside = 0
)
{
    public bool IsNewer { get; init; }

    public static async Task<Inspection> Of(StoreOptions options, TimeProvider time, CancellationToken cancel)
    {
        await using var store = Store.OpenAsIs(options, time);
        return await store.Read(reader => Look(reader, store, time), cancel);
    }

    private static async ValueTask<Inspection> Look(Reader reader, Store store, TimeProvider time)
    {
        var engine = store.IsSqlite ? store.Description : $"PostgreSQL {await reader.Text("SHOW server_version")}";
        var ahead = store.IsSqlite ? (TimeSpan?)null : await Ahead(reader, time);
        var schema = await Schema.Of(reader, store.IsSqlite ? "sqlite" : "postgres");
        var (applied, pending, strangers) = (schema.Applied, schema.Pending, schema.Strangers);
        if (applied.Count == 0)
            return new Inspection(engine, applied, pending, strangers, ahead, null, 0, 0);
        var last = await reader.Text("SELECT at FROM events ORDER BY id DESC LIMIT 1");
        return new Inspection(
            engine,
            applied,
            pending,
            strangers,
            ahead,
            last is null ? null : Instant.Parse(last),
            await reader.Number("SELECT count(*) FROM people WHERE role <> 'service'"),
            await reader.Number("SELECT count(*) FROM people WHERE role = 'admin' AND disabled_at IS NULL"),
            pending.Any(p => p.EndsWith("_jobs", StringComparison.Ordinal))
                ? 0
                : await reader.Number("SELECT count(*) FROM jobs WHERE state = 'dead'")
        )
        {
            IsNewer = schema.IsNewer,
        };
    }

    private static async ValueTask<TimeSpan> Ahead(Reader reader, TimeProvider time)
    {
        var before = time.GetUtcNow();
        var theirs = Instant.Parse(
            (
                await reader.Text(
                    "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
                )
            )!
        );
        var after = time.GetUtcNow();
        // Half of the way there and back is the best guess for when the database looked at its clock.
        return theirs - (before + ((after - before) / 2));
    }
}
