using Countersign.Requests;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// What happens while a page is open: it appears by itself, on every node, and is not changed under the reader's eyes.
/// </summary>
[Collection(Chromium.Name)]
public sealed class BrowserNewsTests(Chromium chromium)
{
    [Theory, BothEngines]
    public async Task What_happens_on_one_node_appears_on_pages_of_another(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        await using var other = await ApiHost.Start(host.Hub);
        var request = await host.Ask("Open the new checkout", need: 2);
        await using var inbox = await chromium.Open(other, host.Ann);
        await inbox.Go("/");
        await inbox.Listens();
        await inbox.Page.GetByRole(AriaRole.Checkbox, new() { Name = "Open the new checkout" }).CheckAsync();
        await inbox.Page.GetByLabel("Comment for all").FillAsync("half a sen");

        await using var page = await chromium.Open(host.Api, host.Ann);
        await page.Go($"/requests/{request.Id}");
        await page.Listens();
        await page.Note("half a sentence");

        var second = await host.Ask("Raise the limit");
        await inbox.Shows("Raise the limit");
        Assert.Equal("half a sen", await inbox.Page.GetByLabel("Comment for all").InputValueAsync());
        Assert.True(
            await inbox.Page.GetByRole(AriaRole.Checkbox, new() { Name = "Open the new checkout" }).IsCheckedAsync()
        );

        await using var ben = await chromium.Open(other, host.Ben);
        await ben.Go($"/requests/{request.Id}");
        await ben.Note("Is there a way back?");
        await ben.Press("Comment");
        await page.Shows("Is there a way back?");
        await ben.Press("Approve");
        await page.Shows("1 of 2 approvals");
        await ben.Shows("You approved this");
        Assert.Equal(
            "half a sentence",
            await page.Page.GetByLabel("Comment", new() { Exact = true }).InputValueAsync()
        );
        await inbox.Shows("1 of 2 approvals");

        await host.Hub.Approve(second, host.Ben);
        await inbox
            .Page.Locator("#part-list", new() { HasText = "Raise the limit" })
            .WaitForAsync(new() { State = WaitForSelectorState.Detached });
        Assert.Empty(inbox.Complaints);
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task A_page_without_news_asks_once_a_minute_how_many_need_a_review_while_somebody_looks()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Page.Clock.InstallAsync();
        var asked = 0;
        window.Page.Request += (_, request) =>
            asked += request.Url.EndsWith("/pending", StringComparison.Ordinal) ? 1 : 0;
        await window.Go("/account");
        var (icon, title) = (await Icon(), await window.Page.TitleAsync());
        var request = await host.Ask();

        await Pass(59);
        Assert.Equal(0, asked);
        await Pass(31);
        await window.Page.WaitForFunctionAsync("() => document.title.startsWith('(1) ')");
        Assert.Equal("1", await window.Page.Locator(".rail .count").InnerTextAsync());
        Assert.NotEqual(icon, await Icon());
        Assert.Equal(1, asked);

        // A hidden page asks nothing, and at once when it is looked at again.
        await Hide(true);
        await host.Hub.Approve(request, host.Ben);
        await Pass(600);
        Assert.Equal(1, asked);
        await Hide(false);
        await window.Page.WaitForFunctionAsync("title => document.title === title", title);
        Assert.Equal(0, await window.Page.Locator(".rail .count").CountAsync());
        Assert.Equal(icon, await Icon());
        Assert.Equal(2, asked);

        // When the session has ended, the page stays as it is.
        await host.Hub.Disable(host.Ann);
        await host.Api.Noticed();
        await Pass(90);
        Assert.Equal(title, await window.Page.TitleAsync());
        Assert.Contains("/account", window.Page.Url, StringComparison.Ordinal);

        Task<string?> Icon() => window.Page.Locator("link[rel=icon]").GetAttributeAsync("href");

        Task Pass(int seconds) => window.Page.Clock.RunForAsync(seconds * 1000L);

        Task Hide(bool isHidden) =>
            window.Page.EvaluateAsync(
                "isHidden => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => "
                    + "isHidden }); document.dispatchEvent(new Event('visibilitychange')); }",
                isHidden
            );
    }

    [Fact]
    public async Task A_page_that_nobody_looks_at_listens_no_longer_and_is_true_again_when_somebody_does()
    {
        await using var host = await PagesHost.Start();
        await using var inbox = await chromium.Open(host.Api, host.Ann);
        await inbox.Go("/");
        await inbox.Listens();

        await Hide(true);
        await inbox.Page.WaitForSelectorAsync("body:not([data-listening])");
        await host.Ask("Asked meanwhile");
        await Hide(false);

        await inbox.Listens();
        await inbox.Shows("Asked meanwhile");

        Task Hide(bool isHidden) =>
            inbox.Page.EvaluateAsync(
                "isHidden => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => "
                    + "isHidden }); document.dispatchEvent(new Event('visibilitychange')); }",
                isHidden
            );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_to_content_that_has_changed_is_refused_and_the_difference_is_shown(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(
            "Serve 10 percent",
            change: s => s with { Message = "Set the rollout\nto 10 percent", Facts = """{"percent":"10"}""" }
        );
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = withScript);
        await window.Go($"/requests/{request.Id}");
        await window.Note("Ten is fine.");
        if (withScript)
            await window.Listens();
        await host.Hub.Submit.Run(
            (
                Some.Submission(request.Policy) with
                {
                    ExternalId = request.ExternalId,
                    Message = "Set the rollout\nto 90 percent",
                    Facts = """{"percent":"90"}""",
                }
            )
                .Saying("Serve 90 percent")
                .AskedBy(host.Rita),
            Some.Origin,
            null,
            default
        );
        if (withScript)
            await window.Shows("This request was updated while you were reading.");
        // The page still shows what was read; answering it is refused.
        Assert.Equal("Serve 10 percent", await window.Page.Locator("h1").InnerTextAsync());
        await window.Press("Approve");
        await window.Shows("your decision wasn't recorded");
        Assert.Equal("Serve 90 percent", await window.Page.Locator("h1").InnerTextAsync());
        Assert.Equal(
            ["- Serve 10 percent", "- percent: 10", "- to 10 percent"],
            await window.Page.Locator("#changed del").AllInnerTextsAsync().Trimmed()
        );
        Assert.Equal(
            ["+ Serve 90 percent", "+ percent: 90", "+ to 90 percent"],
            await window.Page.Locator("#changed ins").AllInnerTextsAsync().Trimmed()
        );
        Assert.Equal("Ten is fine.", await window.Page.GetByLabel("Comment", new() { Exact = true }).InputValueAsync());
        Assert.Equal(Status.Active, (await host.Hub.Find(request.Id)).Status);
        await window.Press("Approve");
        await window.Shows("You approved this");
    }

    [Fact]
    public async Task Too_late_says_what_it_became_and_keeps_what_was_typed()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = false);
        await window.Go($"/requests/{request.Id}");
        await window.Note("I say no.");
        await host.Hub.Approve(request, host.Ben);
        await window.Press("Reject");
        await window.Shows("This request is already closed: Approved by Ben Approver.");
        await window.Shows("I say no.");
        Assert.Equal(Status.Approved, (await host.Hub.Find(request.Id)).Status);
    }

    [Fact]
    public async Task Times_are_in_the_readers_zone_and_whole_when_pointed_at()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go($"/requests/{request.Id}");
        var time = window.Page.Locator(".timeline time").First;
        // 05:06 UTC is 06:06 in Berlin in March.
        Assert.Equal("4 Mar, 06:06", await time.InnerTextAsync());
        Assert.Contains("06:06:07", await time.GetAttributeAsync("title"), StringComparison.Ordinal);
        await using var plain = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = false);
        await plain.Go($"/requests/{request.Id}");
        Assert.Equal("4 Mar 2026, 05:06 UTC", await plain.Page.Locator(".timeline time").First.InnerTextAsync());
    }
}

internal static class Texts
{
    public static async Task<string[]> Trimmed(this Task<IReadOnlyList<string>> texts) =>
        [.. (await texts).Select(t => t.Trim())];
}
