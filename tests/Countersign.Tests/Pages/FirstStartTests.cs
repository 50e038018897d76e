using Countersign.SignIn;
using Countersign.Tests.Doors.LaunchDarkly;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// From an empty store to the first change that LaunchDarkly may make, as an operator lives through it.
/// </summary>
[Collection(Chromium.Name)]
public sealed class FirstStartTests(Chromium chromium)
{
    [Theory, BothEngines]
    public async Task From_the_first_start_to_the_first_decided_request(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        await using var window = await chromium.Open(host);
        await window.Go($"/set-up?key={await host.Services.GetRequiredService<SetUpLink>().Make(default)}");
        await window.Page.GetByLabel("Name").FillAsync("Olga Operator");
        await window.Page.GetByLabel("Email").FillAsync("olga@example.test");
        await window.Page.GetByLabel("Password").FillAsync("purple-lantern-42-quiet");
        await window.Page.Locator("main button").ClickAsync();
        await window.Shows("You're all caught up");
        await window.Listens();

        using var side = new LaunchDarklySide(
            host.Source(await host.Hub.AddSource("LaunchDarkly", kind: "launchdarkly"))
        );
        await host.Hub.AddPerson("Rita Roe");
        await host.Noticed();
        var body = LaunchDarklySide.Body();
        body["shortDescription"] = "Rita Roe requested approval for changes to the flag Dark mode in 'Live'";
        Assert.Equal(201, (await side.Create(body)).Status);
        Assert.Equal("pending", (await side.Status()).Value());

        // It appears by itself, and the page that LaunchDarkly links to is the one that it leads to.
        await window.Page.Locator(".subject").First.ClickAsync();
        var page = window.Page.Url;
        await window.Go($"/approvals?approvalID={LaunchDarklySide.Id}");
        Assert.Equal(page, window.Page.Url);
        await window.Press("Approve");
        await window.Shows("You approved this");
        Assert.True(LaunchDarklySide.ReadsApproved((await side.Status()).Value()));
        Assert.Equal(200, (await side.Apply()).Status);
        await window.Shows("applied the change");
        Assert.Empty(window.Complaints);
    }
}
