using Countersign.People;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>Workers hear of news once, and nobody who commits is hurt by a worker that has gone.</summary>
public sealed class WakeSignalTests
{
    [Fact]
    public async Task It_rings_once_however_often_it_was_rung()
    {
        using var bell = new WakeSignal();
        bell.Set();
        bell.Set();
        Assert.True(await bell.WaitAsync(TimeSpan.Zero, TestContext.Current.CancellationToken));
        Assert.False(await bell.WaitAsync(TimeSpan.Zero, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Rung_after_its_owner_has_gone_it_does_nothing()
    {
        var bell = new WakeSignal();
        bell.Dispose();
        bell.Set();
    }

    [Theory, BothEngines]
    public async Task A_store_is_written_on_after_one_of_its_servers_has_gone(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var host = await ApiHost.Start(hub);
        await host.DisposeAsync();
        var ann = await hub.AddPerson("Ann", Role.Agent);
        await using var after = await ApiHost.Start(hub);
        using var person = await after.Person(ann);
        Assert.Equal(
            201,
            (
                await person.Post(
                    "/api/v1/requests",
                    new { subject = "Still here?", assignee = new { person = "Ann@example.test" } }
                )
            ).Status
        );
    }
}
