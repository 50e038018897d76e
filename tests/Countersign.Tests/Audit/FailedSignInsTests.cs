using System.Text.Json;
using Countersign.Audit;
using Countersign.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Audit;

public sealed class FailedSignInsTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Theory, BothEngines]
    public async Task One_event_per_account_address_and_minute(Engine engine)
    {
        await using var place = await TestStore.Start(engine);
        using var failures = Of(place);
        for (var i = 0; i < 100; i++)
            failures.Note("Ann@Example.test ", "10.0.0.1", "page");
        failures.Note("ann@example.test", "10.0.0.2", "page");
        failures.Note("ben@example.test", "10.0.0.1", "api");

        await failures.FlushOnce(place.Clock.Now);
        Assert.Empty(await place.Events());

        place.Clock.Advance(Minute);
        failures.Note("ann@example.test", "10.0.0.1", "page");
        await failures.FlushOnce(place.Clock.Now);
        Assert.Equal(
            [("ann@example.test", 100, "10.0.0.1", "page"), ("ann@example.test", 1, "10.0.0.2", "page"), ("ben@example.test", 1, "10.0.0.1", "api")],
            (await place.Events("hub")).ConvertAll(Told));

        place.Clock.Advance(Minute);
        await failures.FlushOnce(place.Clock.Now);
        await failures.FlushOnce(place.Clock.Now);
        var last = (await place.Events("hub"))[3..];
        Assert.Equal(("ann@example.test", 1, "10.0.0.1", "page"), Told(Assert.Single(last)));
        Assert.Equal(("sign_in.failed", "hub"), (last[0].Kind, last[0].Actor));
        Assert.Contains("\"minute\":\"2026-03-04T05:07Z\"", last[0].Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_pairs_than_are_kept_apart_are_counted_together()
    {
        await using var place = await TestStore.Start(Engine.Sqlite);
        using var failures = Of(place);
        for (var i = 0; i < FailedSignIns.MostPairs + 50; i++)
            failures.Note($"{i}@example.test", "10.0.0.1", "page");
        failures.Note("1@example.test", "10.0.0.1", "page");

        place.Clock.Advance(Minute);
        await failures.FlushOnce(place.Clock.Now);

        var events = (await place.Events("hub")).ConvertAll(Told);
        Assert.Equal(FailedSignIns.MostPairs + 1, events.Count);
        Assert.Contains((FailedSignIns.Others, 50, "", "page"), events);
        Assert.Contains(("1@example.test", 2, "10.0.0.1", "page"), events);
    }

    [Fact]
    public async Task What_a_stranger_typed_is_one_line_of_bounded_text()
    {
        await using var place = await TestStore.Start(Engine.Sqlite);
        using var failures = Of(place);
        failures.Note("a\r\nb\0\u0085c\ud800", "10.0.0.1", "page");
        failures.Note(new string('x', 300), "10.0.0.1", "page");

        place.Clock.Advance(Minute);
        await failures.FlushOnce(place.Clock.Now);

        var accounts = (await place.Events("hub")).ConvertAll(e => Told(e).Account);
        Assert.Equal(["a\ufffd\ufffdb\ufffd\ufffdc\ufffd", new string('x', 254)], accounts);
    }

    [Theory, BothEngines]
    public async Task What_was_counted_is_written_when_the_hub_stops(Engine engine)
    {
        await using var place = await TestStore.Start(engine);
        using var failures = Of(place);
        await failures.StartAsync(default);
        failures.Note("ann@example.test", "10.0.0.1", "page");

        await failures.StopAsync(default);

        Assert.Equal(("ann@example.test", 1, "10.0.0.1", "page"), Told(Assert.Single(await place.Events("hub"))));
    }

    [Theory, PostgresOnly]
    public async Task What_could_not_be_written_is_written_later(Engine engine)
    {
        await using var place = await TestStore.Start(engine);
        using var failures = Of(place);
        failures.Note("ann@example.test", "10.0.0.1", "page");
        place.Clock.Advance(Minute);
        await PostgresServer.AllowConnections(place.Options.Database!, allow: false);
        await PostgresServer.EndConnections(place.Options.Database!);
        await Assert.ThrowsAsync<StoreUnavailable>(() => failures.FlushOnce(place.Clock.Now));
        await PostgresServer.AllowConnections(place.Options.Database!, allow: true);

        await failures.FlushOnce(place.Clock.Now);

        Assert.Single(await place.Events("hub"));
    }

    private static FailedSignIns Of(TestStore place) => new(place.Store, NullLogger<FailedSignIns>.Instance);

    private static (string Account, int Count, string Address, string Via) Told(StoredEvent e)
    {
        using var data = JsonDocument.Parse(e.Data);
        return (data.RootElement.GetProperty("account").GetString()!, data.RootElement.GetProperty("count").GetInt32(), e.Address, e.Via);
    }
}
