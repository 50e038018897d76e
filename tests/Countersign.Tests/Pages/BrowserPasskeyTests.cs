using System.Text.RegularExpressions;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Passkeys, with an authenticator that the browser plays, and apps as one sets them up.</summary>
[Collection(Chromium.Name)]
public sealed partial class BrowserPasskeyTests(Chromium chromium)
{
    [Fact]
    public async Task A_passkey_is_added_signs_in_after_the_password_and_is_removed()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, options: o => o.BaseURL = Local(host));
        var device = await Authenticator(window);
        await SignIn(window, host.Ann);
        await window.Go("/account");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Set up" }).ClickAsync();
        await window.Page.GetByLabel("Name of the passkey").FillAsync("Work laptop");
        await window.Press("Add passkey");
        await window.Shows("Your recovery codes");
        await window.Shows("Work laptop");
        await window.Press("Sign out");

        await SignIn(window, host.Ann);
        await window.Page.GetByRole(AriaRole.Heading, new() { Name = "Two-factor authentication" }).WaitForAsync();
        await window.Press("Use a passkey");
        await Assertions.Expect(window.Page).ToHaveURLAsync(AtHome());
        Assert.Contains(
            (await host.Hub.Sessions.List(host.Ann.Id, default)).Select(s => s.How),
            how => how == "password+passkey"
        );

        // Without the device, nothing; the page says so and can be tried again.
        await window.Press("Sign out");
        await SignIn(window, host.Ann);
        await device.Remove();
        await window.Press("Use a passkey");
        await window.Shows("The passkey wasn't accepted");
        Assert.Empty(await host.Hub.Sessions.List(host.Ann.Id, default));
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task What_a_passkey_said_to_one_question_is_no_answer_to_another()
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, options: o => o.BaseURL = Local(host));
        await Authenticator(window);
        await SignIn(window, host.Ann);
        await window.Go("/account/two-factor");
        await window.Page.GetByLabel("Name of the passkey").FillAsync("Key");
        await window.Press("Add passkey");
        await window.Shows("Your recovery codes");
        await window.Press("Sign out");

        // The first answer is kept back and sent with the second page's question.
        await SignIn(window, host.Ann);
        await window.Page.EvaluateAsync(
            """
            () => {
              HTMLFormElement.prototype.requestSubmit = function () {
                sessionStorage.setItem("answer", this.elements.credential.value);
              };
            }
            """
        );
        await window.Press("Use a passkey");
        await window.Page.WaitForFunctionAsync("() => sessionStorage.getItem('answer')");
        await SignIn(window, host.Ann);
        await window.Page.EvaluateAsync(
            """
            () => {
              const form = document.querySelector("form[data-passkey]");
              form.elements.credential.value = sessionStorage.getItem("answer");
            }
            """
        );
        await window.Press("Use a passkey");
        await window.Shows("The passkey wasn't accepted");
        Assert.Empty(await host.Hub.Sessions.List(host.Ann.Id, default));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_app_is_set_up_and_asked_for_with_and_without_a_script(bool withScript)
    {
        await using var host = await PagesHost.Start();
        await using var window = await chromium.Open(host.Api, options: o => o.JavaScriptEnabled = withScript);
        await SignIn(window, host.Ann);
        await window.Go("/account/two-factor");
        Assert.False(await window.IsTooWide());
        await window.Page.GetByRole(AriaRole.Img, new() { Name = "QR code for an authenticator app" }).WaitForAsync();
        Assert.Equal(withScript, await window.Page.GetByLabel("Name of the passkey").IsVisibleAsync());
        var key = (await window.Page.Locator(".secret").InnerTextAsync()).Replace(" ", "", StringComparison.Ordinal);
        await window.Page.GetByLabel("Authentication code").FillAsync("123");
        await window.Press("Turn on");
        await window.Shows("Incorrect code, or already used");
        await window.Page.GetByLabel("Authentication code").FillAsync(CodeNow(host, key));
        await window.Press("Turn on");
        await window.Shows("Your recovery codes");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "I've saved the codes" }).ClickAsync();
        await window.Press("Sign out");

        host.Hub.Clock.Advance(TimeSpan.FromSeconds(30));
        await SignIn(window, host.Ann);
        await Assertions.Expect(window.Page.GetByLabel("Authentication code")).ToBeFocusedAsync();
        await window.Page.GetByLabel("Authentication code").FillAsync(CodeNow(host, key));
        await window.Press("Sign in");
        await Assertions.Expect(window.Page).ToHaveURLAsync(AtHome());
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task What_was_typed_waits_for_both_steps_of_signing_in()
    {
        await using var host = await PagesHost.Start();
        var request = await host.Ask();
        await using var window = await chromium.Open(host.Api, host.Ann);
        await window.Go("/account/two-factor");
        var key = (await window.Page.Locator(".secret").InnerTextAsync()).Replace(" ", "", StringComparison.Ordinal);
        await window.Page.GetByLabel("Authentication code").FillAsync(CodeNow(host, key));
        await window.Press("Turn on");
        await window.Shows("Your recovery codes");
        await window.Go($"/requests/{request.Id}");
        await window.Page.Locator("textarea[name=note]").First.FillAsync("A long thought about this");
        await window.Context.ClearCookiesAsync();
        await window.Press("Comment");

        host.Hub.Clock.Advance(TimeSpan.FromSeconds(30));
        await window.Page.GetByLabel("Email").FillAsync(host.Ann.Email!);
        await window.Page.GetByLabel("Password").FillAsync(PagesHost.Password);
        await window.Press("Sign in");
        await window.Page.GetByLabel("Authentication code").FillAsync(CodeNow(host, key));
        await window.Press("Sign in");
        await Assertions.Expect(window.Page.Locator("textarea").First).ToHaveValueAsync("A long thought about this");
    }

    private static async Task SignIn(Window window, Person person)
    {
        await window.Go("/sign-in");
        await window.Page.GetByLabel("Email").FillAsync(person.Email!);
        await window.Page.GetByLabel("Password").FillAsync(PagesHost.Password);
        await window.Press("Sign in");
        await Assertions.Expect(window.Page).Not.ToHaveURLAsync(AtSignIn());
    }

    [GeneratedRegex("//[^/]+/$", RegexOptions.None, 1000)]
    private static partial Regex AtHome();

    [GeneratedRegex("/sign-in$", RegexOptions.None, 1000)]
    private static partial Regex AtSignIn();

    private static string CodeNow(PagesHost host, string key) =>
        Totp.CodeAt(key, Totp.StepAt(host.Hub.Clock.GetUtcNow()));

    /// <summary>Passkeys belong to a name, not to an address.</summary>
    private static string Local(PagesHost host) => $"http://localhost:{host.Api.Address.Port}";

    /// <summary>A security key that answers by itself, for as long as it is plugged in.</summary>
    private static async Task<Device> Authenticator(Window window)
    {
        var browser = await window.Context.NewCDPSessionAsync(window.Page);
        await browser.SendAsync("WebAuthn.enable");
        var added = await browser.SendAsync(
            "WebAuthn.addVirtualAuthenticator",
            new Dictionary<string, object>
            {
                ["options"] = new Dictionary<string, object>
                {
                    ["protocol"] = "ctap2",
                    ["transport"] = "usb",
                    ["hasResidentKey"] = false,
                    ["hasUserVerification"] = true,
                    ["isUserVerified"] = true,
                    ["automaticPresenceSimulation"] = true,
                },
            }
        );
        return new Device(browser, added!.Value.GetProperty("authenticatorId").GetString()!);
    }

    private sealed record Device(ICDPSession Browser, string Id)
    {
        /// <summary>It knows nothing any more, so it can prove nothing.</summary>
        public async Task Remove() =>
            await Browser.SendAsync(
                "WebAuthn.clearCredentials",
                new Dictionary<string, object> { ["authenticatorId"] = Id }
            );
    }
}
