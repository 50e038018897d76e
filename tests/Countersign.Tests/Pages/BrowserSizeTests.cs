using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>On small screens, with large letters and while news comes in, pages keep their shape.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserSizeTests(Chromium chromium)
{
    /// <summary>A window of 1280 by 800 has half the width and height at 200 %, and a quarter at 400 %.</summary>
    [Theory]
    [InlineData(640, 400)]
    [InlineData(320, 560)]
    public async Task No_page_needs_scrolling_sideways_on_a_phone_or_with_large_letters(int width, int height)
    {
        await using var full = await FullHub.Start(
            "A_name_without_a_single_place_to_break_" + new string('w', 100) + " and an end"
        );
        await using var window = await chromium.Open(
            full.Pages.Api,
            full.Pages.Root,
            o => o.ViewportSize = new ViewportSize { Width = width, Height = height }
        );
        var tooWide = new List<string>();
        foreach (var path in full.Paths)
        {
            await window.Go(path);
            if (await window.IsTooWide())
                tooWide.Add(path);
            // With everything open that can be opened.
            await window.Page.EvaluateAsync(
                "() => { for (const one of document.querySelectorAll('details')) one.open = true; }"
            );
            if (await window.IsTooWide())
                tooWide.Add(path + " with all details open");
        }
        Assert.Empty(tooWide);
        await using var stranger = await chromium.Open(
            full.Pages.Api,
            options: o => o.ViewportSize = new ViewportSize { Width = width, Height = height }
        );
        await stranger.Go("/sign-in");
        Assert.False(await stranger.IsTooWide());
    }

    [Fact]
    public async Task A_name_that_never_ends_breaks_in_its_column_and_covers_no_other()
    {
        await using var full = await FullHub.Start(
            "A_name_without_a_single_place_to_break_" + new string('w', 100) + " and an end"
        );
        await using var window = await chromium.Open(full.Pages.Api, full.Pages.Root);
        foreach (var path in new[] { "/people", "/groups", "/sources", "/request-types", "/webhooks", "/destinations" })
        {
            await window.Go(path);
            var covering = await window.Page.EvaluateAsync<string[]>(
                """
                () => [...document.querySelectorAll('.table-scroll td')].flatMap(cell =>
                  [...cell.querySelectorAll('*')].filter(one =>
                    one.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1)
                    .map(one => one.textContent.trim().slice(0, 20)))
                """
            );
            Assert.Equal((path, 0), (path, covering.Length));
        }
    }

    [Fact]
    public async Task Nothing_jumps_while_pages_load_and_when_news_comes()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask("Open the new checkout", need: 2);
        await host.Ask("Raise the limit", need: 2);
        await using var inbox = await Watched(host);
        await inbox.Go("/");
        await inbox.Listens();
        await using var page = await Watched(host);
        await page.Go($"/requests/{request.Id}");
        await page.Listens();

        await host.Ask("Rename the index");
        await inbox.Shows("Rename the index");
        await host.Hub.Comment.Run(request.Id, Some.Viewer(host.Rita), "Is there a way back?", default);
        await page.Shows("Is there a way back?");
        await host.Hub.Approve(request, host.Ben);
        await page.Shows("1 of 2 approvals");
        await inbox.Shows("1 of 2 approvals");
        foreach (var (window, where) in new[] { (inbox, "the inbox"), (page, "a request") })
        {
            await window.IsPainted();
            var shifted = await window.Page.EvaluateAsync<double>("() => window.shifted");
            Assert.True(shifted < 0.1, $"{where} jumped by {shifted}");
        }
    }

    /// <summary>A window in which the browser adds up by how much things jump that nobody touched.</summary>
    private async Task<Window> Watched(PagesHost host)
    {
        var window = await chromium.Open(host.Api, host.Ann);
        await window.Context.AddInitScriptAsync(
            """
            window.shifted = 0;
            new PerformanceObserver(list => {
              for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
            }).observe({ type: 'layout-shift', buffered: true });
            """
        );
        return window;
    }
}
