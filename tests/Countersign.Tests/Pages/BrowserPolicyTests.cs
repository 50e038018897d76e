using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// An admin writes the policy file in a browser: what is wrong with it, putting it in force, asking who would decide.
/// </summary>
[Collection(Chromium.Name)]
public sealed class BrowserPolicyTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_with_mistakes_says_where_and_how_to_mend_them_and_a_good_one_is_in_force_and_explained(
        bool withScript
    )
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Root, o => o.JavaScriptEnabled = withScript);
        await window.Go("/policies");
        await window.Shows("None was set yet.");
        var file = window.Page.GetByLabel("Policy file (YAML)");
        const string Mistaken = """
            version: 1
            policies:
              - name: production
                when: { enviroment: [production] }
                steps: [ { need: 0, from: { groups: [SRE] } } ]
            """;
        await file.FillAsync(Mistaken);
        await window.Press("Put in force");
        await window.Shows("Nothing was set.");
        var rows = window.Page.Locator("table").Filter(new() { HasText = "What to do" }).Locator("tbody tr");
        Assert.Equal(2, await rows.CountAsync());
        // Line and column, that it is a mistake, where in the file's words, what, by which rule, and the way out.
        var first = await rows.First.InnerTextAsync();
        foreach (var part in new[] { "4:13", "Mistake", "production", "enviroment", "unknown-key", "environment" })
            Assert.Contains(part, first, StringComparison.Ordinal);
        Assert.Contains("5:22", await rows.Last.InnerTextAsync(), StringComparison.Ordinal);
        // What was typed is still there, and nothing is in force.
        Assert.Equal(
            Mistaken.ReplaceLineEndings("\n"),
            (await file.InputValueAsync()).ReplaceLineEndings("\n").TrimEnd()
        );
        Assert.Equal(0, await host.Hub.Place.Count("policy_files"));

        await file.FillAsync(
            Mistaken
                .Replace("enviroment", "environment", StringComparison.Ordinal)
                .Replace("need: 0", "need: 2", StringComparison.Ordinal)
                .Replace("[SRE]", "[SRE, ghosts]", StringComparison.Ordinal)
        );
        await window.Press("Check");
        await window.Shows("Nothing is wrong with this file: 1 policy.");
        await window.Shows("There is no group ghosts yet.");
        Assert.Equal(0, await host.Hub.Place.Count("policy_files"));
        await window.Press("Put in force");
        await window.Shows("Version 1 is in force.");

        await window.Page.GetByLabel("Who asks (e-mail address)").FillAsync(host.Ann.Email!);
        await window.Page.GetByLabel("Facts", new() { Exact = true }).FillAsync("environment: production");
        await window.Press("Explain");
        await window.Shows("The policy \"production\" decides.");
        await window.Shows("2 approvals needed");
        var who = await window.Page.Locator("#explain").InnerTextAsync();
        foreach (
            var part in new[]
            {
                "production: 2 of 2",
                "Ann Approver asks, and may not decide",
                "Ben Approver",
                "the group ghosts is not there yet",
                "It could never pass",
            }
        )
        {
            Assert.Contains(part, who.Replace("SRE", "production", StringComparison.Ordinal), StringComparison.Ordinal);
        }
        await window.Page.GetByLabel("Facts", new() { Exact = true }).FillAsync("environment: test");
        await window.Press("Explain");
        await window.Shows("No policy of the file matches. Decided by: one admin.");
        await window.Shows(
            "Not \"production\" (line 3): environment is \"test\", and the policy requires \"production\"."
        );

        // Somebody who edits what another has changed meanwhile hears of it and loses nothing.
        await using var other = await chromium.Open(host.Api, host.Root);
        await other.Go("/policies");
        await other.Page.GetByLabel("Policy file (YAML)").FillAsync("version: 1\npolicies: []\n");
        await other.Press("Put in force");
        await other.Shows("Version 2 is in force.");
        await file.FillAsync("version: 1\npolicies: [ { name: mine, steps: [ { from: { groups: [SRE] } } ] } ]");
        await window.Press("Put in force");
        await window.Shows("Version 2 was set by somebody else meanwhile.");
        Assert.Contains("name: mine", await file.InputValueAsync(), StringComparison.Ordinal);
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Applying_it_to_active_requests_is_looked_at_first()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask("Open the new checkout");
        await using var window = await chromium.Open(host.Api, host.Root);
        await window.Go("/policies");
        await window
            .Page.GetByLabel("Policy file (YAML)")
            .FillAsync(
                "version: 1\npolicies: [ { name: everything, steps: [ { name: both, need: 2, from: { groups: "
                    + "[SRE] } } ] } ]"
            );
        await window.Press("Put in force");
        await window.Press("See what it would change");
        await window.Shows("What it would change");
        await window.Shows("→ everything");
        Assert.NotEqual("everything", (await host.Hub.Find(request.Id)).Policy.Name);
        await window.Page.Locator("summary", new() { HasText = "Apply to active requests" }).ClickAsync();
        await window.Press("Apply to active requests");
        await window.Shows("What it changed");
        Assert.Equal("everything", (await host.Hub.Find(request.Id)).Policy.Name);
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Open the new checkout" }).ClickAsync();
        await window.Shows("put it under the policy that is in force now");
        Assert.Empty(window.Complaints);
    }
}
