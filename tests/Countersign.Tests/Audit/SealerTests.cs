using Countersign.Audit;
using Xunit;

namespace Countersign.Tests.Audit;

public sealed class SealerTests
{
    [Theory, BothEngines]
    public async Task A_seal_covers_what_happened_since_the_last_one(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben", "Cid");

        Assert.Equal(3, await recorded.Sealer.SealOnce());
        Assert.Equal(0, await recorded.Sealer.SealOnce());
        await recorded.Hub.AddPeople("Dan");
        Assert.Equal(1, await recorded.Sealer.SealOnce());

        Assert.Equal(["1-3", "4"], await Covered(recorded));
        Assert.True((await recorded.Check()).Ok);
    }

    [Theory, BothEngines]
    public async Task It_never_touches_an_event(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        var before = (await recorded.Hub.Place.Events()).ConvertAll(e => (e.Id, e.N, e.Data, e.Hash));

        await recorded.Sealer.SealAll();

        Assert.Equal(before, (await recorded.Hub.Place.Events()).ConvertAll(e => (e.Id, e.N, e.Data, e.Hash)));
    }

    [Theory, BothEngines]
    public async Task Two_at_once_make_one_chain(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var otherStore = await recorded.Hub.Place.OpenAnother();
        using var other = recorded.NewSealer(otherStore);
        using var third = recorded.NewSealer(recorded.Hub.Store);
        using var stop = new CancellationTokenSource();
        var sealing = new[] { recorded.Sealer, other, third }
            .Select(sealer =>
                Task.Run(async () =>
                {
                    while (!stop.IsCancellationRequested)
                        await sealer.SealOnce();
                })
            )
            .ToList();

        await Task.WhenAll(
                Enumerable
                    .Range(0, 8)
                    .Select(i =>
                        Task.Run(async () =>
                        {
                            for (var n = 0; n < 10; n++)
                                await recorded.Hub.AddPerson($"Person {i} {n}");
                        })
                    )
            )
            .Soon();
        await stop.CancelAsync();
        await Task.WhenAll(sealing).Soon();
        await recorded.Sealer.SealAll();

        var verification = await recorded.Check();
        Assert.True(verification.Ok, verification.Problem);
        Assert.Equal((80, 80, 0), (verification.Events, verification.Sealed, verification.Unsealed));
    }

    [Theory, PostgresOnly]
    public async Task An_event_that_is_committed_after_a_higher_one_was_sealed_goes_into_the_next_seal(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPerson("Ann");
        var (slow, written) = await HoldOpen(recorded, "test:77");
        await recorded.Hub.AddPerson("Ben");

        // Nobody waits for the slow one: not the sealer, and not those who check.
        Assert.Equal(2, await recorded.Sealer.SealOnce().Soon());
        Assert.Equal(0, await recorded.Sealer.SealOnce().Soon());
        Assert.True((await recorded.Check()).Ok);
        slow.SetResult();
        await written.Soon();

        var waiting = await recorded.Check();
        Assert.Equal((true, 1), (waiting.Ok, waiting.Unsealed));
        Assert.Equal(1, await recorded.Sealer.SealOnce());
        Assert.Equal(["1,3", "2"], await Covered(recorded));
        var verification = await recorded.Check();
        Assert.True(verification.Ok, verification.Problem);
        Assert.Equal(0, verification.Unsealed);
    }

    [Theory, PostgresOnly]
    public async Task A_node_that_takes_over_finds_late_events_too_and_ignores_undone_ones(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPerson("Ann");
        var (slow, written) = await HoldOpen(recorded, "test:77");
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            recorded.Hub.Store.InTransaction(async tx =>
            {
                await tx.Append("test:78", Some.Origin, "test.happened", new { });
                throw new InvalidOperationException("Undone.");
            })
        );
        await recorded.Hub.AddPerson("Ben");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPerson("Cid");
        await recorded.Sealer.SealOnce();
        slow.SetResult();
        await written.Soon();

        using var heir = recorded.NewSealer(recorded.Hub.Store);
        Assert.Equal(1, await heir.SealOnce());
        Assert.Equal(0, await heir.SealOnce());

        Assert.Equal(["1,4", "5", "2"], await Covered(recorded));
        Assert.True((await recorded.Check()).Ok);
    }

    [Fact]
    public async Task A_long_backlog_is_sealed_in_batches()
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        for (var i = 0; i < 3; i++)
        {
            await recorded.Hub.Store.InTransaction(async tx =>
            {
                for (var n = 0; n < 2_000; n++)
                    await tx.Append("hub", Some.Origin, "test.happened", new { n });
            });
        }

        Assert.Equal(Seal.MaxEvents, await recorded.Sealer.SealOnce());
        Assert.Equal(1_000, await recorded.Sealer.SealOnce());

        Assert.Equal(["1-5000", "5001-6000"], await Covered(recorded));
        Assert.True((await recorded.Check()).Ok);
    }

    [Fact]
    public async Task After_a_long_chain_a_new_node_goes_on_where_it_ended()
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        for (var n = 0; n < 1_300; n++)
        {
            await recorded.Hub.Store.InTransaction(async tx =>
            {
                await tx.Append("hub", Some.Origin, "test.happened", new { n });
            });
            await recorded.Sealer.SealOnce();
            recorded.Hub.Clock.Advance(TimeSpan.FromSeconds(1));
        }
        await recorded.Hub.AddPerson("Ann");

        using var heir = recorded.NewSealer(recorded.Hub.Store);
        Assert.Equal(1, await heir.SealOnce());

        var verification = await recorded.Check();
        Assert.True(verification.Ok, verification.Problem);
        Assert.StartsWith("1301:", verification.Head, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task With_another_key_nothing_is_sealed(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPerson("Ann");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.AddPerson("Ben");

        using var key = recorded.NewKey("another.key");
        using var stranger = recorded.NewSealer(recorded.Hub.Store, key);
        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => stranger.SealOnce());

        Assert.Contains("RootKeyFile", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["1"], await Covered(recorded));
        Assert.Equal(1, await recorded.Sealer.SealOnce());
    }

    [Theory, BothEngines]
    public async Task While_it_runs_events_are_sealed_by_themselves_and_the_last_ones_when_it_stops(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Sealer.StartAsync(default);
        await recorded.Hub.AddPerson("Ann");
        await Eventually.True(async () => await recorded.Hub.Place.Count("seals") == 1, "the event is sealed");
        await recorded.Hub.AddPerson("Ben");

        await recorded.Sealer.StopAsync(default);

        Assert.Equal(
            (true, 0),
            await recorded.Check() is var verification ? (verification.Ok, verification.Unsealed) : default
        );
        Assert.Equal(0, await recorded.Hub.Place.Count("leases"));
    }

    [Theory, BothEngines]
    public async Task A_sealer_survives_damage_and_others_go_on_working(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPerson("Ann");
        await recorded.Sealer.SealOnce();
        await recorded.Hub.Place.Tamper("UPDATE seals SET signature = 'forged'");
        await recorded.Hub.AddPerson("Ben");

        await Assert.ThrowsAsync<InvalidDataException>(() => recorded.NewSealer(recorded.Hub.Store).SealOnce());

        Assert.Equal(2, await recorded.Hub.Place.Count("events"));
        Assert.False((await recorded.Check()).Ok);
    }

    private static async Task<(TaskCompletionSource Go, Task Written)> HoldOpen(RecordedHub recorded, string subject)
    {
        var (go, appended) = (new TaskCompletionSource(), new TaskCompletionSource());
        var written = recorded.Hub.Store.InTransaction(async tx =>
        {
            await tx.Append(subject, Some.Origin, "test.happened", new { });
            appended.TrySetResult();
            await go.Task;
        });
        await appended.Task.Soon();
        return (go, written);
    }

    private static async Task<List<string>> Covered(RecordedHub recorded) =>
        (
            await recorded.Hub.Store.Read(reader => reader.All<Seal>($"SELECT {Seal.Columns} FROM seals ORDER BY n"))
        ).ConvertAll(s => s.Events);
}
