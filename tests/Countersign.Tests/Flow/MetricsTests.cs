using System.Text.RegularExpressions;
using Countersign.Hosting;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>What an operator sees of the engine without looking into the store.</summary>
public sealed partial class MetricsTests
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

    [Theory, BothEngines]
    public async Task What_fails_and_what_waits_for_an_admin_shows_as_figures(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.Store.InTransaction(async tx =>
            await tx.Execute(
                "INSERT INTO endpoints (name, failing_since) VALUES ('webhook:3', @now), ('smtp', NULL)",
                new { now = tx.Now }
            )
        );
        hub.Clock.Advance(TimeSpan.FromMinutes(20));

        var figures = await hub.Store.ReadSnapshot(reader => EngineFigures.Of(reader, hub.Store.Now));

        var failing = Assert.Single(figures.Endpoints);
        Assert.Equal(("webhook:3", TimeSpan.FromMinutes(20)), (failing.Name, failing.Failing));
        Assert.Empty(figures.Destinations);
    }

    [Theory, BothEngines]
    public async Task Backups_that_the_command_line_made_or_could_not_make_show_as_figures(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        Assert.Equal((null, null), await Backup());

        await LastBackup.TryKeep(hub.Place.Options, hub.Clock, isMade: false);
        Assert.Equal((null, true), await Backup());

        await LastBackup.TryKeep(hub.Place.Options, hub.Clock, isMade: true);
        hub.Clock.Advance(TimeSpan.FromHours(7));
        Assert.Equal((TimeSpan.FromHours(7), false), await Backup());

        await LastBackup.TryKeep(hub.Place.Options, hub.Clock, isMade: false);
        Assert.Equal((TimeSpan.FromHours(7), true), await Backup());

        async Task<(TimeSpan?, bool?)> Backup()
        {
            var figures = await hub.Store.ReadSnapshot(reader => EngineFigures.Of(reader, hub.Store.Now));
            return (figures.BackupAge, figures.BackupFailed);
        }
    }

    [Theory, BothEngines]
    public async Task Requests_that_were_opened_and_closed_today_show_as_figures(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.Store.InTransaction(async tx =>
            await tx.Execute(
                """
                INSERT INTO summary_days (audience, dimension, day, value, opened, approved, overridden, rejected,
                  expired, withdrawn, automatic, blocked, times)
                VALUES (0, 'all', @today, 0, 28, 1, 2, 3, 4, 5, 6, 0, ''),
                  (0, 'all', '2001-01-01', 0, 9, 9, 9, 9, 9, 9, 9, 0, '')
                """,
                new { today = Instant.ToText(tx.Now)[..10] }
            )
        );

        var figures = await hub.Store.ReadSnapshot(reader => EngineFigures.Of(reader, hub.Store.Now));

        Assert.Equal(new TodayFigures(28, 1, 2, 3, 4, 5, 6), figures.Today);
    }

    [Fact]
    public async Task Refused_calls_are_counted_by_what_was_wrong()
    {
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("Metrics:Prometheus", "true"),
            ("RateLimit:PerKeyPerMinute", "3")
        );
        using var nobody = host.Nobody();
        using var stranger = host.Person("ann@example.test", "not-a-token");
        for (var call = 0; call < 2; call++)
            Assert.Equal(401, (await nobody.Get("/api/v1/requests")).Status);
        Assert.Equal(401, (await stranger.Get("/api/v1/requests")).Status);
        Assert.Equal(429, (await nobody.Get("/api/v1/requests")).Status);

        var exported = await nobody.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));

        foreach (
            var (rule, status) in new[] { ("no_credentials", 401), ("wrong_credentials", 401), ("rate_limit", 429) }
        )
        {
            Assert.Matches(
                $$"""countersign_refusals_total\{[^}]*rule="{{rule}}",status="{{status}}"[^}]*\} \d""",
                exported
            );
        }
    }

    /// <summary>A figure that no server exports makes an alert that never rings.</summary>
    [Theory]
    [InlineData("alerts.yaml")]
    [InlineData("grafana-dashboard.json")]
    public async Task Dashboard_and_alerts_ask_for_metrics_that_a_running_server_exports(string file)
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("Metrics:Prometheus", "true"));
        await host.Hub.Store.InTransaction(async tx =>
        {
            await Jobs.Add(tx, Stuck with { Due = tx.Now });
            await tx.Execute(
                "INSERT INTO endpoints (name, failures, failing_since) VALUES ('webhook:3', 4, @now)",
                new { now = tx.Now }
            );
            await tx.Execute(
                """
                INSERT INTO destinations (name, name_key, manifest, settings, secrets, created_at)
                VALUES ('Desk', 'desk', '{}', '{}', '', @now)
                """,
                new { now = tx.Now }
            );
            await tx.Execute("INSERT INTO witnesses (witness, epoch, size) VALUES ('friend+1234abcd', 1, 1)");
        });
        await LastBackup.TryKeep(host.Hub.Place.Options, host.Hub.Clock, isMade: true);
        await host.Hub.Ask((await host.Hub.AddPerson("Ann")).AsApprover);
        await host.Services.GetRequiredService<EngineGauges>().Look(default);
        using var scraper = host.Nobody();
        await scraper.Get("/health/live");
        var exported = await scraper.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        await host.Hub.Store.InTransaction(async tx => await tx.Execute("DELETE FROM destinations"));
        var asked = Metric()
            .Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "monitoring", file)))
            .Select(m => m.Value)
            .Distinct()
            .ToList();

        Assert.NotEmpty(asked);
        // Counters of faults are there from the first fault on; that they have these names is seen in the code.
        string[] onlyAfterAFault =
        [
            "countersign_store_unavailable_total",
            "countersign_work_failures_total",
            "countersign_refusals_total",
        ];
        Assert.All(
            asked.Except(onlyAfterAFault),
            name => Assert.Contains($"\n{name}", exported, StringComparison.Ordinal)
        );
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

    [GeneratedRegex(
        @"\b(countersign|http|dotnet)_[a-z_]+\b(?<!http_response_status_code)",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Metric();
}
