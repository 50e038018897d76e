using System.Text;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Hostile;

/// <summary>What <see cref="HostileInputTests"/> found, in the smallest form.</summary>
public sealed class FoundByHostileInputTests
{
    [Theory, BothEngines]
    public async Task A_forwarded_host_that_is_no_host_name_is_refused(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var client = host.Nobody();
        foreach (var name in new[] { new string('&', 150) })
        {
            var answer = await client.Send(
                HttpMethod.Get,
                "/sign-in",
                null,
                ("X-Forwarded-Host", $"a.example, {name}")
            );
            Assert.Equal(400, answer.Status);
        }
        Assert.Equal(
            200,
            (await client.Send(HttpMethod.Get, "/sign-in", null, ("X-Forwarded-Host", "hub.example:8443"))).Status
        );
    }

    [Theory, BothEngines]
    public async Task A_form_that_cannot_be_read_is_refused(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann");
        using var browser = await host.SignIn(ann);
        var token = (await browser.Get("/account")).Token!;
        foreach (var form in new[] { "do=add&note=a%00b", "a%00b=x", $"{new string('a', 3_000)}=x", "%", "a=%zz" })
        {
            foreach (
                var (path, proof) in from path in new[]
                {
                    "/tokens",
                    "/account",
                    "/sessions",
                    "/display",
                    "/sign-in",
                    "/",
                    "/api/v1/requests",
                }
                from proof in new[] { token, null }
                select (path, proof)
            )
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, path)
                {
                    Content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded"),
                };
                if (proof is not null)
                    request.Headers.Add("X-CSRF-Token", proof);
                request.Headers.Add("Origin", browser.Origin);
                using var answer = await browser.Http.SendAsync(request);
                Assert.InRange((int)answer.StatusCode, 200, 499);
            }
        }
    }

    [Theory, BothEngines]
    public async Task A_body_that_is_no_form_is_refused_by_pages(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann");
        using var browser = await host.SignIn(ann);
        var token = (await browser.Get("/account")).Token!;
        foreach (var path in new[] { "/tokens", "/account", "/sessions" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new StringContent("null", Encoding.UTF8, "application/json"),
            };
            request.Headers.Add("X-CSRF-Token", token);
            request.Headers.Add("Origin", browser.Origin);
            using var answer = await browser.Http.SendAsync(request);
            Assert.Equal(415, (int)answer.StatusCode);
        }
    }

    [Theory, BothEngines]
    public async Task A_null_character_in_a_query_finds_nothing_and_breaks_nothing(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        using var root = await host.Person(await host.Hub.AddPerson("Root", Role.Admin));
        string[] fields = ["kind", "actor", "subject", "status", "text", "group", "source", "environment", "state"];
        var query = string.Join('&', fields.Select(field => $"{field}=a%00b"));
        foreach (var path in new[] { "/audit.csv", "/audit", "/requests.csv", "/", "/deliveries", "/work", "/people" })
        {
            using var answer = await root.Http.GetAsync($"{path}?{query}", TestContext.Current.CancellationToken);
            Assert.InRange((int)answer.StatusCode, 200, 499);
        }
    }
}
