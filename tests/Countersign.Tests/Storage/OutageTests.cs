using Countersign.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Countersign.Tests;

/// <summary>What the log says of a store that can't serve: little, however many callers there are.</summary>
public sealed class OutageTests
{
    [Fact]
    public void It_is_logged_when_it_begins_once_a_minute_and_when_it_ends()
    {
        var clock = new TestClock();
        using var log = new Overheard();
        var outage = new Outage("written", log.CreateLogger("store"), clock);
        outage.Succeeded();
        for (var second = 0; second < 150; second++)
        {
            for (var caller = 0; caller < 100; caller++)
                outage.Failed("The disk that holds the store is full.");
            // Now and then one gets through.
            outage.Succeeded();
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        clock.Advance(TimeSpan.FromSeconds(5));
        outage.Succeeded();
        outage.Succeeded();
        Assert.Equal(
            [
                "The store can't be written: The disk that holds the store is full.",
                "The store can't be written since 60 s; 6001 calls failed: The disk that holds the store is full.",
                "The store can't be written since 120 s; 12001 calls failed: The disk that holds the store is full.",
                "The store can be written again; for 149 s it couldn't, and 15000 calls failed",
            ],
            log.Lines.Where(line => line.Contains("The store can", StringComparison.Ordinal))
                .Where(line => !line.StartsWith("trace ", StringComparison.Ordinal))
                .Select(line => line[(line.IndexOf("The store", StringComparison.Ordinal))..])
                .Select(line => line[..line.IndexOf(" [", StringComparison.Ordinal)])
        );
    }

    [Theory, BothEngines]
    public async Task A_store_that_is_away_makes_a_handful_of_lines_for_any_number_of_calls(Engine engine)
    {
        using var log = new Overheard();
        await using var api = await ApiHost.Start(engine, log);
        using var source = api.Source(await api.Hub.AddSource("Shop"));
        Assert.Equal(201, (await Submit()).Status);
        // The server's store was opened by the test, and logs nothing.
        using var logs = LoggerFactory.Create(logging => logging.AddProvider(log));
        await using var store = await Store.Open(api.Hub.Place.Options, api.Hub.Clock, logs.CreateLogger<Store>());
        if (engine == Engine.Postgres)
            await TakeAway(api.Hub.Place);
        for (var n = 1; n <= 40; n++)
        {
            if (engine == Engine.Sqlite)
                await FillDisk(api.Hub.Store, store);
            Assert.Equal(503, (await Submit()).Status);
            await Assert.ThrowsAsync<StoreUnavailable>(() => Fill(store));
        }

        var loud = log
            .Lines.Where(line => LoudLevels.Any(level => line.StartsWith(level, StringComparison.Ordinal)))
            .ToList();
        Assert.Contains(loud, line => line.Contains("The store can't be written", StringComparison.Ordinal));
        Assert.True(loud.Count <= 4, string.Join('\n', loud));
        if (engine == Engine.Postgres)
            await PostgresServer.AllowConnections(api.Hub.Place.Options.Database!, true);
        api.Hub.Place.IsTampered = true;

        Task<ApiAnswer> Submit() =>
            source.Post("/api/v1/requests", new { subject = "A change", message = new string('x', 90_000) });
    }

    private static readonly string[] LoudLevels = ["Warning", "Error", "Critical"];

    private static Task Fill(Store store) =>
        store.InTransaction(async tx =>
        {
            await tx.Execute(
                "INSERT INTO hub (name, value) SELECT 'filler ' || count(*), @value FROM hub",
                new { value = new string('x', 50_000) }
            );
        });

    /// <summary>Until the next failure, after which SQLite's file is opened anew.</summary>
    private static async Task FillDisk(params Store[] stores)
    {
        foreach (var store in stores)
            await store.InTransaction(async tx => await tx.Number("PRAGMA max_page_count = 1"));
    }

    private static async Task TakeAway(TestStore place)
    {
        await PostgresServer.AllowConnections(place.Options.Database!, false);
        await PostgresServer.EndConnections(place.Options.Database!);
    }
}
