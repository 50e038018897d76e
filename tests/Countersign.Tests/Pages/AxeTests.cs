using System.Text.Json;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>axe finds nothing serious on any page, in light and in dark.</summary>
[Collection(Chromium.Name)]
public sealed class AxeTests(Chromium chromium)
{
    [Fact]
    public async Task Nothing_serious_on_any_page_in_either_colour_scheme()
    {
        using var npm = await Npm.Install("axe-core@4");
        var axe = await File.ReadAllTextAsync(
            Path.Combine(npm.Folder, "node_modules", "axe-core", "axe.min.js"),
            TestContext.Current.CancellationToken
        );
        await using var full = await FullHub.Start("Platform team");
        var host = full.Pages;
        await using var stranger = await chromium.Open(host.Api, options: Plain);
        await using var window = await chromium.Open(host.Api, host.Root, Plain);
        await using var ann = await chromium.Open(host.Api, host.Ann, Plain);
        var found = new List<string>();
        await Look(stranger, ["/sign-in", "/nothing-here", "/verify"]);
        await Look(ann, ["/"]);

        var decided = await host.Ask(
            "An approved one",
            change: s =>
                s with
                {
                    Message =
                        "- one\n- two\n\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n "
                        + "same\n-old\n+new\n\nhttps://example.test/x",
                }
        );
        await host.Hub.Approve(decided, host.Ben);
        var open = await host.Ask(
            "One that waits",
            need: 2,
            change: s => s with { Facts = """{"environment":"production","form.risk":"low"}""" }
        );
        await host.Hub.Approve(open, host.Ben);
        await host.Hub.Comment.Run(open.Id, Some.Viewer(host.Ben), "Is there a way back?", default);
        var revised = await host.Ask("Serve 10 percent");
        await host.Hub.Submit.Run(
            (Some.Submission(revised.Policy) with { ExternalId = revised.ExternalId })
                .Saying("Serve 90 percent")
                .AskedBy(host.Rita),
            Some.Origin,
            null,
            default
        );

        await Look(
            ann,
            [
                "/",
                "/?text=one",
                "/?show=asked",
                "/?text=nothing+like+this",
                "/new",
                "/account",
                $"/requests/{decided.Id}",
                $"/requests/{open.Id}",
                $"/requests/{revised.Id}?seen={revised.Digest}",
            ]
        );
        await ann.Go($"/requests/{open.Id}");
        await ann.Page.EvaluateAsync("() => { document.getElementById('note').required = false; }");
        await ann.Press("Reject");
        await ann.Shows("Add a comment that says why");
        await Check(ann, "a refused rejection");
        foreach (var path in full.Paths)
        {
            await window.Go(path);
            // Open, they show all that a page has.
            await window.Page.EvaluateAsync(
                "() => { for (const one of document.querySelectorAll('main details')) one.open = true; }"
            );
            await Check(window, path);
        }
        // No page is forgotten: everything that the navigation leads to was looked at.
        Assert.Empty(
            (
                await window
                    .Page.Locator(".rail a[href]:not(.menu-close)")
                    .EvaluateAllAsync<string[]>("links => links.map(link => link.getAttribute('href'))")
            ).Except(full.Paths)
        );
        foreach (var name in new[] { "Platform team", "Another source" })
        {
            await window.Go("/sources/new");
            await window.Page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
            await window.Press("Add source");
            await Check(window, $"adding the source {name}");
        }
        await window.Go("/audit");
        await window.Press("Verify now");
        await Check(window, "a verified record");
        await window.Page.Locator(".audit-log summary").First.ClickAsync();
        await window.Page.Locator(".audit-log a[href*='kind=']").First.ClickAsync();
        await Check(window, "a filtered record");
        await window.Go("/policies");
        await window.Page.Locator("#f-text").FillAsync("version: 1\npolicies: [ { name: x, stepz: 1 } ]\n");
        await window.Press("Run test");
        await Check(window, "a policy file with errors");
        await window
            .Page.Locator("#f-text")
            .FillAsync("version: 1\npolicies: [ { name: x, steps: [ { from: { groups: [SRE] } } ] } ]\n");
        await window.Press("Run test");
        await Check(window, "a tested policy");
        await window.Press("Review changes");
        await Check(window, "the changes of a policy file");
        Assert.True(found.Count == 0, string.Join("\n", found));

        async Task Look(Window at, string[] paths)
        {
            foreach (var path in paths)
            {
                await at.Go(path);
                await Check(at, path);
            }
        }

        async Task Check(Window at, string where)
        {
            foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
            {
                await at.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
                await at.Page.EvaluateAsync("script => { if (!window.axe) (0, eval)(script); }", axe);
                // A scheme changes colors only, so the other rules are asked once.
                var rules = scheme == ColorScheme.Dark ? "runOnly: ['color-contrast'], " : "";
                var result = await at.Page.EvaluateAsync<JsonElement>(
                    $$"""
                    async () => (await axe.run(document, { {{rules}}resultTypes: ['violations'] })).violations
                        .map(v => [v.impact, v.id, v.nodes.map(n => n.html).join(' | ')])
                    """
                );
                found.AddRange(
                    result
                        .EnumerateArray()
                        .Where(v => v[0].GetString() is "serious" or "critical" or "moderate")
                        .Select(v => $"{where} in {scheme}: {v[1]} {v[2]}")
                );
            }
        }
    }

    /// <summary>
    /// The measuring tool is put into the page past its policy; without the script's own work, which needs none of it.
    /// </summary>
    private static void Plain(BrowserNewContextOptions options) => options.BypassCSP = true;
}
