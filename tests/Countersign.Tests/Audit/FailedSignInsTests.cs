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
        await using var hub = await TestHub.Start(engine);
        await hub.AddPeople("Ann", "Ben");
        var place = hub.Place;
        using var directory = new Countersign.People.PeopleDirectory(hub.Store);
        using var failures = await Of(hub, directory);
        for (var i = 0; i < 100; i++)
            failures.Note("Ann@Example.test ", "10.0.0.1", "page");
        failures.Note("ann@example.test", "10.0.0.2", "page");
        failures.Note("ben@example.test", "10.0.0.1", "api");

        await failures.FlushOnce(place.Clock.Now);
        Assert.Empty(await Failed(place));

        place.Clock.Advance(Minute);
        failures.Note("ann@example.test", "10.0.0.1", "page");
        await failures.FlushOnce(place.Clock.Now);
        Assert.Equal(
            [
                ("ann@example.test", 100, "10.0.0.1", "page"),
                ("ann@example.test", 1, "10.0.0.2", "page"),
                ("ben@example.test", 1, "10.0.0.1", "api"),
            ],
            (await Failed(place)).ConvertAll(Told)
        );

        place.Clock.Advance(Minute);
        await failures.FlushOnce(place.Clock.Now);
        await failures.FlushOnce(place.Clock.Now);
        var last = (await Failed(place))[3..];
        Assert.Equal(("ann@example.test", 1, "10.0.0.1", "page"), Told(Assert.Single(last)));
        Assert.Equal(("sign_in.failed", "hub"), (last[0].Kind, last[0].Actor));
        Assert.Contains("\"minute\":\"2026-03-04T05:07Z\"", last[0].Data, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Ten_thousand_made_up_accounts_are_one_event_per_address_and_minute(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.AddPerson("Ann");
        using var directory = new Countersign.People.PeopleDirectory(hub.Store);
        using var failures = await Of(hub, directory);
        for (var i = 0; i < 10_000; i++)
            failures.Note($"{i}@example.test", $"2001:db8:1:2::{i % 5_000:x}", "page");
        failures.Note(Some.Email("Ann"), "2001:db8:1:2::1", "page");
        failures.Note("a secret typed in the wrong field\r\n\0\ud800", "10.0.0.1", "api");

        hub.Clock.Advance(Minute);
        await failures.FlushOnce(hub.Clock.Now);

        Assert.Equal(
            [
                (FailedSignIns.Unknown, 1, "10.0.0.1", "api"),
                (FailedSignIns.Unknown, 10_000, "2001:db8:1:2::/64", "page"),
                ("ann@example.test", 1, "2001:db8:1:2::/64", "page"),
            ],
            (await Failed(hub.Place)).ConvertAll(Told)
        );
    }

    [Fact]
    public async Task An_address_and_a_minute_have_a_bounded_number_of_events()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        for (var i = 0; i < FailedSignIns.MaxAccountsPerAddress + 5; i++)
            await hub.AddPerson($"P{i}");
        using var directory = new Countersign.People.PeopleDirectory(hub.Store);
        using var failures = await Of(hub, directory);
        for (var i = 0; i < FailedSignIns.MaxAccountsPerAddress + 5; i++)
            failures.Note(Some.Email($"P{i}"), "10.0.0.1", "page");
        for (var i = 0; i < 5_000; i++)
            failures.Note("x", $"10.1.{i / 250}.{i % 250}", "page");

        hub.Clock.Advance(Minute);
        await failures.FlushOnce(hub.Clock.Now);

        var events = (await Failed(hub.Place)).ConvertAll(Told);
        Assert.Equal(FailedSignIns.MaxPerMinute + 1, events.Count);
        Assert.Contains((FailedSignIns.Others, 5, "10.0.0.1", "page"), events);
        Assert.Equal(5_000 + FailedSignIns.MaxAccountsPerAddress + 5, events.Sum(e => e.Count));
    }

    [Theory, BothEngines]
    public async Task What_was_counted_is_written_when_the_hub_stops(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.AddPerson("Ann");
        var place = hub.Place;
        using var directory = new Countersign.People.PeopleDirectory(hub.Store);
        using var failures = await Of(hub, directory);
        await failures.StartAsync(default);
        failures.Note("ann@example.test", "10.0.0.1", "page");

        await failures.StopAsync(default);

        Assert.Equal(("ann@example.test", 1, "10.0.0.1", "page"), Told(Assert.Single(await Failed(place))));
    }

    [Theory, PostgresOnly]
    public async Task What_could_not_be_written_is_written_later(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.AddPerson("Ann");
        var place = hub.Place;
        using var directory = new Countersign.People.PeopleDirectory(hub.Store);
        using var failures = await Of(hub, directory);
        failures.Note("ann@example.test", "10.0.0.1", "page");
        place.Clock.Advance(Minute);
        await PostgresServer.AllowConnections(place.Options.Database!, allow: false);
        await PostgresServer.EndConnections(place.Options.Database!);
        await Assert.ThrowsAsync<StoreUnavailable>(() => failures.FlushOnce(place.Clock.Now));
        await PostgresServer.AllowConnections(place.Options.Database!, allow: true);

        await failures.FlushOnce(place.Clock.Now);

        Assert.Single(await Failed(place));
    }

    private static async Task<FailedSignIns> Of(TestHub hub, Countersign.People.PeopleDirectory directory)
    {
        await directory.Refresh();
        return new FailedSignIns(hub.Store, directory, NullLogger<FailedSignIns>.Instance);
    }

    private static async Task<List<StoredEvent>> Failed(TestStore place) =>
        [.. (await place.Events("hub")).Where(e => e.Kind == "sign_in.failed")];

    private static (string Account, int Count, string Address, string Via) Told(StoredEvent e)
    {
        using var data = JsonDocument.Parse(e.Data);
        return (
            data.RootElement.GetProperty("account").GetString()!,
            data.RootElement.GetProperty("count").GetInt32(),
            e.Address,
            e.Via
        );
    }
}
