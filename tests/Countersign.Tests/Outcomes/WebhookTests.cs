using System.Text.Json;
using Countersign.Outcomes.Webhooks;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>Webhooks as their receivers and their admins meet them.</summary>
public sealed class WebhookTests
{
    [Fact]
    public void The_published_vector_is_signed_as_published()
    {
        // https://github.com/standard-webhooks/standard-webhooks: the vector that every library is tried with.
        var key = StandardWebhook.KeyOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")!;
        Assert.Equal(
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            StandardWebhook.Signatures(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                DateTimeOffset.FromUnixTimeSeconds(1614265330),
                """{"test": 2432232314}""",
                [key]
            )
        );
    }

    [Fact]
    public async Task The_reference_library_takes_our_messages_and_refuses_altered_ones()
    {
        using var npm = await Npm.Install("standardwebhooks@1.0.0");
        await using var hub = await TestHub.Start(Engine.Sqlite);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(200));
        var webhook = await news.Hook(receiver);
        hub.Clock.Now = RealNow();
        await hub.Ask((await hub.AddPerson("Jürgen \"J\" Ünal")).AsApprover);
        await news.Go();
        var rotated = Some.Done(await news.Webhooks.Rotate(webhook.Id, Some.Operator, default));
        await hub.Ask((await hub.AddPerson("Jane")).AsApprover);
        await news.Go();

        var calls = JsonSerializer.Serialize(
            receiver.Calls.Select(c => new
            {
                body = c.Body,
                headers = c.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value),
            })
        );
        var verdicts = await npm.Node(
            $$"""
            const { Webhook } = require('standardwebhooks');
            const calls = {{calls}};
            const ok = (secret, call, body = call.body, headers = call.headers) => {
              try { new Webhook(secret).verify(body, headers); return true; } catch { return false; }
            };
            const [first, second] = calls, [old, fresh] = ['{{webhook.Secret}}', '{{rotated.Secret}}'];
            console.log(JSON.stringify([
              ok(old, first), ok(fresh, first), ok(old, second), ok(fresh, second),
              ok(old, first, first.body.replace('active', 'approved')),
              ok(old, first, first.body, { ...first.headers, 'webhook-id': 'msg_other' }),
              ok(old, first, first.body, { ...first.headers,
                'webhook-timestamp': String(Number(first.headers['webhook-timestamp']) + 1) }),
            ]));
            """
        );
        Assert.Equal("[true,false,true,true,false,false,false]", verdicts.Trim());
    }

    [Theory, BothEngines]
    public async Task A_secret_is_shown_once_and_kept_encrypted_and_the_old_one_ends_when_told(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        await using var receiver = new Receiver(new Conduct.Answers(200));
        var webhook = await news.Hook(receiver);
        Some.Done(await news.Webhooks.Rotate(webhook.Id, Some.Operator, default));
        Some.Done(await news.Webhooks.Rotate(webhook.Id, Some.Operator, default));
        Assert.Equal(2, await hub.Place.Count("webhook_secrets"));
        Assert.DoesNotContain(
            webhook.Secret[6..],
            await hub.Place.Text("SELECT max(secret) || min(secret) FROM webhook_secrets"),
            StringComparison.Ordinal
        );
        Some.Done(await news.Webhooks.EndOldSecret(webhook.Id, Some.Operator, default));
        await hub.Ask((await hub.AddPerson("Jane")).AsApprover);
        await news.Go();
        Assert.DoesNotContain(
            " ",
            Assert.Single(receiver.Calls).Headers["webhook-signature"],
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            (await hub.Place.Events()).Select(e => e.Data),
            data => data.Contains("whsec_", StringComparison.Ordinal)
        );
    }

    [Theory]
    [
        InlineData("ftp://example.com"),
        InlineData("example.com/hook"),
        InlineData("https://user:pass@example.com/"),
        InlineData("https://example.com/#part"),
        InlineData("http://")
    ]
    public async Task An_address_that_cannot_be_posted_to_is_refused(string url)
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        using var news = new News(hub);
        Assert.IsType<Countersign.People.AccessOutcome<NewWebhook>.Invalid>(
            await news.Webhooks.Add(url, [], [], Some.Operator, null, default)
        );
        Assert.IsType<Countersign.People.AccessOutcome<NewWebhook>.Invalid>(
            await news.Webhooks.Add("https://example.com", ["request.aproved"], [], Some.Operator, null, default)
        );
    }

    [Theory, BothEngines]
    public async Task Admins_add_try_and_look_at_deliveries_through_the_api(Engine engine)
    {
        await using var receiver = new Receiver(call =>
            call.Body.Contains("webhook.test", StringComparison.Ordinal)
                ? new Conduct.Answers(200, "got it")
                : new Conduct.Answers(500)
        );
        await using var host = await ApiHost.Start(
            engine,
            ("PublicUrl", "https://approvals.example.test"),
            ("Egress:Allow", "127.0.0.0/8")
        );
        var pat = await host.Hub.AddPerson("Pat", Countersign.People.Role.Admin);
        using var admin = await host.Person(pat);
        using var agent = await host.Person(await host.Hub.AddPerson("Ann", Countersign.People.Role.Agent));
        Assert.Equal(403, (await agent.Get("/api/v1/webhooks")).Status);
        Assert.Equal(422, (await admin.Post("/api/v1/webhooks", new { url = "nowhere" })).Status);

        var made = await admin.Post("/api/v1/webhooks", new { url = receiver.Address, events = new[] { "request.*" } });
        Assert.Equal((201, "whsec_"), (made.Status, made["secret"]![..6]));
        var tested = await admin.Post($"/api/v1/webhooks/{made["id"]}/test", new { });
        Assert.Equal(("true", "got it"), (tested["ok"], tested["answer"]));
        Assert.DoesNotContain("whsec_", (await admin.Get("/api/v1/webhooks")).Text, StringComparison.Ordinal);

        await host.Hub.Ask(pat.AsApprover);
        await Eventually.True(
            async () =>
                (await admin.Get("/api/v1/deliveries?endpoint=webhook:1")).Json["deliveries"]!
                    .AsArray()
                    .Any(d => d!["lastFailure"]?.ToString() == "status"),
            "the failed attempt is listed"
        );
        var line = (await admin.Get("/api/v1/deliveries?state=due")).Json["deliveries"]![0]!;
        var details = await admin.Get($"/api/v1/deliveries/{line["id"]}");
        Assert.Equal(
            ("500", "request.submitted"),
            (
                details.Json["attempts"]![0]!["status"]!.ToString(),
                JsonDocument.Parse(details["sent"]!).RootElement.GetProperty("type").GetString()
            )
        );
        Assert.Equal(404, (await admin.Post($"/api/v1/deliveries/{line["id"]}/replay", new { })).Status);

        Assert.Equal(204, (await admin.Post($"/api/v1/webhooks/{made["id"]}/disable", new { })).Status);
        await Eventually.True(
            async () => (await admin.Get("/api/v1/deliveries?state=failed")).Json["deliveries"]!.AsArray().Count == 1,
            "what waited is given up"
        );
        Assert.Equal(204, (await admin.Post($"/api/v1/webhooks/{made["id"]}/enable", new { })).Status);
        Assert.Equal("1", (await admin.Post("/api/v1/deliveries/replay", new { endpoint = "webhook:1" }))["replayed"]);
        await Eventually.True(
            async () => (await admin.Get($"/api/v1/deliveries/{line["id"]}")).Json["attempts"]!.AsArray().Count >= 2,
            "it was sent again"
        );
        Assert.Equal(
            2,
            receiver
                .Calls.Where(c => c.Body.Contains("request.submitted", StringComparison.Ordinal))
                .Select(c => c.Headers["webhook-id"])
                .Take(2)
                .Count()
        );
    }

    [Theory, BothEngines]
    public async Task A_webhook_that_was_turned_elsewhere_in_the_store_is_noticed(Engine engine)
    {
        await using var recorded = await Countersign.Tests.Audit.RecordedHub.Start(engine);
        using var news = new News(recorded.Hub);
        var webhook = await news.Hook(new Uri("https://example.com/hook"), "request.approved");
        Some.Done(await news.Webhooks.Disable(webhook.Id, Some.Operator, default));
        Some.Done(await news.Webhooks.Enable(webhook.Id, Some.Operator, default));
        await recorded.Sealer.SealAll();
        Assert.True((await recorded.Check()).Ok);
        foreach (var change in new[] { "url = 'https://elsewhere.example/'", "kinds = ''", "sources = '9'" })
        {
            await recorded.Hub.Place.Tamper($"UPDATE webhooks SET {change}");
            Assert.False((await recorded.Check()).Ok, change);
            await recorded.Hub.Place.Tamper(
                "UPDATE webhooks SET url = 'https://example.com/hook', kinds = 'request.approved', sources = ''"
            );
        }
    }

    private static DateTimeOffset RealNow() => new(File.GetLastWriteTimeUtc(Touch()));

    /// <summary>The reference library goes by the machine's clock, which tests otherwise do not look at.</summary>
    private static string Touch()
    {
        var file = Path.Combine(Path.GetTempPath(), $"countersign-test-{Environment.ProcessId}.now");
        File.WriteAllText(file, "");
        return file;
    }
}
