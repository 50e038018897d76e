using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>What people come for, from the inbox, with the number of clicks that it takes.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserJobsTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task From_the_inbox_a_request_is_approved_with_two_clicks(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask("Open port 443");
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = withScript);
        await window.Go("/");

        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Open port 443" }).ClickAsync();
        await window.Press("Approve");

        await window.Shows("You approved this");
        Assert.Equal(Status.Approved, (await host.Hub.Find(request.Id)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task From_the_inbox_a_request_is_rejected_with_two_clicks_and_a_comment(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask("Open port 443");
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = withScript);
        await window.Go("/");

        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Open port 443" }).ClickAsync();
        await window.Note("Use the proxy instead.");
        await window.Press("Reject");

        await window.Shows("You rejected this");
        Assert.Equal(Status.Rejected, (await host.Hub.Find(request.Id)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_admin_defines_a_request_type_and_a_person_requests_it_on_a_phone(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var admin = await chromium.Open(host.Api, host.Root, o => o.JavaScriptEnabled = withScript);
        await admin.Go("/request-types/new");
        await admin.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("Firewall rule");
        await admin.Page.GetByLabel("Default reviewer").SelectOptionAsync("SRE");
        var (first, second) = (Field(1), Field(2));
        await first.GetByLabel("Label").FillAsync("Port");
        await first.GetByLabel("Name in policies").FillAsync("port");
        await first.GetByLabel("Kind").SelectOptionAsync("Number");
        await first.GetByLabel("Required").CheckAsync();
        // The next one has come, and what can be chosen is asked only where something can.
        Assert.False(await second.GetByLabel("Choices").IsVisibleAsync());
        await second.GetByLabel("Label").FillAsync("Zone");
        await second.GetByLabel("Name in policies").FillAsync("zone");
        await second.GetByLabel("Kind").SelectOptionAsync("Choice");
        await second.GetByLabel("Choices").FillAsync("inner\nouter");
        await admin.Press("Save");
        await admin.Shows("Changes saved");

        await using var rita = await chromium.Open(
            host.Api,
            host.Rita,
            o => (o.JavaScriptEnabled, o.ViewportSize) = (withScript, new ViewportSize { Width = 390, Height = 844 })
        );
        await rita.Go("/new");
        await rita.Page.GetByRole(AriaRole.Link, new() { Name = "Firewall rule" }).ClickAsync();
        await rita.Page.GetByLabel("Title").FillAsync("Open port 443");
        await rita.Page.GetByLabel("Port").FillAsync("443.5");
        await rita.Page.GetByLabel("Zone").SelectOptionAsync("outer");
        Assert.False(await rita.IsTooWide());
        await rita.Press("Submit request");

        await rita.Shows("443.5");
        await rita.Shows("outer");
        Assert.Empty(admin.Complaints);
        Assert.Empty(rita.Complaints);

        ILocator Field(int n) => admin.Page.GetByRole(AriaRole.Group, new() { Name = $"Field {n}", Exact = true });
    }

    [Fact]
    public async Task A_request_is_found_by_what_its_details_say_with_one_click_into_the_search()
    {
        await using var host = await PagesHost.Start();
        await host.Ask("Open port 443", change: s => s with { Facts = """{"change":"CHG-4711"}""" });
        await host.Ask("Open port 80");
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");

        await window.Page.GetByRole(AriaRole.Searchbox).ClickAsync();
        await window.Page.Keyboard.TypeAsync("chg-4711");
        await window.Page.Keyboard.PressAsync("Enter");

        await window.Shows("Search: chg-4711");
        Assert.Equal("Open port 443", (await window.Page.Locator(".subject").InnerTextAsync()).Trim());
    }

    [Fact]
    public async Task A_request_is_made_with_two_clicks()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Rita);
        await window.Go("/");

        await window.Page.GetByRole(AriaRole.Link, new() { Name = "New request" }).ClickAsync();
        await window.Page.GetByLabel("Title").FillAsync("A laptop for Lukas");
        await window.Page.GetByLabel("Reviewer").SelectOptionAsync(new SelectOptionValue { Label = "SRE" });
        await window.Press("Submit request");

        await window.Shows("Requesters can't approve their own requests");
    }

    /// <summary>Forced colors remove backgrounds: without a border a button or a badge is only a word.</summary>
    [Fact]
    public async Task In_forced_colors_what_can_be_pressed_and_what_stands_out_has_a_border()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(change: s => s with { Facts = """{"environment":"production"}""" });
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.ForcedColors = ForcedColors.Active);
        await window.Go($"/requests/{request.Id}");
        foreach (var name in new[] { "Approve", "Reject" })
        {
            var button = window.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
            Assert.Equal("solid", await BorderOf(button));
        }
        Assert.Equal("solid", await BorderOf(window.Page.Locator(".environment.critical").First));
        Assert.Equal("solid", await BorderOf(window.Page.Locator(".badge").First));

        static Task<string> BorderOf(ILocator one) =>
            one.EvaluateAsync<string>("e => getComputedStyle(e).borderTopStyle");
    }
}
