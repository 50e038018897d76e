using System.Text;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Tests.Doors.LaunchDarkly;
using Countersign.Tests.Pages;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors;

/// <summary>What a browser says about where a call comes from, under which name, and over what.</summary>
public sealed class BrowserRulesTests
{
    private const string Evil = "https://elsewhere.example";

    [Fact]
    public async Task An_unsafe_call_that_another_site_sent_is_refused_at_every_door()
    {
        await using var host = await PagesHost.Start(Engine.Sqlite, ("PublicUrl", "https://hub.example.test"));
        using var admin = await host.Api.Person(host.Root);
        using var source = host.Api.Source(await host.Hub.AddSource("pipeline"));
        using var nobody = host.Api.Nobody();
        var own = host.Api.Address.GetLeftPart(UriPartial.Authority);
        (bool Taken, (string, string)[] Headers)[] cases =
        [
            (true, []),
            (true, [("Sec-Fetch-Site", "same-origin")]),
            (true, [("Sec-Fetch-Site", "none")]),
            (true, [("Sec-Fetch-Site", "same-origin"), ("Origin", Evil)]),
            (true, [("Origin", own)]),
            (true, [("Origin", own.ToUpperInvariant())]),
            (true, [("Origin", "https://hub.example.test")]),
            (false, [("Sec-Fetch-Site", "cross-site")]),
            (false, [("Sec-Fetch-Site", "same-site")]),
            (false, [("Sec-Fetch-Site", "")]),
            (false, [("Sec-Fetch-Site", "Same-Origin")]),
            (false, [("Sec-Fetch-Site", "cross-site"), ("Origin", own)]),
            (false, [("Origin", Evil)]),
            (false, [("Origin", "null")]),
            (false, [("Origin", own.Replace("http:", "https:", StringComparison.Ordinal))]),
            (false, [("Origin", own + "1")]),
            (false, [("Origin", own + ".elsewhere.example")]),
            (false, [("Origin", own), ("Origin", Evil)]),
        ];
        foreach (var (taken, headers) in cases)
        {
            foreach (
                var (client, method, path) in new[]
                {
                    (source, "POST", "/api/v1/requests"),
                    (admin, "PUT", "/api/v1/people/x@example.test/role"),
                    (admin, "DELETE", "/api/v1/sessions/999"),
                    (admin, "post", "/api/v2/approval_requests.json"),
                    (admin, "PATCH", "/api/v2/approval_workflow_instances/1/approval_requests/x/decision"),
                    (source, "POST", "/api/approvals"),
                    (admin, "POST", "/account"),
                    (nobody, "POST", "/sign-in"),
                    (nobody, "POST", "/set-up"),
                    (admin, "FOO", "/api/v1/requests"),
                }
            )
            {
                var answer = await client.Send(
                    new HttpMethod(method),
                    path,
                    new StringContent("{}", Encoding.UTF8, "application/json"),
                    headers
                );
                var what = $"{method} {path} {string.Join(' ', headers)}: {answer.Status} {answer.Text}";
                Assert.True(
                    taken == !(answer.Status == 403 && answer.Text.Contains("another site", StringComparison.Ordinal)),
                    what
                );
            }
            Assert.Equal(200, (await admin.Send(HttpMethod.Get, "/api/v1/requests", null, headers)).Status);
            Assert.Equal(200, (await nobody.Send(HttpMethod.Get, "/sign-in", null, headers)).Status);
        }
        // Each door in its own words.
        Assert.Equal("cross_site", (await source.Post("/api/v1/requests", new { }, ("Origin", Evil))).Code);
        (await source.Post("/api/approvals", new { }, ("Origin", Evil))).Refuses(403, "cross_site");
        Assert.NotNull(
            (await admin.Post("/api/v2/approval_requests", new { }, ("Origin", Evil))).Json["error"]!["title"]
        );
        Assert.Contains(
            "</html>",
            (await admin.Post("/account", new { }, ("Origin", Evil), ("Accept", "text/html"))).Text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Only_the_names_that_are_allowed_are_answered_to_and_health_to_all()
    {
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("AllowedHosts", "hub.example.test;*.internal.test;127.0.0.1"),
            ("PathBase", "/hub")
        );
        using var nobody = host.Nobody();
        async Task<int> As(string name, string? forwarded = null, string path = "/hub/sign-in")
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Host = name;
            if (forwarded is not null)
                request.Headers.Add("X-Forwarded-Host", forwarded);
            using var answer = await nobody.Http.SendAsync(request);
            return (int)answer.StatusCode;
        }

        Assert.Equal(200, await As("hub.example.test"));
        Assert.Equal(200, await As("HUB.example.test:8443"));
        Assert.Equal(200, await As("a.internal.test"));
        Assert.Equal(400, await As("elsewhere.example"));
        Assert.Equal(400, await As("hub.example.test.elsewhere.example"));
        Assert.Equal(400, await As("hub.example.test", "elsewhere.example"));
        // A proxy calls by its own name for us, and says which one it was called by.
        Assert.Equal(200, await As("node-7:5080", "hub.example.test"));
        foreach (var health in new[] { "/hub/health/live", "/hub/health/ready" })
            Assert.Equal(200, await As("10.0.0.7", path: health));

        await using var open = await ApiHost.Start(Engine.Sqlite);
        using var any = open.Nobody();
        any.Http.DefaultRequestHeaders.Host = "elsewhere.example";
        Assert.Equal(200, (await any.Get("/sign-in")).Status);
    }

    [Fact]
    public async Task A_forwarded_prefix_is_never_believed_and_the_rest_only_from_known_proxies()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        await using var exposed = await ApiHost.Start(host.Hub, ("ForwardedHeaders:Known", "10.9.9.9"));
        var key = await host.Hub.AddSource("pipeline");
        foreach (var (server, believed) in new[] { (host, true), (exposed, false) })
        {
            using var source = server.Source(key);
            var made = await source.Post(
                "/api/v1/requests",
                new { subject = "x" },
                ("X-Forwarded-Prefix", "/elsewhere"),
                ("X-Forwarded-For", "203.0.113.9"),
                ("X-Forwarded-Host", "proxied.example"),
                ("X-Forwarded-Proto", "https")
            );
            Assert.Equal($"/api/v1/requests/{made["id"]}", made.Headers.Location!.ToString());
            Assert.Equal(
                believed ? "203.0.113.9" : "127.0.0.1",
                (await host.Hub.Place.Events($"request:{made["id"]}"))[0].Address
            );
            using var nobody = server.Nobody();
            var page = await nobody.Send(
                HttpMethod.Get,
                "/sign-in",
                null,
                ("X-Forwarded-Prefix", "/elsewhere"),
                ("X-Forwarded-Proto", "https")
            );
            Assert.DoesNotContain("/elsewhere", page.Text, StringComparison.Ordinal);
            Assert.Equal(
                believed,
                page.Headers.GetValues("Set-Cookie").Single().StartsWith("__Host-", StringComparison.Ordinal)
            );
        }
    }

    [Fact]
    public async Task Browsers_are_told_to_come_by_tls_only_where_that_is_switched_on()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("Hsts", "true"));
        await using var plain = await ApiHost.Start(Engine.Sqlite);
        async Task<string?> Told(ApiHost server, string scheme)
        {
            using var nobody = server.Nobody();
            nobody.Http.DefaultRequestHeaders.Host = "hub.example.test";
            var page = await nobody.Send(HttpMethod.Get, "/sign-in", null, ("X-Forwarded-Proto", scheme));
            return page.Headers.TryGetValues("Strict-Transport-Security", out var values) ? values.Single() : null;
        }

        Assert.Equal("max-age=31536000", await Told(host, "https"));
        Assert.Null(await Told(host, "http"));
        Assert.Null(await Told(plain, "https"));
    }

    [Fact]
    public async Task Over_tls_only_the_cookie_that_no_other_host_can_set_is_read()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ann = await host.Hub.AddPerson("Ann", password: PagesHost.Password);
        var session = await host
            .Services.GetRequiredService<Sessions>()
            .Start(ann.Id, "password", new ClientInfo("page", "127.0.0.1", ""), default);
        using var nobody = host.Nobody();
        foreach (
            var (scheme, prefix, status) in new[]
            {
                ("https", "__Host-", 200),
                ("https", "", 302),
                ("https", "__Secure-", 302),
                ("http", "", 200),
                ("http", "__Host-", 302),
            }
        )
        {
            var page = await nobody.Send(
                HttpMethod.Get,
                "/account",
                null,
                ("X-Forwarded-Proto", scheme),
                ("Cookie", $"{prefix}{Countersign.SignIn.SessionCookie.Name}={session!.Secret}")
            );
            Assert.True(page.Status == status, $"{scheme} {prefix} {page.Status}");
        }
        var entrance = await nobody.Send(HttpMethod.Get, "/sign-in", null, ("X-Forwarded-Proto", "https"));
        var proof = entrance.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("__Host-countersign_antiforgery=", proof, StringComparison.Ordinal);
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                [Browser.TokenField] = new Browser.Page(200, entrance.Text, null, entrance.Headers).Token!,
                ["email"] = ann.Email!,
                ["password"] = PagesHost.Password,
            }
        );
        var entered = await nobody.Send(
            HttpMethod.Post,
            "/sign-in",
            form,
            ("X-Forwarded-Proto", "https"),
            ("Cookie", proof.Split(';')[0])
        );
        Assert.Equal(302, entered.Status);
        var cookie = entered
            .Headers.GetValues("Set-Cookie")
            .Single(c => c.Contains("session", StringComparison.Ordinal));
        Assert.StartsWith("__Host-countersign_session=", cookie, StringComparison.Ordinal);
        foreach (var part in new[] { "secure", "path=/;", "httponly", "samesite=lax" })
            Assert.Contains(part, cookie + ";", StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task What_is_refused_is_logged_with_who_where_and_why_and_nothing_they_chose()
    {
        using var log = new Overheard();
        await using var host = await ApiHost.Start(Engine.Sqlite, log);
        var eve = await host.Hub.AddPerson("Eve", Role.Agent);
        using var token = await host.Person(eve);
        using var browser = await host.SignIn(eve);
        Assert.Equal(403, (await token.Get("/api/v1/people?secret=typed")).Status);
        Assert.Equal(404, (await browser.Get("/people?secret=typed")).Status);
        Assert.Equal(403, (await browser.Send(new HttpRequestMessage(HttpMethod.Post, "/api/v1/requests"))).Status);
        Assert.Equal(403, (await token.Post("/api/v1/requests", new { subject = "x" }, ("Origin", Evil))).Status);
        var refused = log.Lines.Where(l => l.Contains("Refused:", StringComparison.Ordinal)).ToList();
        Assert.All(refused, l => Assert.StartsWith("Information:", l, StringComparison.Ordinal));
        Assert.All(refused, l => Assert.DoesNotContain("typed", l, StringComparison.Ordinal));
        foreach (
            var part in new[]
            {
                "GET /api/v1/people, by rule admins_only",
                "GET /people, by rule admins_only",
                "POST /api/v1/requests, by rule csrf_token",
                "POST /api/v1/requests, by rule cross_site",
            }
        )
        {
            Assert.Contains(
                refused,
                l =>
                    l.Contains($"person:{eve.Id}", StringComparison.Ordinal)
                    && l.Contains(part, StringComparison.Ordinal)
            );
        }
    }
}
