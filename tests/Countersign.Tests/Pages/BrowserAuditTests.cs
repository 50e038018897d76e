using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>An admin reads the audit log: what happened, in words, all of it on demand, and if it is whole.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserAuditTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Events_are_sentences_and_everything_stored_of_them_opens_on_demand(bool withScript)
    {
        await using var host = await Busy();
        await using var window = await chromium.Open(host.Api, host.Root, o => o.JavaScriptEnabled = withScript);
        await window.Go("/audit");
        var row = window.Page.Locator(".audit-log > li", new() { HasText = "Ben Approver approved request" }).First;
        Assert.StartsWith(
            "Ben Approver approved request “Open the new checkout”",
            (await row.InnerTextAsync()).Trim(),
            StringComparison.Ordinal
        );
        Assert.False(await row.Locator("pre").IsVisibleAsync());
        await row.Locator("summary").ClickAsync();
        var data = await row.Locator("pre").InnerTextAsync();
        Assert.Contains("\"answer\": \"approve\"", data, StringComparison.Ordinal);

        // From its details one comes to everything of its kind, and from there without the filter again.
        await row.GetByRole(AriaRole.Link, new() { Name = "request.approved" }).ClickAsync();
        await window.Page.GetByText("Kind: request.approved").WaitForAsync();
        Assert.Equal(1, await window.Page.Locator(".audit-log > li").CountAsync());
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Kind: request.approved" }).ClickAsync();
        await window.Page.GetByLabel("Actor", new() { Exact = true }).FillAsync("ben approver");
        await window.Page.GetByLabel("Kind", new() { Exact = true }).SelectOptionAsync("Requests");
        await window.Press("Apply");
        await window.Shows("Actor: Ben Approver");
        await window.Shows("Kind: Requests");
        Assert.All(
            await window.Page.Locator(".audit-log > li > p").AllInnerTextsAsync(),
            text => Assert.StartsWith("Ben Approver", text.Trim(), StringComparison.Ordinal)
        );
        await window.Page.GetByLabel("Target", new() { Exact = true }).FillAsync("nobody we know");
        await window.Press("Apply");
        await window.Shows("No one, or more than one, is called “nobody we know”.");
        Assert.Equal("f-subject", await window.Page.EvaluateAsync<string>("document.activeElement.id"));
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Verifying_the_log_survives_a_reload_and_sends_nothing_again()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Root);
        await window.Go("/audit");
        await window.Shows("It hasn't been verified here yet.");
        await window.Press("Verify now");
        await window.Shows("Integrity verified");
        await window.Shows("verified by Root");
        var methods = new List<string>();
        window.Page.Request += (_, request) => methods.Add(request.Method);
        await window.Page.ReloadAsync();
        await window.Shows("Integrity verified");
        Assert.DoesNotContain("POST", methods);
        await window.Page.Locator("summary", new() { HasText = "Compare with an earlier checkpoint" }).ClickAsync();
        await window.Page.GetByLabel("Earlier checkpoint").FillAsync("nonsense");
        await window.Press("Verify now");
        await window.Shows("A checkpoint is a number");
        Assert.Equal("f-head", await window.Page.EvaluateAsync<string>("document.activeElement.id"));

        await host.Hub.Place.Tamper("UPDATE people SET role = 'admin' WHERE name = 'Ben Approver'");
        await window.Go("/audit");
        await window.Press("Verify now");
        await window.Shows("Verification failed");
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData("en-GB")]
    [InlineData("de-DE")]
    public async Task On_a_phone_a_page_of_the_log_is_short_and_fits(string language)
    {
        await using var host = await Busy(people: 60);
        foreach (var (width, row, page) in new[] { (1280, 62, 4_000), (390, 95, 6_000), (320, 115, 8_000) })
        {
            await using var window = await chromium.Open(
                host.Api,
                host.Root,
                o => (o.Locale, o.ViewportSize) = (language, new ViewportSize { Width = width, Height = 844 })
            );
            await window.Go("/audit");
            Assert.Equal(50, await window.Page.Locator(".audit-log > li").CountAsync());
            Assert.False(await window.IsTooWide());
            var highest = await window.Page.EvaluateAsync<double>(
                "Math.max(...[...document.querySelectorAll('.audit-log > li')].map(r => r.offsetHeight))"
            );
            Assert.InRange(highest, 20, row);
            Assert.InRange(await window.Page.EvaluateAsync<int>("document.documentElement.scrollHeight"), 500, page);
            await window.Page.Locator(".audit-log summary").First.ClickAsync();
            Assert.False(await window.IsTooWide());
            await window.Page.Locator("a[rel=next]").ClickAsync();
            await window.Page.Locator("a[rel=prev]").WaitForAsync();
        }
    }

    [Fact]
    public async Task The_filtered_list_is_a_file_for_spreadsheets_for_admins_alone()
    {
        await using var host = await Busy();
        using var admin = await host.Api.SignIn(host.Root);
        using var ann = await host.Api.SignIn(host.Ann);
        var file = await admin.Get("/audit.csv?kind=policy.");
        var lines = file.Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Contains("An operator published policy version 1,policy.set,Policies,An operator,", lines[1]);
        Assert.Equal(422, (await admin.Get("/audit.csv?who=nobody")).Status);
        Assert.Equal(404, (await ann.Get("/audit.csv")).Status);
        Assert.Contains("/audit.csv?kind=policy.", (await admin.Get("/audit?kind=policy.")).Text);
    }

    private static async Task<PagesHost> Busy(int people = 0)
    {
        var host = await PagesHost.Start();
        var request = await host.Ask();
        await host.Hub.Approve(request, host.Ben);
        await host
            .Api.Services.GetRequiredService<PolicyFiles>()
            .Set("version: 1\npolicies: []\n", null, Some.Operator, default);
        for (var i = 0; i < people; i++)
            await host.Hub.AddPerson($"Person number {i}", Role.Agent);
        return host;
    }
}
