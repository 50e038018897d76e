using System.Globalization;
using Countersign.Requests;
using Countersign.Tests.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests;

/// <summary>What a request leaves in the store once it is settled, every table and index included.</summary>
public sealed class RequestCostTests
{
    private const int Requests = 600;
    private const int Few = 100;
    private const int MaxBytes = 8 * 1024;

    [Theory, BothEngines]
    public async Task A_request_that_LaunchDarkly_sent_and_a_person_approved_takes_at_most_8_KB(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var host = await LaunchDarklyHost.Start(engine);
        var place = host.Hub.Place;
        await Settle(host, 0, Few);
        var (rowsBefore, bytesBefore) = (await Rows(place), await Bytes(place));

        await Settle(host, Few, Requests);

        var (rows, bytes) = (await Rows(place), await Bytes(place));
        var written = rows.Where(table => table.Value - rowsBefore[table.Key] >= Requests)
            .ToDictionary(table => table.Key, table => (table.Value - rowsBefore[table.Key]) / (double)Requests);
        var taken = bytes.ToDictionary(
            item => item.Key,
            item => (item.Value - bytesBefore.GetValueOrDefault(item.Key)) / Requests
        );
        var counts = written.Select(table =>
            string.Create(CultureInfo.InvariantCulture, $"{table.Key} {table.Value:0.00}")
        );
        var largest = taken.Where(item => item.Value > 0).OrderByDescending(item => item.Value);
        var report = $"""
            Rows: {string.Join(", ", counts)}
            Bytes: {string.Join(", ", largest.Select(item => $"{item.Key} {item.Value}"))}
            """;
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        Assert.True(taken.Values.Sum() <= MaxBytes, $"{taken.Values.Sum()} bytes.\n{report}");
    }

    private static async Task Settle(LaunchDarklyHost host, int from, int count)
    {
        for (var i = from; i < from + count; i++)
        {
            var id = i.ToString("x24", CultureInfo.InvariantCulture);
            Assert.Equal(201, (await host.Side.Create(LaunchDarklySide.Body(id))).Status);
            Assert.IsType<DecideOutcome.Settled>(await host.Approve(host.People[0], id));
        }
    }

    private static async Task<Dictionary<string, long>> Rows(TestStore place)
    {
        var tables = await place.Store.Read(r =>
            r.All<Sized>(
                place.Engine == Engine.Sqlite
                    ? "SELECT name, 0 AS bytes FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                    : "SELECT tablename AS name, 0 AS bytes FROM pg_tables WHERE schemaname = 'public'"
            )
        );
        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in tables)
            rows[table.Name] = await place.Count(table.Name);
        return rows;
    }

    /// <summary>By table and index, without what changed rows leave behind on PostgreSQL.</summary>
    private static async Task<Dictionary<string, long>> Bytes(TestStore place)
    {
        if (place.Engine == Engine.Postgres)
        {
            await using var connection = await place.OpenRaw();
            await using var vacuum = connection.CreateCommand();
            vacuum.CommandText = "VACUUM FULL";
            await vacuum.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        var sizes = await place.Store.Read(r =>
            r.All<Sized>(
                place.Engine == Engine.Sqlite
                    ? "SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name"
                    : """
                    SELECT c.relname::text AS name,
                      pg_total_relation_size(c.oid) - CASE c.relkind WHEN 'r' THEN pg_indexes_size(c.oid)
                      ELSE 0 END AS bytes
                    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')
                    """
            )
        );
        return sizes.ToDictionary(size => size.Name, size => size.Bytes, StringComparer.Ordinal);
    }

    private sealed class Sized
    {
        public required string Name { get; init; }
        public long Bytes { get; init; }
    }
}
