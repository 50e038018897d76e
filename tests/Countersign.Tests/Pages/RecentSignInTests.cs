using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>An open browser is not enough to make a token, override a policy or change who may sign in.</summary>
public sealed partial class RecentSignInTests
{
    private const string Password = PagesHost.Password;

    [Theory, BothEngines]
    public async Task What_was_typed_is_kept_while_its_author_signs_in_again(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        var boss = await host.Hub.AddPerson("Boss", Role.Admin, Password);
        var request = await host.Ask();
        using var browser = await host.Api.SignIn(boss);
        host.Hub.Clock.Advance(RecentSignIn.Lasts);

        var asked = await browser.Submit(
            $"/requests/{request.Id}",
            $"/requests/{request.Id}/break-glass",
            ("digest", request.Digest),
            ("reason", "The shop is down and no one else is here")
        );
        Assert.Equal(403, asked.Status);
        Assert.Contains("Sign in again", asked.Text, StringComparison.Ordinal);
        Assert.Contains($"value=\"{boss.Email}\"", asked.Text, StringComparison.Ordinal);
        Assert.Equal(Requests.Status.Active, (await host.Hub.Find(request.Id)).Status);

        var wrong = await browser.Post(
            "/sign-in",
            [.. Hidden(asked), ("email", boss.Email!), ("password", "not the right one")]
        );
        Assert.Equal(401, wrong.Status);
        var again = await browser.Post("/sign-in", [.. Hidden(wrong), ("email", boss.Email!), ("password", Password)]);
        Assert.Equal(409, again.Status);
        Assert.Contains("The shop is down and no one else is here", again.Text, StringComparison.Ordinal);
        Assert.Equal(Requests.Status.Active, (await host.Hub.Find(request.Id)).Status);

        var done = await browser.Post(
            $"/requests/{request.Id}/break-glass",
            [.. Hidden(again), ("reason", "The shop is down and no one else is here")]
        );
        Assert.Equal((302, $"/requests/{request.Id}"), (done.Status, done.Location));
        Assert.Equal(Requests.Status.Approved, (await host.Hub.Find(request.Id)).Status);
        // The new session took the place of the old one.
        Assert.Single(await host.Hub.Sessions.List(boss.Id, default));
    }

    [Fact]
    public async Task Every_such_form_and_call_asks_for_it_and_no_other_does()
    {
        await using var host = await PagesHost.Start();
        using var browser = await host.Api.SignIn(host.Root);
        using var token = await host.Api.Person(host.Root);
        var (ben, request) = (host.Ben, await host.Ask());
        (string Path, (string, string)[] Form)[] sensitive =
        [
            ("/tokens", [("do", "add")]),
            ($"/requests/{request.Id}/break-glass", [("reason", "x")]),
            ("/people", [("do", "add-person"), ("role", "agent")]),
            ($"/people/{ben.Id}", [("do", "profile"), ("name", "Ben Approver"), ("role", "admin")]),
            ($"/people/{ben.Id}", [("do", "password")]),
            ($"/people/{ben.Id}", [("do", "enable")]),
            ($"/people/{ben.Id}", [("do", "disable")]),
        ];
        (HttpMethod Method, string Path, string Body)[] calls =
        [
            (HttpMethod.Post, "/api/v1/tokens", """{"email":"nobody@example.test"}"""),
            (HttpMethod.Post, "/api/v1/people", """{"email":"x","name":"X"}"""),
            (HttpMethod.Post, "/api/v1/people/import", """{"people":[{"email":"x","role":"admin"}]}"""),
            (HttpMethod.Put, $"/api/v1/people/{ben.Email}/role", """{"role":"agent"}"""),
            (HttpMethod.Put, $"/api/v1/people/{ben.Email}/password", """{"password":"x"}"""),
            (HttpMethod.Post, $"/api/v1/people/{ben.Email}/enable", "{}"),
            (HttpMethod.Post, $"/api/v1/people/nobody@example.test/disable", "{}"),
            (HttpMethod.Post, $"/api/v1/requests/{request.Id}/break-glass", """{"reason":"x"}"""),
        ];
        var csrf = (await browser.Get("/account")).Token!;
        async Task<int> Call((HttpMethod Method, string Path, string Body) call)
        {
            using var message = new HttpRequestMessage(call.Method, call.Path)
            {
                Content = new StringContent(call.Body, Encoding.UTF8, "application/json"),
            };
            message.Headers.Add("X-CSRF-Token", csrf);
            var answer = await browser.Send(message);
            Assert.Equal(answer.Status == 403, answer.Text.Contains(RecentSignIn.Rule, StringComparison.Ordinal));
            return answer.Status;
        }

        host.Hub.Clock.Advance(RecentSignIn.Lasts - TimeSpan.FromSeconds(1));
        foreach (var call in calls)
            Assert.NotEqual(403, await Call(call));
        host.Hub.Clock.Advance(TimeSpan.FromSeconds(1));
        foreach (var (path, form) in sensitive)
        {
            var asked = await browser.Submit("/account", path, form);
            Assert.True(asked.Status == 403 && asked.Text.Contains("Sign in again", StringComparison.Ordinal), path);
        }
        foreach (var call in calls)
        {
            Assert.Equal(403, await Call(call));
            Assert.NotEqual(
                403,
                (
                    await token.Send(
                        call.Method,
                        call.Path,
                        new StringContent(call.Body, Encoding.UTF8, "application/json")
                    )
                ).Status
            );
        }
        foreach (
            var (path, form) in new (string, (string, string)[])[]
            {
                ($"/people/{ben.Id}", [("do", "profile"), ("name", "Ben Approver"), ("role", "agent")]),
                ($"/requests/{request.Id}", [("do", "comment"), ("note", "x")]),
                ("/people", [("do", "add-group"), ("group", "Ops")]),
                ("/sessions", [("do", "end-others")]),
            }
        )
        {
            Assert.Equal(302, (await browser.Submit("/account", path, form)).Status);
        }
    }

    [Fact]
    public async Task A_provider_must_say_that_it_asked_just_now()
    {
        await using var provider = await IdentityProvider.Start();
        await using var host = await ApiHost.Start(Engine.Sqlite, provider.Settings);
        IdentityProvider.ShareClock(host.Hub);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin);
        using var browser = host.Browser();
        await IdentityProvider.Walk(browser.Http, new Uri(host.Address, "/sign-in/oidc"), "ann");

        // The provider said nothing of when it asked, so this is no proof, however recent.
        var asked = await browser.Submit("/account", "/tokens", ("do", "add"), ("back", "/account"));
        Assert.Equal(403, asked.Status);
        var way = WebUtility.HtmlDecode(OidcLink().Match(asked.Text).Groups["to"].Value);
        Assert.Contains("again=true", way, StringComparison.Ordinal);
        var there = (await browser.Get(way)).Location!;
        Assert.Contains("prompt=login", there, StringComparison.Ordinal);
        Assert.Contains("max_age=0", there, StringComparison.Ordinal);
        var landed = await IdentityProvider.Walk(browser.Http, new Uri(host.Address, way), "ann");
        Assert.Equal("/sign-in/kept", landed.AbsolutePath);
        var kept = await browser.Get("/sign-in/kept");
        Assert.Equal("/tokens/new", (await browser.Post("/tokens", [.. Hidden(kept)])).Location);
        var made = await browser.Get("/tokens/new");
        Assert.True(made.Status == 200 && made.Text.Contains("cst_", StringComparison.Ordinal), made.Text);
        Assert.Equal(Session.ByProviderJustNow, Assert.Single(await host.Hub.Sessions.List(ann.Id, default)).How);
    }

    /// <summary>The hidden fields of the first form on a page.</summary>
    private static IEnumerable<(string, string)> Hidden(Browser.Page page)
    {
        var form = page.Text[page.Text.IndexOf("<main", StringComparison.Ordinal)..];
        form = form[form.IndexOf("<form", StringComparison.Ordinal)..];
        form = form[..form.IndexOf("</form>", StringComparison.Ordinal)];
        return HiddenField()
            .Matches(form)
            .Select(m =>
                (WebUtility.HtmlDecode(m.Groups["name"].Value), WebUtility.HtmlDecode(m.Groups["value"].Value))
            );
    }

    [GeneratedRegex(
        "<input type=\"hidden\" name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex HiddenField();

    [GeneratedRegex("href=\"(?<to>/sign-in/oidc[^\"]*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OidcLink();
}
