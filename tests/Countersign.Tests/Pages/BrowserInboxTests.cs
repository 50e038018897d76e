using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>The inbox in a browser: finding, filtering and deciding several requests at once.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserInboxTests(Chromium chromium)
{
    private const string Production = """{"environment":"production"}""";

    [Fact]
    public async Task A_row_leads_with_the_change_and_production_stands_out()
    {
        await using var host = await PagesHost.Start();
        await host.Ask(
            "Rita Requester requested approval for a flag",
            need: 2,
            change: s =>
                s with
                {
                    SentBy = SentBy.LaunchDarkly,
                    Message = "",
                    Facts = """
                        {"environment.name":"Production","flag.name":"loyalty-points","comment":"Counted twice.",
                        "details":"Requested change is:\n* Turn off the flag"}
                        """,
                }
        );
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");
        var row = window.Page.Locator("[data-row]");
        Assert.Equal("Turn off loyalty-points", (await row.Locator(".subject").InnerTextAsync()).Trim());
        Assert.Equal("loyalty-points", await row.Locator(".subject strong").InnerTextAsync());
        Assert.Equal("Production", await row.Locator(".environment.critical").InnerTextAsync());
        await row.GetByText("Counted twice.").WaitForAsync();
        await row.GetByText("0 of 2 approvals, waiting for SRE").WaitForAsync();
        Assert.Equal(2, await row.Locator(".dots > *").CountAsync());
    }

    [Fact]
    public async Task A_list_names_each_request_once_and_has_no_repeated_ids()
    {
        await using var host = await PagesHost.Start();
        await host.Ask("One");
        await host.Hub.Ask(Some.Policy(host.Sre.AsApprover), s => s.Saying("Her own").AskedBy(host.Ann));
        await using var window = await chromium.Open(host.Api, host.Ann);
        foreach (var (path, subjects) in new[] { ("/", 1), ("/?show=asked", 1), ("/?show=all", 2) })
        {
            await window.Go(path);
            Assert.Equal((path, subjects), (path, await window.Page.Locator("[data-row]").CountAsync()));
            var ids = await window
                .Page.Locator("[id]")
                .EvaluateAllAsync<string[]>("elements => elements.map(element => element.id)");
            Assert.Equal(ids.Distinct().Count(), ids.Length);
        }
    }

    [Fact]
    public async Task What_one_may_not_decide_never_needs_ones_review()
    {
        await using var host = await PagesHost.Start();
        await host.Hub.Ask(Some.Policy(host.Sre.AsApprover), s => s.Saying("Her own").AskedBy(host.Ann));
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");
        await window.Shows("You're all caught up.");
        await window.Shows("Requests for your review appear here.");
        Assert.Equal(0, await window.Page.Locator(".count").CountAsync());
        Assert.Equal("Needs your review · Countersign", await window.Page.TitleAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Several_are_decided_at_once_and_reloading_the_results_decides_nothing(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var (one, two, three) = (await host.Ask("One"), await host.Ask("Two"), await host.Ask("Three"));
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = withScript);
        // Told of the withdrawal in time, the page would take the second from the list before it is sent.
        await window.Page.RouteAsync("**/live?*", route => route.AbortAsync());
        await window.Go("/?order=newest");
        var bar = window.Page.Locator(".selection-bar");
        Assert.Equal(!withScript, await bar.IsVisibleAsync());
        foreach (var subject in new[] { "One", "Two" })
            await Box(window, subject).CheckAsync();
        await window.Page.GetByLabel("Comment for all").FillAsync("Both are fine.");
        await host.Hub.Withdraw.Run(two.Id, Some.Viewer(host.Root), "no longer", default);
        await window.Press(withScript ? "Approve 2" : "Approve selected");

        for (var reloads = 0; reloads < 2; reloads++)
        {
            await window.Shows("1 request approved. 1 skipped.");
            await window.Shows("This request is already closed.");
            Assert.Contains("/results?", window.Page.Url, StringComparison.Ordinal);
            await window.Page.ReloadAsync();
        }
        Assert.Equal(
            (Status.Approved, Status.Withdrawn, Status.Active),
            (
                (await host.Hub.Find(one.Id)).Status,
                (await host.Hub.Find(two.Id)).Status,
                (await host.Hub.Find(three.Id)).Status
            )
        );
        Assert.Equal("Both are fine.", Assert.Single(await host.Hub.Decisions(one.Id)).Note);
        await window.Page.GetByText("Back to the list").ClickAsync();
        Assert.EndsWith("/?order=newest", window.Page.Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rejecting_several_without_a_comment_asks_for_one_and_keeps_the_selection(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var (one, two) = (await host.Ask("One"), await host.Ask("Two"));
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = withScript);
        await window.Go("/");
        await Box(window, "One").CheckAsync();
        await window.Press(withScript ? "Reject 1…" : "Reject selected…");

        await window.Shows("Add a comment that says why you reject these requests.");
        var comment = window.Page.GetByLabel("Comment for all");
        Assert.Equal("true", await comment.GetAttributeAsync("aria-invalid"));
        Assert.True(await comment.EvaluateAsync<bool>("field => field === document.activeElement"));
        Assert.True(await comment.IsVisibleAsync());
        Assert.Equal(
            (true, false),
            (await Box(window, "One").IsCheckedAsync(), await Box(window, "Two").IsCheckedAsync())
        );
        Assert.Empty(await host.Hub.Decisions(one.Id));

        await comment.FillAsync("Not before the sale.");
        await window.Press(withScript ? "Reject 1…" : "Reject selected…");
        await window.Shows("1 request rejected.");
        Assert.Equal(
            (Status.Rejected, Status.Active),
            ((await host.Hub.Find(one.Id)).Status, (await host.Hub.Find(two.Id)).Status)
        );
    }

    [Fact]
    public async Task By_keyboard_one_selects_and_decides_several()
    {
        await using var host = await PagesHost.Start();
        var (one, two) = (await host.Ask("One"), await host.Ask("Two"));
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");
        await window.IsPainted();
        await window.Key("j", "() => document.activeElement.textContent.trim() === 'One'");
        await window.Key("x", "() => document.querySelectorAll('.rows :checked').length === 1");
        await window.Key("j", "() => document.activeElement.textContent.trim() === 'Two'");
        await window.Key("x", "() => document.querySelectorAll('.rows :checked').length === 2");
        await window.Shows("2 selected");
        await window.Key("r", "() => document.activeElement.name === 'note'");
        await window.Key("Escape", "() => document.activeElement === document.body");
        await window.Key("a", "() => document.activeElement.textContent === 'Approve 2'");
        await window.Key("Enter", "() => document.body.innerText.includes('2 requests approved.')");
        foreach (var request in new[] { one, two })
            Assert.Equal(Status.Approved, (await host.Hub.Find(request.Id)).Status);
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Select_all_and_clear_change_the_bar()
    {
        await using var host = await PagesHost.Start();
        foreach (var subject in new[] { "One", "Two", "Three" })
            await host.Ask(subject);
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");
        await Box(window, "Two").CheckAsync();
        await window.Shows("1 selected");
        await window.Press("Select all");
        await window.Shows("3 selected");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Reject 3…" }).WaitForAsync();
        await window.Press("Clear");
        await window.Page.Locator(".selection-bar").WaitForAsync(new() { State = WaitForSelectorState.Hidden });
    }

    [Fact]
    public async Task Filters_apply_at_once_and_each_is_a_chip_that_takes_it_off()
    {
        await using var host = await PagesHost.Start();
        await host.Ask("In production", change: s => s with { Facts = Production });
        var closed = await host.Ask("Closed in production", change: s => s with { Facts = Production });
        await host.Ask("Elsewhere");
        await host.Hub.Approve(closed, host.Ben);
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/?show=all");
        await window.Page.GetByText("Filter", new() { Exact = true }).ClickAsync();
        await window.Page.GetByLabel("Status").SelectOptionAsync("active");
        await Shows("Elsewhere", "In production");
        await window.Page.GetByLabel("Environment").FillAsync("production");
        await window.Page.GetByLabel("Environment").PressAsync("Tab");
        await Shows("In production");
        Assert.Contains("environment=production", window.Page.Url, StringComparison.Ordinal);
        // A search goes on within the filters that were set before it.
        await window.Page.GetByRole(AriaRole.Searchbox).FillAsync("produc");
        await window.Page.GetByRole(AriaRole.Searchbox).PressAsync("Enter");
        await window.Page.WaitForURLAsync("**text=produc*");
        Assert.Contains("environment=production", window.Page.Url, StringComparison.Ordinal);
        await window.Page.GoBackAsync();
        await Shows("In production");

        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Remove filter Status: Pending" }).ClickAsync();
        await Shows("Closed in production", "In production");
        await window.Page.GoBackAsync();
        await Shows("In production");
        await window
            .Page.GetByRole(AriaRole.Link, new() { Name = "Remove filter Environment: production" })
            .ClickAsync();
        await Shows("Elsewhere", "In production");
        Assert.Empty(window.Complaints);

        async Task Shows(params string[] subjects)
        {
            var wanted = string.Join('\n', subjects);
            await window.Page.WaitForFunctionAsync(
                "wanted => [...document.querySelectorAll('.subject')].map(s => s.textContent.trim()).join('\\n') "
                    + "=== wanted",
                wanted
            );
        }
    }

    [Fact]
    public async Task Without_a_script_filters_are_applied_with_a_button()
    {
        await using var host = await PagesHost.Start();
        var closed = await host.Ask("Closed");
        await host.Hub.Approve(closed, host.Ben);
        await host.Ask("Open");
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = false);
        await window.Go("/?show=all");
        await window.Page.GetByText("Filter", new() { Exact = true }).ClickAsync();
        await window.Page.GetByLabel("Status").SelectOptionAsync("approved");
        await window.Press("Apply");
        Assert.Equal("Closed", (await window.Page.Locator(".subject").InnerTextAsync()).Trim());
    }

    [Fact]
    public async Task A_search_stays_in_its_list_and_goes_on_to_all_requests_with_a_click()
    {
        await using var host = await PagesHost.Start();
        var closed = await host.Ask("A closed one");
        await host.Hub.Approve(closed, host.Ben);
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");
        var search = window.Page.GetByRole(AriaRole.Searchbox);
        await search.FillAsync("closed");
        await search.PressAsync("Enter");
        await window.Shows("No results");
        Assert.Equal("closed", await search.InputValueAsync());
        await window.Page.GetByText("Search all requests", new() { Exact = true }).Last.ClickAsync();
        Assert.Equal("A closed one", (await window.Page.Locator(".subject").InnerTextAsync()).Trim());
    }

    [Fact]
    public async Task On_a_phone_tabs_lead_between_lists_and_five_rows_fit_the_first_screen()
    {
        await using var host = await PagesHost.Start();
        for (var n = 1; n <= 6; n++)
        {
            await host.Ask(
                $"Raise the limit of the checkout service in region {n}",
                change: s => s with { Facts = Production }
            );
        }
        await using var window = await chromium.Open(
            host.Api,
            host.Ann,
            o => (o.ViewportSize, o.HasTouch, o.IsMobile) = (new ViewportSize { Width = 390, Height = 844 }, true, true)
        );
        await window.Go("/");
        var fifth = await window.Page.Locator("[data-row]").Nth(4).BoundingBoxAsync();
        Assert.InRange(fifth!.Y + fifth.Height, 0, 844);
        var tabs = window.Page.GetByRole(AriaRole.Navigation, new() { Name = "Lists" });
        Assert.Contains("6", await tabs.GetByRole(AriaRole.Link).First.InnerTextAsync(), StringComparison.Ordinal);

        var search = window.Page.GetByRole(AriaRole.Searchbox);
        Assert.False(await search.IsVisibleAsync());
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Search requests" }).TapAsync();
        await search.FillAsync("region 4");
        await search.PressAsync("Enter");
        Assert.Equal(1, await window.Page.Locator("[data-row]").CountAsync());
        Assert.True(await search.IsVisibleAsync());

        await tabs.GetByRole(AriaRole.Link, new() { Name = "All" }).TapAsync();
        await window.Page.WaitForFunctionAsync("() => location.search === '?show=all'");
        Assert.Equal(0, await window.Page.GetByRole(AriaRole.Checkbox).CountAsync());
        Assert.False(await window.IsTooWide());
    }

    [Fact]
    public async Task News_updates_the_count_in_the_rail_the_title_and_the_icon()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");
        await window.Listens();
        var plain = await Icon();
        await host.Ask("One");
        await window.Page.WaitForFunctionAsync("() => document.title.startsWith('(1) ')");
        Assert.Equal("1", await window.Page.Locator(".rail .count").InnerTextAsync());
        Assert.NotEqual(plain, await Icon());

        Task<string?> Icon() => window.Page.Locator("link[rel=icon]").GetAttributeAsync("href");
    }

    [Fact]
    public async Task In_German_the_inbox_is_German()
    {
        await using var host = await PagesHost.Start();
        await host.Ask("Eins", need: 2);
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.Locale = "de-DE");
        await window.Go("/");
        await window.Shows("Wartet auf Sie");
        await window.Shows("0 von 2 Genehmigungen, wartet auf SRE");
        await Box(window, "Eins").CheckAsync();
        await window.Press("1 genehmigen");
        await window.Shows("1 Anfrage genehmigt.");
    }

    [Fact]
    public async Task Red_is_only_what_expires_soon()
    {
        await using var host = await PagesHost.Start();
        foreach (var (subject, hours) in new[] { ("Soon", 3), ("Tomorrow", 30), ("Next week", 170) })
        {
            await host.Hub.Ask(
                Some.Policy(host.Sre.AsApprover) with
                {
                    Expire = new Expiry(TimeSpan.FromHours(hours), AsWithdrawn: false),
                },
                s => s.Saying(subject).AskedBy(host.Rita)
            );
        }
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/");
        Assert.Contains("expires in", await window.Page.Locator(".soon").InnerTextAsync(), StringComparison.Ordinal);
        Assert.Equal(2, await window.Page.GetByText("expires").CountAsync());
    }

    private static ILocator Box(Window window, string subject) =>
        window.Page.GetByRole(AriaRole.Checkbox, new() { Name = subject, Exact = true });
}
