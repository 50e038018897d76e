using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests;

/// <summary>A second factor after the password, in browsers without scripts: codes of an app, recovery codes.</summary>
public sealed partial class SecondFactorTests
{
    private const string Password = "correct horse battery",
        Page = "/account/two-factor",
        Step = "/sign-in/second-step";

    [Theory, BothEngines]
    public async Task Who_has_an_app_is_asked_for_a_code_that_works_once(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = await SignIn(host, ann);
        using var elsewhere = await host.SignIn(ann);
        var (key, codes) = await SetUp(host, browser);
        Assert.Equal(RecoveryCodes.Count, codes.Count);
        // The codes were shown once, and the other session has ended.
        Assert.DoesNotContain(codes[0], (await browser.Get(Page)).Text, StringComparison.Ordinal);
        Assert.Equal(302, (await elsewhere.Get("/account")).Status);

        using var next = host.Browser();
        var sent = await next.Submit(
            "/sign-in",
            "/sign-in",
            ("email", ann.Email!),
            ("password", Password),
            ("to", "/account?tab=tokens")
        );
        Assert.Equal((302, $"{Step}?to=%2Faccount%3Ftab%3Dtokens"), (sent.Status, sent.Location));
        // Half a sign-in opens nothing.
        Assert.Equal(302, (await next.Get("/account")).Status);
        Assert.Equal(401, (await Enter(next, "000000")).Status);
        // The code that set the app up has been used.
        Assert.Equal(401, (await Enter(next, CodeNow(host, key))).Status);
        host.Hub.Clock.Advance(TimeSpan.FromSeconds(30));
        var code = CodeNow(host, key);
        var entered = await Enter(next, $"{code[..3]} {code[3..]}", "/account?tab=tokens");
        Assert.Equal((302, "/account?tab=tokens"), (entered.Status, entered.Location));
        Assert.Equal(200, (await next.Get("/account")).Status);

        using var thief = host.Browser();
        await First(thief, ann);
        Assert.Equal(401, (await Enter(thief, code)).Status);
        // One step late is fine, and then what came before it is over.
        host.Hub.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(302, (await Enter(thief, Totp.CodeAt(key, Totp.StepAt(host.Hub.Clock.GetUtcNow()) - 1))).Status);
        Assert.Contains(
            (await host.Hub.Sessions.List(ann.Id, default)).Select(s => s.How),
            how => how == "password+app"
        );
    }

    [Theory, BothEngines]
    public async Task A_recovery_code_signs_in_once_and_new_ones_end_the_old_ones(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = await SignIn(host, ann);
        var (_, codes) = await SetUp(host, browser);

        using var next = host.Browser();
        await First(next, ann);
        Assert.Equal(302, (await Enter(next, codes[3].ToUpperInvariant().Replace('-', ' '))).Status);
        using var again = host.Browser();
        await First(again, ann);
        Assert.Equal(401, (await Enter(again, codes[3])).Status);

        Assert.Equal(302, (await browser.Submit(Page, Page, ("do", "codes"))).Status);
        var renewed = Shown((await browser.Get(Page)).Text);
        Assert.Equal(RecoveryCodes.Count, renewed.Count);
        Assert.Equal(401, (await Enter(again, codes[4])).Status);
        Assert.Equal(302, (await Enter(again, renewed[0])).Status);
        Assert.Equal(
            [
                "person.added",
                "session.started",
                "person.second_factor_added",
                "person.recovery_codes_made",
                "person.recovery_code_used",
                "session.started",
                "person.recovery_codes_made",
                "person.recovery_code_used",
                "session.started",
            ],
            (await host.Hub.Place.Events($"person:{ann.Id}")).Select(e => e.Kind)
        );
    }

    [Theory, BothEngines]
    public async Task Guessing_codes_is_slowed_down_per_person_from_however_many_browsers(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = await SignIn(host, ann);
        var (key, _) = await SetUp(host, browser);
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < SignInAttempts.MaxPerAccount; i++)
        {
            using var one = host.Browser();
            await First(one, ann);
            Assert.Equal(401, (await Enter(one, $"{i:D6}")).Status);
        }
        using var last = host.Browser();
        await First(last, ann);
        var limited = await Enter(last, CodeNow(host, key));
        Assert.Equal(429, limited.Status);
        Assert.NotNull(limited.Headers.RetryAfter);
        host.Hub.Clock.Advance(SignInAttempts.Window);
        Assert.Equal(302, (await Enter(last, CodeNow(host, key))).Status);

        await host.Services.GetRequiredService<FailedSignIns>().FlushOnce(DateTimeOffset.MaxValue);
        Assert.Contains((await host.Hub.Place.Events("hub")).Select(e => e.Kind), kind => kind == "sign_in.failed");
    }

    [Theory, BothEngines]
    public async Task A_password_alone_opens_no_other_door_for_who_has_a_second_factor(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin, Password);
        await host.Noticed();
        // It is remembered as right, and still counts no longer a moment later.
        Assert.Equal(200, await PasswordSettingsTests.Basic(host, $"{ann.Email}:{Password}"));
        using var browser = await SignIn(host, ann);
        await SetUp(host, browser);
        await host.Noticed();

        Assert.Equal(401, await PasswordSettingsTests.Basic(host, $"{ann.Email}:{Password}"));
        using var token = await host.Person(ann);
        Assert.Equal(200, (await token.Get("/api/v1/people")).Status);
        Assert.Null(
            await host
                .Services.GetRequiredService<Sessions>()
                .Start(ann.Id, "password", new ClientInfo("page", "::1", "a test"), default)
        );
        Assert.Null(
            await host
                .Services.GetRequiredService<Sessions>()
                .Start(ann.Id, "mail", new ClientInfo("page", "::1", "a test"), default)
        );
    }

    [Theory, BothEngines]
    public async Task What_the_first_step_proved_must_still_hold_at_the_second(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = await SignIn(host, ann);
        var (key, _) = await SetUp(host, browser);
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));

        using var old = host.Browser();
        await First(old, ann);
        Some.Done(await host.Hub.People.SetPassword(ann.Email!, "another one entirely", Some.Operator, default));
        Assert.StartsWith("/sign-in?", (await Enter(old, CodeNow(host, key))).Location, StringComparison.Ordinal);

        using var slow = host.Browser();
        await host.Noticed();
        await First(slow, ann, "another one entirely");
        var form = await slow.Get(Step);
        host.Hub.Clock.Advance(PendingSignIns.Lasts);
        Assert.StartsWith(
            "/sign-in?",
            (await slow.Post(Step, (Browser.TokenField, form.Token!), ("code", CodeNow(host, key)))).Location,
            StringComparison.Ordinal
        );

        using var disabled = host.Browser();
        await First(disabled, ann, "another one entirely");
        await host.Hub.Disable(ann);
        Assert.StartsWith("/sign-in?", (await disabled.Get(Step)).Location, StringComparison.Ordinal);
        using var stranger = host.Browser();
        Assert.StartsWith("/sign-in?", (await stranger.Get(Step)).Location, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task An_admin_resets_a_second_factor_and_every_session_ends(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (ann, root) = (
            await host.Hub.AddPerson("Ann", password: Password),
            await host.Hub.AddPerson("Root", Role.Admin)
        );
        using var admin = await host.Person(root);
        using var window = await host.SignIn(root);
        foreach (var byPage in new[] { false, true })
        {
            using var browser = await SignIn(host, ann);
            await SetUp(host, browser);
            Assert.Equal("true", (await Listed(admin, ann))["secondFactor"]!.ToString());
            if (byPage)
            {
                var path = $"/people/{ann.Id}";
                Assert.Contains("Reset two-factor", (await window.Get(path)).Text, StringComparison.Ordinal);
                Assert.Equal(302, (await window.Submit(path, path, ("do", "reset-two-factor"))).Status);
            }
            else
            {
                Assert.Equal(204, (await admin.Delete($"/api/v1/people/{ann.Email}/second-factor")).Status);
            }
            Assert.Empty(await host.Hub.Sessions.List(ann.Id, default));
            Assert.Equal(302, (await browser.Get("/account")).Status);
            Assert.Equal("false", (await Listed(admin, ann))["secondFactor"]!.ToString());
        }
        Assert.Equal(422, (await admin.Delete($"/api/v1/people/{ann.Email}/second-factor")).Status);
        Assert.Equal(404, (await admin.Delete("/api/v1/people/nobody@example.test/second-factor")).Status);
        using var agent = await host.Person(ann);
        Assert.Equal(403, (await agent.Delete($"/api/v1/people/{root.Email}/second-factor")).Status);
        Assert.Equal(
            2,
            (await host.Hub.Place.Events($"person:{ann.Id}")).Count(e => e.Kind == "person.second_factor_reset")
        );
    }

    [Theory, BothEngines]
    public async Task Where_it_is_required_nobody_signs_in_without_setting_one_up(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("Passwords:SecondFactor", "required"));
        var ann = await host.Hub.AddPerson("Ann", Role.Admin, Password);
        await host.Noticed();
        // Not a session from before it was required, nor Basic authentication.
        var before = await host.Hub.Sessions.Start(
            ann.Id,
            "password",
            new ClientInfo("page", "::1", "a test"),
            default
        );
        using (var old = new Browser(host.Address, before!.Secret))
            Assert.Equal(302, (await old.Get("/account")).Status);
        Assert.Equal(401, await PasswordSettingsTests.Basic(host, $"{ann.Email}:{Password}"));

        using var browser = host.Browser();
        var sent = await First(browser, ann);
        Assert.Equal(Step, sent.Location);
        var page = await browser.Get(Step);
        Assert.Contains("Set up two-factor authentication", page.Text, StringComparison.Ordinal);
        var (key, hidden) = (KeyOn(page.Text), HiddenOn(page.Text));
        var wrong = await browser.Submit(Step, Step, ("do", "set-up"), ("key", hidden), ("code", "000000"));
        // With the same key again, since the app has it already.
        Assert.Equal((401, key), (wrong.Status, KeyOn(wrong.Text)));
        var entered = await browser.Submit(
            Step,
            Step,
            ("do", "set-up"),
            ("key", hidden),
            ("code", CodeNow(host, key)),
            ("to", "/people")
        );
        Assert.Equal((302, $"{Page}?next=%2Fpeople"), (entered.Status, entered.Location));
        var shown = (await browser.Get(entered.Location!)).Text;
        Assert.Equal(RecoveryCodes.Count, Shown(shown).Count);
        Assert.Contains("href=\"/people\"", shown, StringComparison.Ordinal);
        Assert.Equal(200, (await browser.Get("/people")).Status);
        // The last one stays.
        var id = FactorId().Match(shown).Groups["id"].Value;
        Assert.Equal(422, (await browser.Submit(Page, Page, ("do", "remove"), ("id", id))).Status);

        // Who has one can't set up another in place of proving it.
        host.Hub.Clock.Advance(TimeSpan.FromMinutes(1));
        using var thief = host.Browser();
        await First(thief, ann);
        Assert.Equal(
            401,
            (await thief.Submit(Step, Step, ("do", "set-up"), ("key", hidden), ("code", CodeNow(host, key)))).Status
        );
        Assert.Equal(302, (await Enter(thief, CodeNow(host, key))).Status);
    }

    [Theory, BothEngines]
    public async Task The_first_admin_of_a_hub_that_requires_it_sets_it_up_at_once(Engine engine)
    {
        await using var host = await ApiHost.Start(engine, ("Passwords:SecondFactor", "required"));
        var link = await host.Services.GetRequiredService<SetUpLink>().Make(default);
        using var browser = host.Browser();
        var made = await browser.Submit(
            $"/set-up?key={link}",
            "/set-up",
            ("key", link!),
            ("name", "Root"),
            ("email", "root@example.test"),
            ("password", Password)
        );
        Assert.Equal((302, Step), (made.Status, made.Location));
        Assert.Equal(302, (await browser.Get("/people")).Status);
        var page = (await browser.Get(Step)).Text;
        Assert.Equal(
            302,
            (
                await browser.Submit(
                    Step,
                    Step,
                    ("do", "set-up"),
                    ("key", HiddenOn(page)),
                    ("code", CodeNow(host, KeyOn(page)))
                )
            ).Status
        );
        Assert.Equal(200, (await browser.Get("/people")).Status);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("x", "{}")]
    [InlineData("", "not json")]
    [InlineData("", "{\"id\":\"AA\",\"rawId\":\"AA\",\"type\":\"public-key\",\"response\":{}}")]
    public async Task What_is_no_answer_of_a_passkey_adds_none_and_signs_nobody_in(string state, string answer)
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = await SignIn(host, ann);
        await SetUp(host, browser);
        Assert.Equal(
            422,
            (
                await browser.Submit(
                    Page,
                    Page,
                    ("do", "add-passkey"),
                    ("name", "Key"),
                    ("state", state),
                    ("credential", answer)
                )
            ).Status
        );
        using var next = host.Browser();
        await First(next, ann);
        Assert.Equal(
            401,
            (await next.Submit(Step, Step, ("do", "passkey"), ("state", state), ("credential", answer))).Status
        );
        Assert.Equal(1, await host.Hub.Place.Number("SELECT count(*) FROM second_factors"));
    }

    [Fact]
    public async Task A_key_that_another_person_was_shown_is_not_taken()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var (ann, ben) = (
            await host.Hub.AddPerson("Ann", password: Password),
            await host.Hub.AddPerson("Ben", password: Password)
        );
        using var hers = await SignIn(host, ann);
        using var his = await SignIn(host, ben);
        var page = (await his.Get(Page)).Text;
        var (key, hidden) = (KeyOn(page), HiddenOn(page));
        Assert.Equal(
            422,
            (await hers.Submit(Page, Page, ("do", "add-app"), ("key", hidden), ("code", CodeNow(host, key)))).Status
        );
        // Nor one's own after a quarter of an hour, nor any without a recent sign-in.
        host.Hub.Clock.Advance(RecentSignIn.Lasts);
        Assert.Equal(
            403,
            (await his.Submit(Page, Page, ("do", "add-app"), ("key", hidden), ("code", CodeNow(host, key)))).Status
        );
        Assert.Equal(0, await host.Hub.Place.Number("SELECT count(*) FROM second_factors"));
    }

    private static async Task<Browser> SignIn(ApiHost host, Person person)
    {
        await host.Noticed();
        return await host.SignIn(person);
    }

    /// <summary>Sets an app up on the account page; its key, and the recovery codes.</summary>
    internal static async Task<(string Key, IReadOnlyList<string> Codes)> SetUp(ApiHost host, Browser browser)
    {
        var page = (await browser.Get(Page)).Text;
        var key = KeyOn(page);
        var added = await browser.Submit(
            Page,
            Page,
            ("do", "add-app"),
            ("key", HiddenOn(page)),
            ("code", CodeNow(host, key))
        );
        Assert.Equal((302, $"{Page}?done=changed"), (added.Status, added.Location));
        return (key, Shown((await browser.Get(Page)).Text));
    }

    private static async Task<Browser.Page> First(Browser browser, Person person, string password = Password)
    {
        var sent = await browser.Submit("/sign-in", "/sign-in", ("email", person.Email!), ("password", password));
        Assert.Equal((302, Step), (sent.Status, sent.Location));
        return sent;
    }

    private static Task<Browser.Page> Enter(Browser browser, string code, string to = "/") =>
        browser.Submit(Step, Step, ("code", code), ("to", to));

    private static string CodeNow(ApiHost host, string key) =>
        Totp.CodeAt(key, Totp.StepAt(host.Hub.Clock.GetUtcNow()));

    private static string KeyOn(string page) =>
        KeyShown().Match(page).Groups["key"].Value.Replace(" ", "", StringComparison.Ordinal);

    private static string HiddenOn(string page) => KeyField().Match(page).Groups["value"].Value;

    private static IReadOnlyList<string> Shown(string page) => [.. OneCode().Matches(page).Select(m => m.Value)];

    private static async Task<System.Text.Json.Nodes.JsonNode> Listed(ApiClient admin, Person person) =>
        (await admin.Get("/api/v1/people")).Json["people"]!
            .AsArray()
            .Single(p => p!["email"]!.ToString() == person.Email)!;

    [GeneratedRegex("class=\"secret\">(?<key>[A-Z2-7 ]+)<", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex KeyShown();

    [GeneratedRegex("name=\"key\" value=\"(?<value>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex KeyField();

    [GeneratedRegex("[2-9a-z]{4}(-[2-9a-z]{4}){5}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OneCode();

    [GeneratedRegex("name=\"id\" value=\"(?<id>\\d+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FactorId();
}
