using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class ForgetKeysTests
{
    [Theory, BothEngines]
    public async Task Keys_are_forgotten_after_a_day_and_not_before(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var forget = new ForgetKeys(hub.Store);
        await Submit("old");
        hub.Clock.Advance(Day - TimeSpan.FromMinutes(1));
        await Submit("young");

        Assert.Equal(0, await forget.Run(default));
        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await forget.Run(default));

        Assert.Equal("young", await hub.Place.Text("SELECT key FROM idempotency"));

        Task Submit(string key) => hub.Submit.Run(
            Some.Content(key), Some.Origin, new Repeatable(key, "call", request => request.Id.Value), default);
    }

    private static TimeSpan Day => Submit.KeyLife;
}
