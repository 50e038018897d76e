using Countersign.Requests;
using Countersign.SignIn;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// People decide in a browser: with and without a script, on a phone, by keyboard, after they were signed out.
/// </summary>
[Collection(Chromium.Name)]
public sealed class BrowserDecisionTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task From_the_button_in_LaunchDarkly_through_signing_in_to_an_approval(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(change: s =>
            s with
            {
                SentBy = SentBy.LaunchDarkly,
                Facts = """
                    {"environment":"production","environment.name":"Production","flag.name":"New checkout",
                    "link":"https://app.launchdarkly.com/x"}
                    """,
            }
        );
        await using var window = await chromium.Open(host.Api, options: o => o.JavaScriptEnabled = withScript);
        await window.Go($"/approvals?approvalID={request.ExternalId}");
        await window.Page.GetByLabel("Email").FillAsync(host.Ann.Email!);
        await window.Page.GetByLabel("Password").FillAsync(PagesHost.Password);
        await window.Press("Sign in");
        Assert.EndsWith($"/requests/{request.Id}", window.Page.Url, StringComparison.Ordinal);
        await window.Shows("Change New checkout");
        await window.Shows("Rita Requester");
        await window.Note("Looks right.");
        await window.Press("Approve");
        await window.Shows("You approved this");
        await window.Shows("LaunchDarkly sees this within five minutes, or as soon as its page is reloaded.");
        Assert.Equal(
            "https://app.launchdarkly.com/x",
            await window.Page.GetByText("Open in LaunchDarkly").GetAttributeAsync("href")
        );
        Assert.Equal(Status.Approved, (await host.Hub.Find(request.Id)).Status);
        var decision = Assert.Single(await host.Hub.Decisions(request.Id));
        Assert.Equal(("Looks right.", "page", host.Ann.Id), (decision.Note, decision.Via, decision.PersonId));
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task A_rejection_without_a_reason_comes_back_and_says_so_beside_the_field()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go($"/requests/{request.Id}");
        await window.Press("Reject");
        // The browser itself asks for it and leads there.
        var note = window.Page.GetByLabel("Comment", new() { Exact = true });
        await Assertions.Expect(note).ToBeFocusedAsync();
        Assert.Empty(await host.Hub.Decisions(request.Id));
        await note.EvaluateAsync("field => field.required = false");
        await window.Press("Reject");
        await window.Shows("Add a comment that says why you reject this request.");
        await Assertions.Expect(note).ToBeFocusedAsync();
        await Assertions.Expect(note).ToBeInViewportAsync();
        Assert.Equal("true", await note.GetAttributeAsync("aria-invalid"));
        Assert.Contains("note-error", await note.GetAttributeAsync("aria-describedby"), StringComparison.Ordinal);
        Assert.Empty(await host.Hub.Decisions(request.Id));
        await window.Note("Not before the sale.\nAsk again on Monday.");
        await window.Press("Reject");
        await window.Shows("You rejected this");
        Assert.Equal(
            "Not before the sale.\nAsk again on Monday.",
            Assert.Single(await host.Hub.Decisions(request.Id)).Note
        );
    }

    [Fact]
    public async Task On_a_small_phone_nothing_needs_scrolling_sideways_and_a_thumb_decides()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask(
            "https://example.test/" + new string('x', 300),
            change: s =>
                s with
                {
                    Message =
                        new string('m', 500) + "\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-" + new string('a', 200) + "\n+b",
                    Facts = $$"""{"{{new string('k', 90)}}":"{{new string('v', 400)}}"}""",
                }
        );
        await using var window = await chromium.Open(
            host.Api,
            host.Ann,
            o => (o.ViewportSize, o.HasTouch, o.IsMobile) = (new ViewportSize { Width = 320, Height = 560 }, true, true)
        );
        foreach (
            var path in new[]
            {
                "/",
                "/?status=active&text=x",
                $"/requests/{request.Id}",
                "/new",
                "/account",
                "/nothing",
            }
        )
        {
            await window.Go(path);
            Assert.False(await window.IsTooWide(), path + " is too wide");
        }
        await window.Go("/");
        await window.Page.Locator(".subject").First.TapAsync();
        var approve = window.Page.GetByRole(AriaRole.Button, new() { Name = "Approve", Exact = true });
        await Assertions.Expect(approve).ToBeInViewportAsync();
        await approve.TapAsync();
        await Assertions.Expect(window.Page.GetByLabel("Comment", new() { Exact = true })).ToBeInViewportAsync();
        await approve.TapAsync();
        await window.Shows("Approved ✓");
    }

    [Fact]
    public async Task By_keyboard_alone_one_finds_opens_and_answers()
    {
        await using var host = await PagesHost.Start();
        var older = await host.Ask("The older one");
        await host.Ask("The newer one");
        await using var window = await chromium.Open(host.Api, host.Ann);
        var keys = window.Page.Keyboard;
        await window.Go("/");
        await window.IsPainted();
        await window.Key("?", "() => document.querySelector('dialog[open]')?.textContent.includes('Go to Approve')");
        await window.Key("Escape", "() => !document.querySelector('dialog[open]')");
        foreach (var (key, row) in new[] { ("j", "The older one"), ("j", "The newer one"), ("k", "The older one") })
        {
            await window.Key(key, $"() => document.activeElement.textContent.trim() === '{row}'");
        }
        await window.Key("Enter", $"() => location.pathname === '/requests/{older.Id}'");
        await window.IsPainted();
        await window.Key("r", "() => document.activeElement.name === 'note'");
        await keys.TypeAsync("Needs a plan to go back.");
        await window.Key("Escape", "() => document.activeElement === document.body");
        await window.Key("r", "() => document.activeElement.textContent === 'Reject'");
        await window.Key("Enter", "() => document.body.innerText.includes('You rejected this')");
        Assert.Equal(Status.Rejected, (await host.Hub.Find(older.Id)).Status);
        await window.Go("/");
        await window.IsPainted();
        await window.Key("/", "() => document.activeElement.type === 'search'");
        await keys.TypeAsync("newer");
        await keys.PressAsync("Enter");
        await window.Shows("Search: newer");
        Assert.Equal("The newer one", await window.Page.Locator(".subject").InnerTextAsync());
        Assert.Contains("text=newer", window.Page.Url, StringComparison.Ordinal);
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Signed_out_in_mid_form_nothing_typed_is_lost_and_nothing_is_sent_unasked(bool withScript)
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        await using var window = await chromium.Open(host.Api, host.Ann, o => o.JavaScriptEnabled = withScript);
        await window.Go($"/requests/{request.Id}");
        const string words = "First line, \"quoted\" <b>\nsecond line & more";
        await window.Note(words);
        await window.Context.ClearCookiesAsync(new() { Name = SessionCookie.Name });
        await window.Press("Approve");
        await window.Shows("You were signed out");
        Assert.Empty(await host.Hub.Decisions(request.Id));
        await window.Page.GetByLabel("Email").FillAsync(host.Ann.Email!);
        await window.Page.GetByLabel("Password").FillAsync(PagesHost.Password);
        await window.Press("Sign in");
        await window.Shows("You were about to approve");
        Assert.Empty(await host.Hub.Decisions(request.Id));
        Assert.Equal(words, await window.Page.GetByLabel("Comment").InputValueAsync());
        await window.Press("Submit");
        await window.Shows("You approved this");
        Assert.Equal(words, Assert.Single(await host.Hub.Decisions(request.Id)).Note);
    }

    [Fact]
    public async Task An_agent_asks_on_a_page_and_whoever_asks_may_withdraw_with_a_reason()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Rita);
        await window.Go("/new");
        await window.Page.GetByLabel("Title").FillAsync("A laptop for Lukas");
        await window.Page.GetByLabel("Description").FillAsync("The old one is broken.");
        await window.Page.GetByLabel("Reviewer").SelectOptionAsync(new SelectOptionValue { Label = "SRE" });
        await window.Press("Submit request");
        await window.Shows("Requesters can't approve their own requests");
        Assert.Equal(
            0,
            await window.Page.GetByRole(AriaRole.Button, new() { Name = "Approve", Exact = true }).CountAsync()
        );
        var id = RequestId.Of(window.Page.Url[^26..]);
        Assert.Equal(
            (SentBy.Page, host.Sre.Id),
            ((await host.Hub.Find(id)).SentBy, (await host.Hub.Find(id)).AssigneeGroup)
        );
        await window.Press("Withdraw");
        await Assertions.Expect(window.Page.GetByLabel("Comment", new() { Exact = true })).ToBeFocusedAsync();
        await window.Note("Found a spare one.");
        await window.Press("Withdraw");
        await window.Shows("Withdrawn. No action needed.");
        await window.Shows("Found a spare one.");
    }
}
