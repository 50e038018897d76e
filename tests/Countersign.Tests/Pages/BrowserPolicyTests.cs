using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// An admin writes the policy file in a browser: what is wrong with it, testing it before it's published, publishing
/// it and going back.
/// </summary>
[Collection(Chromium.Name)]
public sealed class BrowserPolicyTests(Chromium chromium)
{
    private const string Good = """
        version: 1
        policies:
          - name: production
            when: { environment: [production] }
            steps: [ { name: SRE, need: 2, from: { groups: [SRE] } } ]

        """;
    private const string Wrong = """
        version: 1
        policies:
          - name: production
            when: { enviroment: [production] }
            steps: [ { need: 0, from: { groups: [SRE] } } ]

        """;
    private const string Another = "version: 1\npolicies: []\n# another\n";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_is_published_with_three_clicks_after_its_changes_were_shown(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var window = await Open(host, withScript);
        await window.Go("/policies");
        await window.Shows("No policies published yet");
        await File(window).FillAsync(Good);
        await window.Press("Review changes");
        await window.Shows("This is the first version.");
        await window.Shows("+   - name: production");
        Assert.Equal(0, await host.Hub.Place.Count("policy_files"));
        await window.Press("Publish");
        await window.Shows("Version 1 is active");
        await window.Shows("Published. New requests follow this version.");
        Assert.Equal(1, await host.Hub.Place.Count("policy_files"));
        await ReloadSendsNothing(window);
        Assert.Equal(1, await host.Hub.Place.Count("policy_files"));
        Assert.Equal(Good, await Text(window));
        Assert.Equal(0, await window.Page.GetByText("Discard draft").CountAsync());

        // Only what differs from the active version, with a little around it.
        await File(window).FillAsync(Good.Replace("need: 2", "need: 1", StringComparison.Ordinal));
        await window.Press("Review changes");
        await window.Shows("Your draft compared with version 1.");
        Assert.Contains("need: 2", await window.Page.Locator(".policy-diff del").InnerTextAsync());
        Assert.Contains("need: 1", await window.Page.Locator(".policy-diff ins").InnerTextAsync());
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Back to the editor" }).ClickAsync();
        Assert.Contains("need: 1", await Text(window), StringComparison.Ordinal);
        await window.Shows("Unpublished changes, saved");
        await window.Page.Locator("summary", new() { HasText = "Discard draft" }).ClickAsync();
        await window.Press("Discard draft");
        await window.Shows("Draft discarded");
        Assert.Equal(Good, await Text(window));
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Errors_are_on_the_screen_with_their_line_and_how_to_fix_them(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var window = await Open(host, withScript);
        await window.Go("/policies");
        await File(window).FillAsync(Wrong);
        await window.Press("Validate");
        await window.Shows("2 errors");
        await window.Press("Review changes");
        await window.Shows("Not published: 2 errors");
        await ReloadSendsNothing(window);
        Assert.True(await IsOnScreen(window, "#check"));
        Assert.Equal(Wrong, await Text(window));
        Assert.Equal("true", await File(window).GetAttributeAsync("aria-invalid"));
        var rows = window.Page.Locator(".policy-problems > li");
        Assert.Equal(2, await rows.CountAsync());
        // Where, the line itself, that it is an error, what, by which rule, and the way out.
        var first = await rows.First.InnerTextAsync();
        foreach (var part in new[] { "Line 4, column 13", "Error", "enviroment: [prod", "unknown-key", "environment" })
            Assert.Contains(part, first, StringComparison.Ordinal);
        Assert.Equal("enviroment", await rows.First.Locator("mark").InnerTextAsync());
        Assert.Contains("Line 5, column 22", await rows.Last.InnerTextAsync(), StringComparison.Ordinal);

        await rows.First.GetByRole(AriaRole.Link).ClickAsync();
        Assert.Equal(
            "f-text",
            await window.Page.EvaluateAsync<string>("document.activeElement.id || location.hash.slice(1)")
        );
        if (withScript)
        {
            Assert.Equal("enviroment", await AtCaret(window, 10));
            await rows.Last.GetByRole(AriaRole.Link).ClickAsync();
            Assert.Equal("0,", await AtCaret(window, 2));
            await window.Page.GetByRole(AriaRole.Link, new() { Name = "Fix", Exact = true }).ClickAsync();
            Assert.Equal("enviroment", await AtCaret(window, 10));
            // Numbers beside the text, those with an error marked, all the way down.
            var gutter = window.Page.Locator(".gutter");
            Assert.StartsWith(
                "1\n2\n3",
                (await gutter.InnerTextAsync()).ReplaceLineEndings("\n"),
                StringComparison.Ordinal
            );
            Assert.Equal(["4", "5"], await gutter.Locator("b").AllTextContentsAsync());
            await File(window).FillAsync(string.Concat(Enumerable.Repeat("# line\n", 300)));
            Assert.EndsWith("301", (await gutter.InnerTextAsync()).Trim(), StringComparison.Ordinal);
            await File(window).EvaluateAsync("text => { text.scrollTop = text.scrollHeight; }");
            await window.Page.WaitForFunctionAsync(
                "() => document.querySelector('.gutter').scrollTop === document.getElementById('f-text').scrollTop"
            );
        }
        Assert.Equal(0, await host.Hub.Place.Count("policy_files"));
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_text_in_the_editor_is_tested_and_stays_there(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var window = await Open(host, withScript);
        await window.Go("/policies");
        var draft = Good.Replace("[SRE]", "[SRE, ghosts]", StringComparison.Ordinal);
        await File(window).FillAsync(draft);
        await Label(window, "Title").FillAsync("Open the new checkout");
        await Label(window, "Environment").FillAsync("production");
        await Label(window, "Requester").FillAsync(host.Ann.Email!);
        await Label(window, "Details").FillAsync("flag=checkout\nowner: shop, ops");
        await window.Press("Run test");
        await window.Shows("Policy “production” matches.");
        await ReloadSendsNothing(window);
        Assert.True(await IsOnScreen(window, "#result"));
        var result = await window.Page.Locator("#result").InnerTextAsync();
        foreach (
            var part in new[]
            {
                "Open the new checkout",
                "Line 3",
                "2 approvals needed",
                "2 of 2 reviewers",
                "Ann Approver",
                "Requesters can't approve their own requests",
                "Ben Approver",
                "ghosts doesn't exist yet",
                "It would be blocked",
            }
        )
        {
            Assert.Contains(part, result, StringComparison.Ordinal);
        }
        Assert.Equal(draft, await Text(window));
        Assert.Equal("flag=checkout\nowner: shop, ops", await Label(window, "Details").InputValueAsync());
        Assert.Equal(0, await host.Hub.Place.Count("policy_files"));

        // Enter in a field of the sample tests it as well.
        await Label(window, "Environment").FillAsync("test");
        await Label(window, "Environment").PressAsync("Enter");
        await window.Shows("No policy matches. Any admin can approve.");
        await window.Page.Locator("summary", new() { HasText = "1 policy before it doesn't match" }).ClickAsync();
        await window.Shows("“production” needs environment = production. The request has test.");
        await File(window).FillAsync(Wrong);
        await window.Press("Run test");
        await window.Shows("Not tested: the file has errors.");
        Assert.Equal(Wrong, await Text(window));
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task A_draft_that_was_overtaken_is_published_only_when_its_author_has_seen_what_it_replaces()
    {
        await using var host = await PagesHost.Start();
        var other = await host.Hub.AddPerson("Olga Other", Countersign.People.Role.Admin);
        await using var window = await Open(host);
        await using var hers = await chromium.Open(host.Api, other);
        await window.Go("/policies");
        await File(window).FillAsync(Good);
        await window.Press("Review changes");
        await window.Shows("This is the first version.");

        await Publish(hers, Another);
        await window.Press("Publish");
        await window.Shows("Version 1 was published by Olga Other while you edited.");
        Assert.Equal(1, await host.Hub.Place.Count("policy_files"));
        await window.Page.Locator("#overtaken summary").ClickAsync();
        await window.Shows("+ # another");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Back to the editor" }).ClickAsync();
        await window.Shows("Version 1 was published by Olga Other while you edited.");
        Assert.Equal(Good, await Text(window));
        await window.Press("Review changes");
        await window.Press("Publish and replace version 1");
        await window.Shows("Version 2 is active");
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_earlier_version_is_restored_by_publishing_it_again(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var window = await Open(host, withScript);
        await Publish(window, Good);
        await Publish(window, Another);
        await window.Shows("Version 2 is active");
        var versions = window.Page.GetByRole(AriaRole.Region, new() { Name = "Versions" });
        await versions.WaitForAsync();
        Assert.Contains("Root", await versions.InnerTextAsync(), StringComparison.Ordinal);
        await versions.GetByRole(AriaRole.Link, new() { Name = "Version 2" }).ClickAsync();
        await window.Shows("Changes in version 2");
        await window.Shows("+ # another");
        Assert.Equal(0, await window.Page.GetByText("Restore this version").CountAsync());
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Version 1" }).ClickAsync();
        await window.Press("Restore this version");
        await window.Shows("The earlier version is now your draft.");
        await ReloadSendsNothing(window);
        await window.Shows("- # another");
        Assert.Equal(2, await host.Hub.Place.Count("policy_files"));
        await window.Press("Publish");
        await window.Shows("Version 3 is active");
        Assert.Equal(Good, await Text(window));

        // What isn't published yet is not replaced without a question.
        await File(window).FillAsync(Another);
        await window.Press("Validate");
        await window.Go("/policies/versions/1");
        await window.Page.Locator("summary", new() { HasText = "Restore this version…" }).ClickAsync();
        await window.Shows("This version replaces your unpublished draft.");
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Applying_policies_to_active_requests_is_previewed_first()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask("Open the new checkout");
        await using var window = await Open(host);
        await Publish(
            window,
            "version: 1\npolicies: [ { name: everything, steps: [ { name: both, need: 2, "
                + "from: { groups: [SRE] } } ] } ]"
        );
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Preview changes" }).ClickAsync();
        await window.Shows("→ everything");
        Assert.NotEqual("everything", (await host.Hub.Find(request.Id)).Policy.Name);
        await window.Page.Locator("summary", new() { HasText = "Apply to 1 request…" }).ClickAsync();
        await window.Press("Apply policies");
        await window.Shows("Active requests now follow the active policies");
        await ReloadSendsNothing(window);
        await window.Shows("Nothing to apply");
        Assert.Equal("everything", (await host.Hub.Find(request.Id)).Policy.Name);
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData("en-GB")]
    [InlineData("de-DE")]
    public async Task On_a_phone_and_in_every_language_the_editor_fits_and_works(string language)
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(
            host.Api,
            host.Root,
            o => (o.Locale, o.ViewportSize) = (language, new ViewportSize { Width = 320, Height = 640 })
        );
        var german = language == "de-DE";
        await window.Go("/policies");
        await window.Page.Locator("#f-text").FillAsync(Good + "# " + new string('x', 200));
        await window.Page.Locator("#f-environment").FillAsync("production");
        await window.Press(german ? "Testen" : "Run test");
        await window.Shows(german ? "2 Genehmigungen nötig" : "2 approvals needed");
        Assert.True(await IsOnScreen(window, "#result"));
        Assert.False(await window.IsTooWide());
        await window.Press(german ? "Änderungen ansehen" : "Review changes");
        Assert.False(await window.IsTooWide());
        await window.Press(german ? "Veröffentlichen" : "Publish");
        await window.Shows(german ? "Version 1 ist aktiv" : "Version 1 is active");
        Assert.False(await window.IsTooWide());
        Assert.Empty(window.Complaints);
    }

    private Task<Window> Open(PagesHost host, bool withScript = true) =>
        chromium.Open(host.Api, host.Root, o => o.JavaScriptEnabled = withScript);

    private static ILocator File(Window window) => window.Page.GetByLabel("Policy file (YAML)");

    private static ILocator Label(Window window, string name) => window.Page.GetByLabel(name, new() { Exact = true });

    private static async Task<string> Text(Window window) =>
        (await File(window).InputValueAsync()).ReplaceLineEndings("\n");

    private static async Task Publish(Window window, string text)
    {
        await window.Go("/policies");
        await File(window).FillAsync(text);
        await window.Press("Review changes");
        await window.Press("Publish");
        await window.Shows("Published. New requests follow this version.");
    }

    private static Task<string> AtCaret(Window window, int length) =>
        File(window)
            .EvaluateAsync<string>(
                "(text, n) => text.value.slice(text.selectionStart, text.selectionStart + n)",
                length
            );

    private static Task<bool> IsOnScreen(Window window, string selector) =>
        window
            .Page.Locator(selector)
            .EvaluateAsync<bool>(
                "one => { const { top } = one.getBoundingClientRect(); return top >= 0 && top < innerHeight - 40; }"
            );

    private static async Task ReloadSendsNothing(Window window)
    {
        var methods = new List<string>();
        void Note(object? sender, IRequest request) => methods.Add(request.Method);
        window.Page.Request += Note;
        await window.Page.ReloadAsync();
        window.Page.Request -= Note;
        Assert.DoesNotContain("POST", methods);
    }
}
