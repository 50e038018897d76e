using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.Outcomes;
using Countersign.Pages.Help;
using Countersign.Pages.Onboarding;
using Countersign.People;
using Countersign.Policies;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// What a new hub still lacks is shown to its admins until it is complete; and help comes with the hub.
/// </summary>
[Collection(Chromium.Name)]
public sealed partial class OnboardingTests(Chromium chromium)
{
    [Theory, BothEngines]
    public async Task The_checklist_turns_green_by_itself_and_an_admin_dismisses_it_for_all(Engine engine)
    {
        await using var box = new MailBox();
        await using var host = await ApiHost.Start(
            engine,
            ("PublicUrl", "http://approvals.example.test"),
            ("Email:Host", "127.0.0.1"),
            ("Email:Port", $"{box.Port}"),
            ("Email:Security", "none"),
            ("Email:From", "approvals@example.test")
        );
        var root = await host.Hub.AddPerson("Root", Role.Admin);
        var checklist = host.Services.GetRequiredService<SetUpChecklist>();
        async Task<SetUpProgress> Progress() => (await checklist.Progress(default))!;
        using var admin = await host.SignIn(root);
        Assert.Contains("1 of 6 done", (await admin.Get("/")).Text, StringComparison.Ordinal);
        var early = await admin.Submit("/", "/get-started");
        Assert.Equal("/get-started", early.Location);

        var ann = await host.Hub.AddPerson("Ann");
        var source = await host.Hub.AddSource("pipeline");
        using var caller = host.Source(source);
        await caller.Post("/api/v1/requests", new { subject = "Turn on dark mode" });
        await host
            .Services.GetRequiredService<PolicyFiles>()
            .Set(
                "version: 1\npolicies:\n  - name: all\n    steps:\n      - name: one\n        need: 1\n"
                    + "        from: { groups: [SRE] }\n",
                null,
                Some.Operator,
                default
            );
        await Eventually.True(async () => (await Progress()).IsComplete, "every step is done");
        Assert.Contains("6 of 6 done", (await admin.Get("/")).Text, StringComparison.Ordinal);
        using var agent = await host.SignIn(ann);
        Assert.DoesNotContain("6 of 6 done", (await agent.Get("/")).Text, StringComparison.Ordinal);
        Assert.Equal(404, (await agent.Get("/get-started")).Status);

        Assert.Equal("/?done=setUpDismissed", (await admin.Submit("/", "/get-started")).Location);
        Assert.DoesNotContain("6 of 6 done", (await admin.Get("/")).Text, StringComparison.Ordinal);
        Assert.Equal("/", (await admin.Get("/get-started")).Location);
        Assert.True((await host.Services.GetRequiredService<Verify>().Run(null)).Ok);
    }

    [Theory]
    [InlineData("en-GB", "Connect a source", "Add source")]
    [InlineData("de-DE", "Quelle verbinden", "Quelle hinzufügen")]
    public async Task An_open_checklist_shows_a_step_as_done_without_a_reload(
        string language,
        string step,
        string button
    )
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var root = await host.Hub.AddPerson("Root", Role.Admin);
        await using var window = await chromium.Open(
            host,
            root,
            o =>
            {
                o.Locale = language;
                o.ViewportSize = new ViewportSize { Width = 390, Height = 800 };
            }
        );
        await window.Go("/");
        await window.Page.Locator(".set-up-card a").ClickAsync();
        Assert.False(await window.IsTooWide());
        var done = window.Page.Locator(".checklist > li.done", new() { HasText = step });
        Assert.Equal(0, await done.CountAsync());
        Assert.True(await window.Page.GetByRole(AriaRole.Link, new() { Name = button }).IsVisibleAsync());
        await host.Hub.AddSource("pipeline");
        await done.WaitForAsync();
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Help_pages_come_with_the_hub_and_every_link_to_them_leads_somewhere()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var browser = await host.SignIn(await host.Hub.AddPerson("Ann"));
        var pages = new Dictionary<string, string>();
        foreach (var name in HelpDocuments.Names)
        {
            var page = await browser.Get($"/help/{name}");
            Assert.Equal(200, page.Status);
            pages[name] = page.Text;
        }
        var links = OnboardingModel
            .Of(new SetUpProgress(false, false, false, false, false, false))
            .Steps.Select(s => (s.Help, s.Anchor))
            .Concat(
                from page in pages
                from Match link in Link().Matches(page.Value)
                select (link.Groups["page"] is { Success: true } of ? of.Value : page.Key, link.Groups["hash"].Value)
            );
        foreach (var (page, hash) in links)
        {
            if (hash is { Length: > 0 })
                Assert.Contains($"id=\"{hash}\"", pages[page], StringComparison.Ordinal);
        }
        Assert.Contains("<table>", pages["launchdarkly"], StringComparison.Ordinal);
        Assert.Equal(404, (await browser.Get("/help/flow")).Status);
        Assert.Equal(404, (await browser.Get("/help/..%2Fapi")).Status);
    }

    [GeneratedRegex("href=\"(/help/(?<page>[a-z]+))?#(?<hash>[^\"]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Link();
}
