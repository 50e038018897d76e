using Countersign.Requests;
using Countersign.SignIn;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// Both ways to sign in, as a person goes them in a browser: the identity provider's own pages are in between.
/// </summary>
[Collection(Chromium.Name)]
public sealed class BrowserSignInTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_the_provider_and_with_the_password_one_lands_where_one_wanted_to_go(bool withScript)
    {
        await using var provider = await IdentityProvider.Start();
        await using var host = await PagesHost.Start(
            Engine.Sqlite,
            [.. provider.Settings, ("Oidc:Name", "Example Login")]
        );
        IdentityProvider.ShareClock(host.Hub);
        var request = await host.Ask();
        await using var window = await Open(host, withScript);
        await window.Go($"/approvals?approvalID={request.ExternalId}");
        await SignInThere(window);
        Assert.EndsWith($"/requests/{request.Id}", window.Page.Url, StringComparison.Ordinal);
        await window.Press("Approve");
        await window.Shows("You approved this");
        Assert.Equal(host.Ann.Id, Assert.Single(await host.Hub.Decisions(request.Id)).PersonId);

        await window.Press("Sign out");
        await window.Go("/account");
        await window.Page.GetByLabel("Email").FillAsync(host.Ann.Email!);
        await window.Page.GetByLabel("Password").FillAsync(PagesHost.Password);
        await window.Press("Sign in");
        Assert.EndsWith("/account", window.Page.Url, StringComparison.Ordinal);
        await window.Shows(host.Ann.Email!);
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_typed_before_the_session_ended_waits_while_one_signs_in_with_the_provider(
        bool withScript
    )
    {
        await using var provider = await IdentityProvider.Start();
        await using var host = await PagesHost.Start(
            Engine.Sqlite,
            [.. provider.Settings, ("Oidc:Name", "Example Login")]
        );
        IdentityProvider.ShareClock(host.Hub);
        var request = await host.Ask();
        await using var window = await Open(host, withScript);
        await window.Go("/");
        await SignInThere(window);
        await window.Go($"/requests/{request.Id}");
        const string words = "First line, \"quoted\" <b> &amp; ü\nsecond line & more";
        await window.Note(words);
        await window.Context.ClearCookiesAsync(new() { Name = SessionCookie.Name });
        await window.Press("Reject");
        await window.Shows("You were signed out");
        await SignInThere(window);
        await window.Shows("You were about to reject");
        Assert.Equal(words, await window.Page.GetByLabel("Comment").InputValueAsync());
        // However often it is looked at.
        await window.Page.ReloadAsync();
        Assert.Equal(words, await window.Page.GetByLabel("Comment").InputValueAsync());
        Assert.Empty(await host.Hub.Decisions(request.Id));
        await window.Press("Submit");
        await window.Shows("You rejected this");
        var decision = Assert.Single(await host.Hub.Decisions(request.Id));
        Assert.Equal((words, Answer.Reject), (decision.Note, decision.Answer));
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task A_text_too_long_to_take_along_stays_in_its_tab_and_a_form_that_is_not_ours_is_none()
    {
        await using var provider = await IdentityProvider.Start();
        await using var host = await PagesHost.Start(Engine.Sqlite, provider.Settings);
        using var browser = host.Api.Browser();
        var path = $"/requests/{(await host.Ask()).Id}";
        string Words(int count) =>
            string.Join(
                ' ',
                Enumerable.Range(0, count).Select(i => Convert.ToHexString(BitConverter.GetBytes(i * 2654435761L)))
            );
        Assert.Contains(
            "to=%2Fsign-in%2Fkept",
            (await browser.Post(path, ("do", "comment"), ("note", Words(20)))).Text,
            StringComparison.Ordinal
        );
        var tooLong = await browser.Post(path, ("do", "comment"), ("note", Words(2000)));
        Assert.Contains("in a new tab", tooLong.Text, StringComparison.Ordinal);
        Assert.Contains(Words(2000), tooLong.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("to=%2Fsign-in%2Fkept", tooLong.Text, StringComparison.Ordinal);

        using var ann = await host.Api.SignIn(host.Ann);
        Assert.Equal("/", (await ann.Get("/sign-in/kept")).Location);
        ann.Cookies.Add(
            host.Api.Address,
            new System.Net.Cookie("countersign_kept", "bm90IHNlYWxlZCBieSB1cw", "/sign-in/kept")
        );
        Assert.Equal("/", (await ann.Get("/sign-in/kept")).Location);
    }

    /// <summary>The provider's pages ask for a font from elsewhere; a test goes nowhere.</summary>
    private async Task<Window> Open(PagesHost host, bool withScript)
    {
        var window = await chromium.Open(host.Api, options: o => o.JavaScriptEnabled = withScript);
        await window.Context.RouteAsync(
            url => !new Uri(url).IsLoopback,
            route => route.FulfillAsync(new() { ContentType = "text/css", Body = "" })
        );
        return window;
    }

    /// <summary>Through the provider's pages; the second time it may know the person still.</summary>
    private static async Task SignInThere(Window window)
    {
        var here = new Uri(window.Page.Url).Authority;
        await Follow(window, window.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in with Example Login" }));
        while (new Uri(window.Page.Url).Authority != here)
        {
            if (await window.Page.Locator("input[name=login]").CountAsync() > 0)
            {
                await window.Page.Locator("input[name=login]").FillAsync("approver");
                await window.Page.Locator("input[name=password]").FillAsync("anything");
            }
            await Follow(window, window.Page.Locator("button[type=submit]"));
        }
    }

    private static async Task Follow(Window window, ILocator to)
    {
        var before = window.Page.Url;
        await to.ClickAsync();
        await Assertions.Expect(window.Page).Not.ToHaveURLAsync(before);
        // A page on the way may be left before all of it has loaded, so its loading is not waited for: each page of
        // the provider and of the hub has a button, after everything that is looked for here.
        await window.Page.Locator("button").First.WaitForAsync(new() { State = WaitForSelectorState.Attached });
    }
}
