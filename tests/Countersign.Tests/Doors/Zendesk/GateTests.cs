using System.Globalization;
using System.Net.Http.Headers;
using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests.Doors.Zendesk;

/// <summary>Who is let in, and what every answer carries.</summary>
public sealed class GateTests
{
    private const string Requests = ZendeskHost.Requests;

    [Theory, BothEngines]
    public async Task Each_role_may_what_it_may_in_the_original(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        Assert.Equal(200, (await host.AsBoss.Get(Requests)).Status);
        foreach (var one in new[] { host.AsAgent, host.AsJane })
        {
            var refused = await one.Get(Requests);
            Assert.Equal((403, "Forbidden"), (refused.Status, refused.Json["error"]!["title"]!.ToString()));
        }
        var body = new
        {
            ticket_id = 1,
            subject = "x",
            message = "m",
            assignee_user_id = host.Ben.Id,
        };
        Assert.Equal(403, (await host.AsJane.Post(Requests, body)).Status);
        Assert.Equal(201, (await host.AsAgent.Post(Requests, body)).Status);
        Assert.Equal(
            201,
            (
                await host.AsBoss.Post(
                    Requests,
                    new
                    {
                        ticket_id = 2,
                        subject = "x",
                        message = "m",
                        assignee_user_id = host.Ben.Id,
                    }
                )
            ).Status
        );
    }

    [Theory, BothEngines]
    public async Task What_is_not_good_is_401_and_what_is_not_served_is_404_before_it(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        using var nobody = host.Api.Nobody();
        using var source = host.Api.Source(await host.Hub.AddSource("pipeline"));
        var wrong = host.With($"{host.Boss.Email}/token", "cst_wrong");
        var bare = host.With(host.Boss.Email!, "no password was ever set");
        foreach (var one in new[] { nobody, wrong, bare })
        {
            var answer = await one.Get(Requests);
            Assert.Equal((401, "application/json"), (answer.Status, answer.MediaType));
            Assert.Equal("Couldn't authenticate you", answer["error"]);
        }
        var bearer = await source.Get(Requests);
        Assert.Equal((401, "invalid_token"), (bearer.Status, bearer["error"]));
        Assert.NotNull(bearer["error_description"]);

        foreach (var one in new[] { nobody, host.AsBoss })
        {
            foreach (
                var path in new[]
                {
                    "/api/v2/nothing",
                    "/api/v2/nothing.json",
                    "/api/v2/webhooks",
                    "/api/v2",
                    "/api/v2/approval_requests/x/y",
                }
            )
            {
                var answer = await one.Get(path);
                Assert.Equal(
                    (404, "application/json", """{"error":"InvalidEndpoint","description":"Not found"}"""),
                    (answer.Status, answer.MediaType, answer.Text)
                );
            }
            Assert.Equal(
                (404, "InvalidEndpoint"),
                (await one.Delete(Requests)) is var deleted ? (deleted.Status, deleted["error"]) : default
            );
        }
        var form = await host.AsAgent.PostText(Requests, "subject=x", "application/x-www-form-urlencoded");
        Assert.Equal((415, "application/json"), (form.Status, form.MediaType));
        using var tooMuch = new StringContent(
            "{\"message\":\"" + new string('x', 2 * 1024 * 1024) + "\"}",
            System.Text.Encoding.UTF8,
            "application/json"
        );
        var huge = await host.AsAgent.Send(HttpMethod.Post, Requests, tooMuch, ("Expect", "100-continue"));
        Assert.Equal((413, "application/json"), (huge.Status, huge.MediaType));
    }

    [Theory, BothEngines]
    public async Task Every_answer_says_how_many_calls_are_left_and_only_a_429_when_to_come_back(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine, ("RateLimit:PerKeyPerMinute", "5"));
        using var nobody = host.Api.Nobody();
        var first = await host.AsBoss.Get(Requests);
        Assert.Equal(("5", "4"), (first.Header("X-Rate-Limit"), first.Header("X-Rate-Limit-Remaining")));
        Assert.Equal(("5", "4"), (first.Header("ratelimit-limit"), first.Header("ratelimit-remaining")));
        var answers = new List<ApiAnswer>
        {
            first,
            await nobody.Get(Requests),
            await nobody.Get("/api/v2/nothing"),
            await host.AsAgent.Get($"{Requests}/x"),
            await host.AsAgent.Post(Requests, new { }),
        };
        while (answers[^1].Status != 429)
            answers.Add(await host.AsBoss.Get(Requests));
        Assert.All(answers, a => Assert.NotNull(a.Header("X-Rate-Limit-Remaining")));
        Assert.All(answers.Where(a => a.Status != 429), a => Assert.Null(a.Header("Retry-After")));
        var slow = answers[^1];
        Assert.True(int.Parse(slow.Header("Retry-After")!, CultureInfo.InvariantCulture) >= 1);
        Assert.Equal(("application/json", "APIRateLimitExceeded"), (slow.MediaType, slow["error"]));

        await using var open = await ApiHost.Start(host.Hub, ("RateLimit:PerKeyPerMinute", "0"));
        using var uncounted = await open.Person(host.Boss);
        Assert.True(
            int.Parse((await uncounted.Get(Requests)).Header("X-Rate-Limit-Remaining")!, CultureInfo.InvariantCulture)
                > 0
        );
    }

    [Theory, BothEngines]
    public async Task A_password_opens_until_it_changes_or_the_person_is_shut_out(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var pat = await host.Hub.AddPerson("Pat", Role.Admin, ZendeskHost.Password);
        var asPat = host.With(pat.Email!, ZendeskHost.Password);
        Assert.Equal(200, (await asPat.Get(Requests)).Status);
        Assert.Equal(200, (await host.With(pat.Email!.ToUpperInvariant(), ZendeskHost.Password).Get(Requests)).Status);
        Assert.Equal(401, (await host.With(pat.Email!, ZendeskHost.Password + "x").Get(Requests)).Status);
        Assert.Equal(401, (await host.With(pat.Email!, "").Get(Requests)).Status);
        Assert.Equal(401, (await host.With(pat.Email!, new string('x', 500)).Get(Requests)).Status);

        Some.Done(await host.Hub.People.SetPassword(pat.Email!, "another one entirely", Some.Operator, default));
        await Eventually.True(async () => (await asPat.Get(Requests)).Status == 401, "the old password to stop");
        var fresh = host.With(pat.Email!, "another one entirely");
        Assert.Equal(200, (await fresh.Get(Requests)).Status);
        await host.Hub.Disable(pat);
        await Eventually.True(
            async () => (await fresh.Get(Requests)).Status == 401,
            "a disabled person to be shut out"
        );

        // Countersign's own API takes tokens only.
        Assert.Equal(401, (await host.With(pat.Email!, "another one entirely").Get("/api/v1/requests")).Status);
    }

    [Theory, BothEngines]
    public async Task Guessing_is_limited_and_never_shuts_out_a_token_or_a_pair_that_was_right(Engine engine)
    {
        await using var host = await ZendeskHost.Start(engine);
        var pat = await host.Hub.AddPerson("Pat", Role.Admin, ZendeskHost.Password);
        var known = host.With(pat.Email!, ZendeskHost.Password);
        var token = await host.As(pat);
        Assert.Equal(200, (await known.Get(Requests)).Status);
        for (var i = 0; i < SignInAttempts.MaxPerAccount; i++)
            Assert.Equal(401, (await host.With(pat.Email!, $"guess number {i}").Get(Requests)).Status);
        var limited = await host.With(pat.Email!, "one guess more").Get(Requests);
        Assert.Equal((429, "application/json"), (limited.Status, limited.MediaType));
        Assert.NotNull(limited.Header("Retry-After"));
        Assert.Equal(200, (await known.Get(Requests)).Status);
        Assert.Equal(200, (await token.Get(Requests)).Status);

        // What was remembered is forgotten after a minute; the window ends by itself.
        host.Hub.Clock.Advance(Passwords.Remembered);
        Assert.Equal(429, (await known.Get(Requests)).Status);
        Assert.Equal(200, (await token.Get(Requests)).Status);
        host.Hub.Clock.Advance(SignInAttempts.Window);
        Assert.Equal(200, (await known.Get(Requests)).Status);
    }

    [Fact]
    public async Task A_path_prefix_and_a_doubled_slash_are_no_obstacle()
    {
        await using var host = await ZendeskHost.Start(Engine.Sqlite, ("PathBase", "/hub"));
        await host.Hub.Ask(host.Jane.AsApprover);
        await host.Hub.Ask(host.Jane.AsApprover);
        var page = await host.AsBoss.Get($"/hub{Requests}?page[size]=1");
        Assert.StartsWith(
            $"{host.Api.Address.GetLeftPart(UriPartial.Authority)}/hub{Requests}?",
            page.Json["links"]!["next"]!.ToString(),
            StringComparison.Ordinal
        );
        Assert.Equal(200, (await host.AsBoss.Get($"/hub/{Requests}.json")).Status);
        Assert.Equal(
            200,
            (await host.AsBoss.Get(new Uri(page.Json["links"]!["next"]!.ToString()).PathAndQuery)).Status
        );
        using var raw = new HttpRequestMessage(HttpMethod.Get, $"/hub{Requests}");
        using var answer = await host.AsBoss.Http.SendAsync(raw);
        Assert.Equal(new MediaTypeHeaderValue("application/json"), answer.Content.Headers.ContentType);
    }
}
