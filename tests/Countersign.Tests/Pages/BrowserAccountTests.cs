using System.Globalization;
using Countersign.People;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Signing in, and the settings of a person, as one goes through them in a browser.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserAccountTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_signs_in_with_the_keyboard_alone_and_a_wrong_password_is_typed_again_where_the_focus_is(
        bool withScript
    )
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, options: o => o.JavaScriptEnabled = withScript);
        await window.Go("/account");
        if (withScript)
            await window.IsPainted();
        // The browser puts the focus there by itself, a moment after it has the page.
        await Assertions.Expect(window.Page.GetByLabel("Email")).ToBeFocusedAsync();
        await window.Page.Keyboard.TypeAsync(host.Ann.Email!);
        await window.Page.Keyboard.PressAsync("Tab");
        await window.Page.Keyboard.TypeAsync("not the password");
        await window.Page.Keyboard.PressAsync("Enter");
        await window.Shows("Incorrect email or password");
        Assert.Equal("password", await Focused(window));
        Assert.Equal(host.Ann.Email, await window.Page.GetByLabel("Email").InputValueAsync());
        await window.Page.Keyboard.TypeAsync(PagesHost.Password);
        await window.Page.Keyboard.PressAsync("Enter");
        await window.Shows(host.Ann.Email!);
        Assert.EndsWith("/account", window.Page.Url, StringComparison.Ordinal);
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pages_speak_the_browsers_language_until_their_reader_chooses_another(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(
            host.Api,
            options: o => (o.Locale, o.JavaScriptEnabled) = ("de-AT", withScript)
        );
        await window.Go("/sign-in?to=/account");
        await window.Page.GetByRole(AriaRole.Heading, new() { Name = "Anmelden" }).WaitForAsync();
        Assert.Equal("de", await window.Page.Locator("html").GetAttributeAsync("lang"));
        await window.Press("English");
        await window.Page.GetByLabel("Email").FillAsync(host.Ann.Email!);
        await window.Page.GetByLabel("Password").FillAsync(PagesHost.Password);
        await window.Press("Sign in");
        // The choice holds after signing in, and is made again on the account page.
        await window.Page.GetByRole(AriaRole.Heading, new() { Name = "Out of office" }).WaitForAsync();
        await window.Page.GetByLabel("Language").SelectOptionAsync("");
        await Save(window, "Save");
        await window.Page.GetByRole(AriaRole.Heading, new() { Name = "Abwesenheit" }).WaitForAsync();
        await window.Shows("Änderungen gespeichert");
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Theme_and_time_zone_are_the_readers_choice(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(
            host.Api,
            host.Ann,
            o => (o.JavaScriptEnabled, o.ColorScheme) = (withScript, ColorScheme.Light)
        );
        await window.Go("/account");
        var light = await Background(window);
        await window.Page.GetByLabel("Theme").SelectOptionAsync("dark");
        await window.Page.GetByLabel("Time zone").SelectOptionAsync("America/New_York");
        await Save(window, "Save");
        await window.Shows("Changes saved");
        Assert.NotEqual(light, await Background(window));
        var signedIn = window.Page.Locator("#sessions time:not([data-relative])").First;
        var there = TimeZoneInfo.ConvertTime(
            DateTimeOffset.Parse(
                (await signedIn.GetAttributeAsync("datetime"))!,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal
            ),
            TimeZoneInfo.FindSystemTimeZoneById("America/New_York")
        );
        Assert.Contains(
            there.ToString("HH:mm", CultureInfo.InvariantCulture),
            await signedIn.InnerTextAsync(),
            StringComparison.Ordinal
        );
        await window.Page.GetByLabel("Theme").SelectOptionAsync("");
        await Save(window, "Save");
        await window.Shows("Changes saved");
        Assert.Equal(light, await Background(window));
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refused_form_says_why_beside_the_field_where_the_focus_is_and_leads_there_from_the_top(
        bool withScript
    )
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(
            host.Api,
            host.Ann,
            o => (o.JavaScriptEnabled, o.ViewportSize) = (withScript, new ViewportSize { Width = 390, Height = 700 })
        );
        await window.Go("/account");
        await window.Page.GetByLabel("Current password").FillAsync("not the password");
        await window.Page.GetByLabel("New password").FillAsync("three words together");
        await window.Press("Change password");
        await window.Page.Locator("#f-current-password-error").WaitForAsync();
        Assert.Equal("f-current-password", await Focused(window));
        Assert.Equal("#f-current-password", await window.Page.Locator(".notice.danger a").GetAttributeAsync("href"));
        Assert.True(await window.Page.Locator("#f-current-password-error").IsVisibleAsync());
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task An_admin_finds_a_person_changes_name_and_role_at_once_and_reaches_every_button_on_a_phone()
    {
        await using var host = await PagesHost.Start();
        Some.Done(await host.Hub.Tokens.Add(host.Ben.Email!, Some.Operator, default));
        await using var window = await chromium.Open(
            host.Api,
            host.Root,
            o => o.ViewportSize = new ViewportSize { Width = 320, Height = 640 }
        );
        await window.Go("/people");
        await window.Page.GetByRole(AriaRole.Searchbox).FillAsync("ben app");
        await window.Press("Search");
        Assert.Equal(1, await window.Page.Locator("tbody tr").CountAsync());
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Ben Approver" }).ClickAsync();
        await window.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("Ben Releaser");
        await window.Page.GetByLabel("Role").SelectOptionAsync("admin");
        await Save(window, "Save");
        await window.Shows("Changes saved");
        await window.Page.GetByRole(AriaRole.Heading, new() { Name = "Ben Releaser" }).WaitForAsync();
        Assert.Equal("admin", await window.Page.GetByLabel("Role").InputValueAsync());

        foreach (var path in new[] { "/tokens", "/sessions", "/people", "/groups" })
        {
            await window.Go(path);
            foreach (var button in await window.Page.Locator("main summary, main button, main a").AllAsync())
            {
                if (await button.BoundingBoxAsync() is { } box)
                    Assert.True(box.X >= 0 && box.X + box.Width <= 320, $"{path}: {await button.InnerTextAsync()}");
            }
        }
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task A_new_token_is_shown_once_and_reloading_makes_no_other()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/account");
        await window.Press("Create token");
        await window.Shows("It won't be shown again");
        Assert.StartsWith("cst_", await window.Page.Locator("#once").InputValueAsync(), StringComparison.Ordinal);
        await window.Page.ReloadAsync();
        Assert.EndsWith("/account#tokens", window.Page.Url, StringComparison.Ordinal);
        Assert.Single(await host.Hub.Tokens.List(default, host.Ann.Id));
        await window.Page.GetByText("Revoke…").ClickAsync();
        await window.Press("Revoke token 1");
        await window.Shows("Token revoked");
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Who_is_signed_in_is_never_offered_to_sign_in()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, host.Root);
        foreach (var path in new[] { "/mail/" + new string('A', 120), "/set-up?key=csu_guessed", "/set-up" })
        {
            await window.Go(path);
            await window.Shows("This link is invalid or has expired");
            Assert.Equal(0, await window.Page.GetByText("Sign in", new() { Exact = true }).CountAsync());
        }
    }

    [Fact]
    public async Task The_list_of_people_is_exported_as_it_was_searched()
    {
        await using var host = await PagesHost.Start();
        await host.Hub.AddPerson("=HYPERLINK(1)", Role.EndUser);
        using var admin = await host.Api.SignIn(host.Root);
        var all = (await admin.Get("/people.csv")).Text;
        Assert.Contains("Ann Approver", all, StringComparison.Ordinal);
        Assert.DoesNotContain(",=HYPERLINK", all, StringComparison.Ordinal);
        var some = (await admin.Get("/people.csv?text=rita")).Text.TrimEnd().Split('\n');
        Assert.Equal(2, some.Length);
        Assert.Contains("Rita Requester", some[1], StringComparison.Ordinal);
    }

    private static Task<string> Focused(Window window) =>
        window.Page.EvaluateAsync<string>("() => document.activeElement.id");

    private static Task<string> Background(Window window) =>
        window.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");

    /// <summary>The first form's button of this name.</summary>
    private static Task Save(Window window, string name) =>
        window.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true }).First.ClickAsync();
}
