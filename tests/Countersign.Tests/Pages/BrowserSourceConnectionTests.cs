using Countersign.Simulator.Rest;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Connecting a source to LaunchDarkly's own API, in a browser.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserSourceConnectionTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_token_is_saved_tested_and_used_to_import_members(bool hasScript)
    {
        await using var host = await PagesHost.Start(Engine.Sqlite, ("Egress:Allow", "127.0.0.0/8"));
        await using var theirs = await FakeLaunchDarkly.Start(host.Hub.Clock);
        var token = theirs.AddToken(RestRights.View);
        theirs.AddMember("Rita Roe", "rita.roe@example.com");
        theirs.AddMember(new RestMember { Email = "new@example.com", IsInvited = true });
        var made = await host.Hub.AddSource("LaunchDarkly", kind: "launchdarkly");
        await using var window = await chromium.Open(host.Api, host.Root, o => o.JavaScriptEnabled = hasScript);

        await window.Go($"/sources/{made.Id}");
        Assert.False(await window.Page.GetByLabel("Base URL", new() { Exact = true }).IsVisibleAsync());
        await window.Page.GetByLabel("LaunchDarkly instance").SelectOptionAsync("Other…");
        await window.Page.GetByLabel("Base URL", new() { Exact = true }).FillAsync("http://elsewhere.example/");
        await window.Page.GetByLabel("API access token").FillAsync(token.Value);
        await window.Press("Connect to LaunchDarkly");
        await window.Shows("Enter an https address without a path");
        await window.Page.GetByLabel("Base URL", new() { Exact = true }).FillAsync(theirs.Address.ToString());
        await window.Page.GetByLabel("API access token").FillAsync(token.Value);
        await window.Press("Connect to LaunchDarkly");
        await window.Shows("Changes saved");
        Assert.Equal("", await window.Page.GetByLabel("API access token").InputValueAsync());

        await window.Press("Test connection");
        await window.Shows("The token lacks rights.");
        var missing = window.Page.Locator("#ld-report li").Filter(new() { HasText = "Read members" });
        Assert.Contains("no", await missing.InnerTextAsync(), StringComparison.Ordinal);
        token.Rights = RestRights.Read;
        await window.Press("Test connection");
        await window.Shows("The token can do everything it needs to.");

        await window.Press("Import members now");
        await window.Shows("2 members read.");
        await window.Shows("People added: 1, new aliases: 0, unchanged: 0, skipped: 1.");
        await window.Page.GetByText("Skipped members").ClickAsync();
        await window.Shows("The invitation hasn't been accepted.");

        await window.Page.GetByText("Disconnect…").ClickAsync();
        await window.Press("Disconnect LaunchDarkly");
        await window.Shows("LaunchDarkly disconnected");
        Assert.Equal(0, await window.Page.GetByText("Test connection").CountAsync());
        Assert.Empty(window.Complaints);
    }
}
