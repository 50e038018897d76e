using Countersign.People;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Connecting a system, in a browser.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserSourceTests(Chromium chromium)
{
    [Fact]
    public async Task Connecting_a_source_takes_two_clicks_and_its_page_turns_active_by_itself()
    {
        await using var host = await PagesHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "https://approvals.example.test/hub")
        );
        await using var window = await chromium.Open(host.Api, host.Root);
        await window.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await window.Go("/sources");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Add source" }).ClickAsync();
        await window.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("LD production");
        await window.Press("Add source");

        // Everything that LaunchDarkly's form asks for, by its names, to be copied.
        Assert.Equal("LD production", await window.Page.GetByLabel("Name", new() { Exact = true }).InputValueAsync());
        Assert.Equal(
            "https://approvals.example.test/hub",
            await window.Page.GetByLabel("Custom approval service base URL", new() { Exact = true }).InputValueAsync()
        );
        var key = await window.Page.GetByLabel("API Token", new() { Exact = true }).InputValueAsync();
        await window.Press("Copy API Token");
        await window.Page.GetByText("Copied").First.WaitForAsync();
        Assert.Equal(key, await window.Page.EvaluateAsync<string>("navigator.clipboard.readText()"));

        await window.Shows("No calls yet");
        var source = (await host.Api.Services.GetRequiredService<PeopleDirectory>().Refresh()).FindSource(
            "LD production"
        )!;
        using var caller = host.Api.Source(new NewSourceKey(source.Id, source.Name, key));
        Assert.Equal(201, (await caller.Post("/api/approvals", new { _id = "first" })).Status);
        await window.Page.Locator("#first-call .badge.success").WaitForAsync();

        // Reloading shows no key and makes none.
        await window.Page.ReloadAsync();
        Assert.Equal(0, await window.Page.GetByLabel("API Token", new() { Exact = true }).CountAsync());
        Assert.Equal(200, (await caller.Get("/api/members")).Status);
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Rotating_revoking_and_disabling_ask_first_and_work_without_a_script()
    {
        await using var host = await PagesHost.Start();
        var made = await host.Hub.AddSource("pipeline");
        await using var window = await chromium.Open(
            host.Api,
            host.Root,
            o =>
            {
                o.JavaScriptEnabled = false;
                o.ViewportSize = new ViewportSize { Width = 390, Height = 800 };
            }
        );
        await window.Go($"/sources/{made.Id}");
        Assert.Equal(0, await window.Page.GetByText("Revoke old key").CountAsync());
        Assert.False(await window.Page.GetByRole(AriaRole.Button, new() { Name = "Rotate key" }).IsVisibleAsync());
        await window.Page.GetByText("Rotate key…").ClickAsync();
        await window.Press("Rotate key");
        await window.Shows("You won't see it again.");
        Assert.NotEqual(made.Key, await window.Page.GetByLabel("Key", new() { Exact = true }).InputValueAsync());
        await window.Page.GetByText("Revoke old key…").ClickAsync();
        await window.Press("Revoke old key");
        await window.Shows("Old key revoked");
        Assert.Equal(0, await window.Page.GetByText("Revoke old key…").CountAsync());
        await window.Page.GetByText("Disable…").ClickAsync();
        await window.Press("Disable pipeline");
        await window.Shows("This source is disabled.");
        await window.Press("Enable source");
        await window.Shows("Source enabled");
    }

    [Fact]
    public async Task A_refused_form_names_the_field_and_starts_there()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(
            host.Api,
            host.Root,
            o =>
            {
                o.Locale = "de-DE";
                o.ViewportSize = new ViewportSize { Width = 390, Height = 700 };
            }
        );
        await host.Hub.AddSource("pipeline");
        await window.Go("/sources/new");
        await window.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("Pipeline");
        await window.Press("Quelle hinzufügen");
        await window.Page.Locator(".notice a[href='#f-name']").WaitForAsync();
        Assert.Equal("f-name", await window.Page.EvaluateAsync<string>("document.activeElement.id"));
        Assert.True(await window.Page.Locator("#f-name-error").IsVisibleAsync());
        Assert.False(await window.IsTooWide());
    }
}
