using Countersign.LaunchDarkly;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

public sealed class ConnectionTests
{
    [Theory, BothEngines]
    public async Task A_token_goes_in_encrypted_and_never_comes_out(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);

        var view = await hub.Connect();

        Assert.True(view.HasToken);
        Assert.Equal(hub.Theirs.BaseUrl, view.BaseUrl);
        Assert.DoesNotContain(
            "api-1111",
            await hub.Hub.Place.Text("SELECT token FROM launchdarkly_connections"),
            StringComparison.Ordinal
        );
        Assert.Equal(FakeLaunchDarkly.Token, (await hub.Open()).Token);
        foreach (var told in await hub.Hub.Place.Events($"source:{hub.Key.Id}"))
            Assert.DoesNotContain("api-1111", told.Data, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Another_address_takes_the_token_away(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        await hub.Connect();

        var elsewhere = await hub.Set(new ConnectionChange { BaseUrl = "https://app.eu.launchdarkly.com" });

        Assert.False(elsewhere.HasToken);
        var given = await hub.Set(
            new ConnectionChange { BaseUrl = "https://app.launchdarkly.com/", Token = FakeLaunchDarkly.Token }
        );
        Assert.True(given.HasToken);
        Assert.Equal("https://app.launchdarkly.com", given.BaseUrl);
        var same = await hub.Set(new ConnectionChange { BaseUrl = "https://app.launchdarkly.com", Identify = true });
        Assert.True(same is { HasToken: true, Identify: true });
    }

    [Theory, BothEngines]
    public async Task A_connection_can_be_removed_and_made_again(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        await hub.Connect();

        Some.Done(await hub.Connections.Remove(ConnectedHub.Source, Some.Operator, default));

        Assert.Null(await hub.Connections.Find(ConnectedHub.Source, default));
        Assert.IsType<AccessOutcome<long>.NotFound>(
            await hub.Connections.Remove(ConnectedHub.Source, Some.Operator, default)
        );
        Assert.False((await hub.Set(new ConnectionChange { Identify = true })).HasToken);
    }

    [Theory]
    [InlineData("http://app.launchdarkly.com")]
    [InlineData("https://app.launchdarkly.com/api/v2")]
    [InlineData("https://user@app.launchdarkly.com")]
    [InlineData("ftp://app.launchdarkly.com")]
    [InlineData("app.launchdarkly.com")]
    public void An_address_that_could_take_the_token_elsewhere_is_refused(string address) =>
        Assert.NotNull(ConnectionValues.BaseUrl(address).Problem);

    [Fact]
    public void What_copying_adds_to_a_token_is_taken_off_and_what_is_no_token_is_refused()
    {
        Assert.Equal("api-1", ConnectionValues.Token(" api-1\r\n").Token);
        Assert.NotNull(ConnectionValues.Token("api-1 api-2").Problem);
        Assert.NotNull(ConnectionValues.Token("Bearer api-1").Problem);
        Assert.NotNull(ConnectionValues.Token("sdk-123").Problem);
        Assert.NotNull(ConnectionValues.Token("api\u00a01").Problem);
    }

    [Theory, BothEngines]
    public async Task Only_a_source_of_LaunchDarkly_can_be_connected_and_only_a_described_change_applied(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        await hub.Hub.AddSource("deploys");

        Assert.IsType<AccessOutcome<ConnectionView>.Invalid>(
            await hub.Connections.Set("deploys", new ConnectionChange(), Some.Operator, default)
        );
        Assert.IsType<AccessOutcome<ConnectionView>.NotFound>(
            await hub.Connections.Set("nowhere", new ConnectionChange(), Some.Operator, default)
        );
        Assert.IsType<AccessOutcome<ConnectionView>.Invalid>(
            await hub.Connections.Set(
                ConnectedHub.Source,
                new ConnectionChange { Apply = true },
                Some.Operator,
                default
            )
        );
        Assert.True((await hub.Set(new ConnectionChange { Apply = true, Describe = true })).Apply);
    }
}
