using Countersign.Hosting;
using Countersign.Work;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>What an operator sees of the engine without looking into the store.</summary>
public sealed class MetricsTests
{
    private static readonly JobToAdd Stuck = new("no_such_kind", "1", "hub", DateTimeOffset.MinValue);

    [Theory, BothEngines]
    public async Task Queue_log_seals_and_waiting_requests_show_as_figures(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        await hub.Ask(ann.AsApprover);
        await hub.Store.InTransaction(async tx => await Jobs.Add(tx, Stuck with { Due = tx.Now }));
        await hub.Store.GivePositions();
        hub.Clock.Advance(TimeSpan.FromHours(3));

        var figures = await hub.Store.ReadSnapshot(reader => EngineFigures.Of(reader, hub.Store.Now));

        var stuck = Assert.Single(figures.Jobs, j => j.Kind == Stuck.Kind);
        Assert.Equal((1, 1, 0, 0), (stuck.Waiting, stuck.Due, stuck.Running, stuck.SetAside));
        Assert.Equal(TimeSpan.FromHours(3), stuck.Overdue);
        Assert.Equal(TimeSpan.FromHours(3), figures.OldestPending);
        var events = await hub.Place.Count("events");
        Assert.Equal((events, TimeSpan.FromHours(3)), (figures.Unsealed, figures.SealLag));
        Assert.All(figures.Followers, f => Assert.Equal(events, f.Behind));
        Assert.NotEmpty(figures.Followers);

        await hub.Store.InTransaction(async tx =>
            await tx.Execute("UPDATE jobs SET state = 'dead' WHERE kind = 'no_such_kind'")
        );
        Assert.Equal(1, (await hub.Store.ReadSnapshot(reader => EngineFigures.Of(reader, hub.Store.Now))).SetAside);
    }

    [Fact]
    public async Task Prometheus_reads_them_where_it_is_switched_on_and_nowhere_else()
    {
        await using var off = await ApiHost.Start(Engine.Sqlite);
        using (var nobody = off.Nobody())
            Assert.Equal(404, (await nobody.Get("/metrics")).Status);

        await using var on = await ApiHost.Start(Engine.Sqlite, ("Metrics:Prometheus", "true"));
        await on.Hub.Store.InTransaction(async tx => await Jobs.Add(tx, Stuck with { Due = tx.Now }));
        await on.Services.GetRequiredService<EngineGauges>().Look(default);
        using var scraper = on.Nobody();
        await scraper.Get("/health/live");
        var text = await scraper.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        foreach (
            var name in new[]
            {
                "countersign_jobs_due",
                "countersign_jobs_overdue_seconds",
                "countersign_log_behind",
                "countersign_seal_lag_seconds",
                "countersign_directory_age_seconds",
                "countersign_store_write_batch",
                "countersign_store_transaction_duration_milliseconds",
                "http_server_request_duration_seconds",
                "dotnet_gc_collections",
            }
        )
        {
            Assert.Contains(name, text, StringComparison.Ordinal);
        }
        Assert.Contains($"kind=\"{Stuck.Kind}\"", text, StringComparison.Ordinal);
    }
}
