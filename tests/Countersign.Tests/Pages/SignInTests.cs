using System.Net;
using Countersign.Audit;
using Countersign.Hosting;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>People sign in and out, in browsers without scripts.</summary>
public sealed class SignInTests
{
    private const string Password = "correct horse battery";

    [Theory, BothEngines]
    public async Task One_signs_in_lands_where_one_wanted_to_go_and_stays_signed_in_on_every_node_and_after_a_restart(
        Engine engine
    )
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = host.Browser();
        var sent = await browser.Get("/account?tab=tokens");
        Assert.Equal((302, "/sign-in?to=%2Faccount%3Ftab%3Dtokens"), (sent.Status, sent.Location));

        var entered = await browser.Submit(
            sent.Location!,
            "/sign-in",
            ("email", ann.Email!),
            ("password", Password),
            ("to", "/account?tab=tokens")
        );
        Assert.Equal((302, "/account?tab=tokens"), (entered.Status, entered.Location));
        Assert.Contains("Ann", (await browser.Get("/account")).Text, StringComparison.Ordinal);
        // Who is signed in already is not asked again.
        Assert.Equal("/account", (await browser.Get("/sign-in?to=/account")).Location);

        await using var other = await ApiHost.Start(host.Hub);
        using var there = new Browser(
            other.Address,
            browser.Cookies.GetCookies(host.Address)[SessionCookie.Name]!.Value
        );
        Assert.Equal(200, (await there.Get("/account")).Status);
        Assert.Equal(
            ["person.added", "session.started"],
            (await host.Hub.Place.Events($"person:{ann.Id}")).Select(e => e.Kind)
        );
    }

    [Theory]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("/\t/evil.example")]
    [InlineData("https://evil.example/")]
    [InlineData("evil.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/..//evil.example")]
    [InlineData("/a/../..//evil.example")]
    [InlineData("/%09/evil.example")]
    [InlineData("")]
    public async Task Nobody_is_sent_anywhere_but_here(string to)
    {
        Assert.True(LocalPath.Of(to) is null or ['/', not ('/' or '\\'), ..], to);
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = host.Browser();
        var entered = await browser.Submit(
            $"/sign-in?to={Uri.EscapeDataString(to)}",
            "/sign-in",
            ("email", ann.Email!),
            ("password", Password),
            ("to", to)
        );
        Assert.Equal(302, entered.Status);
        var landed = new Uri(host.Address, entered.Location);
        Assert.Equal((host.Address.Host, host.Address.Port, "http"), (landed.Host, landed.Port, landed.Scheme));
        Assert.StartsWith("/", entered.Location, StringComparison.Ordinal);
        Assert.False(entered.Location!.StartsWith("//", StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task A_wrong_password_an_unknown_and_a_disabled_account_hear_the_same_and_leave_a_trace(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        var ben = await host.Hub.AddPerson("Ben", password: Password);
        await host.Hub.Disable(ben);
        await host.Hub.AddPerson("Cleo");
        using var browser = host.Browser();
        var answers = new List<(int, string, string?)>();
        foreach (
            var (email, password) in new[]
            {
                (ann.Email!, "a wrong one entirely"),
                ("nobody@example.test", Password),
                (ben.Email!, Password),
                (Some.Email("Cleo"), Password),
                (ann.Email!, ""),
            }
        )
        {
            var refused = await browser.Submit("/sign-in", "/sign-in", ("email", email), ("password", password));
            answers.Add((refused.Status, WithoutHoles(refused.Text, email), refused.Location));
        }
        Assert.Equal(401, Assert.Single(answers.Distinct()).Item1);
        Assert.Empty(await host.Hub.Sessions.List(null, default));

        await host.Services.GetRequiredService<FailedSignIns>().FlushOnce(DateTimeOffset.MaxValue);
        var failures = (await host.Hub.Place.Events("hub")).Where(e => e.Kind == "sign_in.failed").ToList();
        Assert.Equal(4, failures.Count);
        Assert.All(failures, f => Assert.Equal("page", f.Via));
    }

    [Theory, BothEngines]
    public async Task Guessing_is_slowed_down_per_account_and_address_and_says_when_to_go_on(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = host.Browser();
        foreach (var email in new[] { ann.Email!, "nobody@example.test" })
        {
            for (var i = 0; i < SignInAttempts.MaxPerAccount; i++)
            {
                Assert.Equal(
                    401,
                    (
                        await browser.Submit(
                            "/sign-in",
                            "/sign-in",
                            ("email", email),
                            ("password", $"guess number {i}")
                        )
                    ).Status
                );
            }
            // The right one is not looked at either, so guessing on is of no use.
            var limited = await browser.Submit("/sign-in", "/sign-in", ("email", email), ("password", Password));
            Assert.Equal(429, limited.Status);
            Assert.NotNull(limited.Headers.RetryAfter);
        }
        host.Hub.Clock.Advance(SignInAttempts.Window);
        Assert.Equal(
            302,
            (await browser.Submit("/sign-in", "/sign-in", ("email", ann.Email!), ("password", Password))).Status
        );
    }

    [Theory, BothEngines]
    public async Task Signing_out_ends_the_session_and_not_only_its_cookie(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann");
        using var browser = await host.SignIn(ann);
        var secret = browser.Cookies.GetCookies(host.Address)[SessionCookie.Name]!.Value;
        Assert.Equal(409, (await browser.Post("/sign-out")).Status);
        Assert.Single(await host.Hub.Sessions.List(ann.Id, default));

        Assert.Equal("/sign-in", (await browser.Submit("/account", "/sign-out")).Location);
        using var thief = new Browser(host.Address, secret);
        Assert.Equal(302, (await thief.Get("/account")).Status);
        Assert.Equal(
            ["person.added", "session.started", "session.ended"],
            (await host.Hub.Place.Events($"person:{ann.Id}")).Select(e => e.Kind)
        );
    }

    [Theory, BothEngines]
    public async Task A_person_who_is_disabled_or_gets_another_password_is_out_at_once_everywhere(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        await using var other = await ApiHost.Start(host.Hub);
        var (ann, ben) = (
            await host.Hub.AddPerson("Ann", password: Password),
            await host.Hub.AddPerson("Ben", password: Password)
        );
        foreach (
            var (person, end) in new (Person, Func<Task>)[]
            {
                (ann, () => host.Hub.Disable(ann)),
                (ben, () => host.Hub.People.SetPassword(ben.Email!, "another one entirely", Some.Operator, default)),
            }
        )
        {
            using var here = await host.SignIn(person);
            using var there = await other.SignIn(person);
            Assert.Equal((200, 200), (await Api(here), await Api(there)));
            await end();
            Assert.Equal((401, 401), (await Api(here), await Api(there)));
            Assert.Null(
                await host.Hub.Sessions.Start(
                    person.Id,
                    "password",
                    new ClientInfo("page", "", ""),
                    default,
                    "an older hash"
                )
            );
        }
        Assert.Null(await host.Hub.Sessions.Start(ann.Id, "oidc", new ClientInfo("page", "", ""), default));
        Assert.Equal(0, await host.Hub.Place.Count("sessions"));
    }

    [Theory, BothEngines]
    public async Task A_session_ends_when_it_was_quiet_for_long_and_after_its_longest_time_however_much_it_is_used(
        Engine engine
    )
    {
        await using var host = await ApiHost.Start(engine, ("Sessions:Idle", "1d"), ("Sessions:Longest", "3d"));
        var ann = await host.Hub.AddPerson("Ann");
        using var quiet = await host.SignIn(ann);
        using var busy = await host.SignIn(ann);
        for (var i = 0; i < 3; i++)
        {
            host.Hub.Clock.Advance(TimeSpan.FromHours(23));
            Assert.Equal(200, await Api(busy));
            await host.Services.GetRequiredService<LastUse>().WriteOnce();
        }
        Assert.Equal(401, await Api(quiet));
        host.Hub.Clock.Advance(TimeSpan.FromHours(3));
        Assert.Equal(401, await Api(busy));
        // The server cleans up by itself, too; whichever does it, each session ends once.
        await host.Services.GetRequiredService<Sessions>().EndExpired(default);
        await Eventually.True(async () => await host.Hub.Place.Count("sessions") == 0, "both sessions are gone");
        Assert.Equal(2, (await host.Hub.Place.Events($"person:{ann.Id}")).Count(e => e.Kind == "session.ended"));
    }

    [Theory, BothEngines]
    public async Task The_quietest_session_makes_room_when_somebody_has_too_many(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        for (var i = 0; i < Sessions.MaxPerPerson + 2; i++)
        {
            hub.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.NotNull(
                await hub.Sessions.Start(
                    ann.Id,
                    "password",
                    new ClientInfo("page", "127.0.0.1", new string('x', 5000)),
                    default
                )
            );
        }
        var open = await hub.Sessions.List(ann.Id, default);
        Assert.Equal(Sessions.MaxPerPerson, open.Count);
        Assert.DoesNotContain(open, s => s.Id <= 2);
    }

    [Theory, BothEngines]
    public async Task A_session_opens_the_apis_and_what_changes_something_must_carry_the_token_of_our_pages(
        Engine engine
    )
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin);
        var request = await host.Hub.Ask(ann.AsApprover);
        using var browser = await host.SignIn(ann);
        Assert.Equal(200, await Api(browser));
        var decision = $"/api/v1/requests/{request.Id.Value}/decisions";
        foreach (var token in new[] { null, "", "undefined", "CfDJ8wrong" })
        {
            Assert.Equal(
                403,
                (await Json(browser, HttpMethod.Post, decision, """{"answer":"approve"}""", token)).Status
            );
        }
        Assert.Equal(["request.submitted"], await host.Hub.Kinds(request.Id));

        var me = System.Text.Json.Nodes.JsonNode.Parse((await browser.Get("/api/v2/users/me.json")).Text)!["user"]!;
        Assert.Equal(ann.Id, (long)me["id"]!);
        var mine = me["authenticity_token"]!.ToString();
        // Somebody else's token is none.
        using var eve = await host.SignIn(await host.Hub.AddPerson("Eve", Role.Admin));
        Assert.Equal(
            403,
            (
                await Json(
                    eve,
                    HttpMethod.Patch,
                    $"/api/v2/approval_workflow_instances/1/approval_requests/{request.Id.Value}/decision",
                    """{"status":"approved"}""",
                    mine
                )
            ).Status
        );
        var decided = await Json(
            browser,
            HttpMethod.Patch,
            $"/api/v2/approval_workflow_instances/1/approval_requests/{request.Id.Value}/decision",
            """{"status":"approved","notes":""}""",
            mine
        );
        Assert.True(decided.Status == 200, decided.Text);
        Assert.Equal(Requests.Status.Approved, (await host.Hub.Find(request.Id)).Status);

        // A source's door has no sessions.
        Assert.Equal(401, (await browser.Get("/api/members")).Status);
    }

    [Fact]
    public async Task The_cookie_is_out_of_reach_for_scripts_and_other_sites_and_plain_http()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("PathBase", "/hub"));
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = host.Browser();
        var entered = await browser.Submit(
            "/hub/sign-in",
            "/hub/sign-in",
            ("email", ann.Email!),
            ("password", Password),
            ("to", "/account")
        );
        Assert.Equal("/hub/account", entered.Location);
        var cookie = Assert.Single(
            entered.Headers.GetValues("Set-Cookie"),
            c => c.StartsWith(SessionCookie.Name, StringComparison.Ordinal)
        );
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("path=/hub", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secure", cookie, StringComparison.OrdinalIgnoreCase);

        using var behindTls = host.Browser();
        behindTls.Http.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        var page = await behindTls.Get("/hub/sign-in");
        Assert.All(
            page.Headers.GetValues("Set-Cookie"),
            c => Assert.Contains("secure", c, StringComparison.OrdinalIgnoreCase)
        );
        var safe = page.Headers.GetValues("Set-Cookie").Select(c => c.Split(';')[0]).First();
        behindTls.Http.DefaultRequestHeaders.Add("Cookie", safe);
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                [Browser.TokenField] = page.Token!,
                ["email"] = ann.Email!,
                ["password"] = Password,
            }
        );
        var done = await behindTls.Send(
            new HttpRequestMessage(HttpMethod.Post, "/hub/sign-in")
            {
                Content = form,
                Headers = { { "Sec-Fetch-Site", "same-origin" } },
            }
        );
        Assert.Contains(
            "secure",
            Assert.Single(
                done.Headers.GetValues("Set-Cookie"),
                c => c.StartsWith("__Secure-" + SessionCookie.Name, StringComparison.Ordinal)
            ),
            StringComparison.OrdinalIgnoreCase
        );
    }

    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/sign-in?to=%2Fapprovals%3FapprovalID%3Dx")]
    public async Task Pages_take_nothing_from_elsewhere_and_are_shown_in_no_frame(string path)
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var browser = host.Browser();
        var page = await browser.Get(path);
        var policy = string.Join(";", page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.True(page.Headers.Contains("Referrer-Policy"));
        Assert.True(page.Headers.CacheControl!.NoStore);
    }

    [Theory, BothEngines]
    public async Task A_sign_in_that_came_from_no_page_of_ours_is_not_taken(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        using var browser = host.Browser();
        Assert.Equal(400, (await browser.Post("/sign-in", ("email", ann.Email!), ("password", Password))).Status);
        Assert.Equal(
            200,
            (
                await browser.Send(
                    new HttpRequestMessage(HttpMethod.Post, "/sign-in")
                    {
                        Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json"),
                    }
                )
            ).Status
        );
        Assert.Empty(await host.Hub.Sessions.List(null, default));
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task Another_site_puts_no_words_into_a_form_of_ours(string header, string value)
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ann = await host.Hub.AddPerson("Ann", password: Password);
        var request = await host.Hub.Ask(ann.AsApprover);
        using var browser = await host.SignIn(ann);
        using var stranger = host.Browser();
        (string, string)[] answer = [("do", "approve"), ("note", "planted words")],
            carried = [("kept.to", "/"), ("kept.note", "planted words")];
        foreach (
            var (who, path, fields) in new[]
            {
                (browser, $"/requests/{request.Id}", answer),
                (browser, "/sign-in", carried),
                (stranger, $"/requests/{request.Id}", answer),
                (stranger, "/sign-in", carried),
            }
        )
        {
            var planted = await who.Send(
                new HttpRequestMessage(HttpMethod.Post, path)
                {
                    Content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Item1, f.Item2))),
                    Headers = { { header, value } },
                }
            );
            Assert.Equal(403, planted.Status);
            Assert.DoesNotContain("planted words", planted.Text, StringComparison.Ordinal);
        }
        // A page of ours that is too old for its proof keeps what was typed.
        var stale = await browser.Post($"/requests/{request.Id}", answer);
        Assert.Equal(409, stale.Status);
        Assert.Contains("planted words", stale.Text, StringComparison.Ordinal);
        Assert.Empty(await host.Hub.Decisions(request.Id));
    }

    private static async Task<int> Api(Browser browser) => (await browser.Get("/api/v1/requests")).Status;

    private static Task<Browser.Page> Json(Browser browser, HttpMethod method, string path, string body, string? token)
    {
        var request = new HttpRequestMessage(method, path)
        {
            Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
        };
        if (token is not null)
            request.Headers.TryAddWithoutValidation("X-CSRF-Token", token);
        return browser.Send(request);
    }

    private static string WithoutHoles(string page, string email) =>
        System.Text.RegularExpressions.Regex.Replace(
            page.Replace(WebUtility.HtmlEncode(email), "", StringComparison.Ordinal),
            "name=\"__RequestVerificationToken\" value=\"[^\"]*\"|data-now=\"[^\"]*\"",
            "",
            System.Text.RegularExpressions.RegexOptions.None,
            TimeSpan.FromSeconds(1)
        );
}
