using Xunit;

namespace Countersign.Tests;

public sealed class SnapshotTests
{
    [Theory, BothEngines]
    public async Task A_snapshot_sees_one_moment_and_holds_up_no_writer(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.AddPerson("Ann");

        var (before, after) = await hub.Store.ReadSnapshot(async reader =>
        {
            var before = await reader.Number("SELECT count(*) FROM people");
            await Task.Run(() => hub.AddPerson("Ben")).Soon();
            return (before, await reader.Number("SELECT count(*) FROM people"));
        });

        Assert.Equal((1, 1), (before, after));
        Assert.Equal(2, await hub.Store.ReadSnapshot(reader => reader.Number("SELECT count(*) FROM people")));
    }

    [Theory, BothEngines]
    public async Task Nothing_is_written_in_a_snapshot(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);

        await Assert.ThrowsAnyAsync<Exception>(async () =>
            await hub.Store.ReadSnapshot(reader => reader.Number("DELETE FROM sources RETURNING id"))
        );

        Assert.Equal(2, await hub.Place.Count("sources"));
    }
}
