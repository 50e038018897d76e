using Countersign.Audit;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>The page Deliveries, for those who look after the hub.</summary>
public sealed class DeliveriesPageTests
{
    [Fact]
    public async Task Admins_see_what_was_sent_with_its_answer_and_nobody_else_does()
    {
        await using var receiver = new Receiver(new Conduct.Answers(500, "<b>broken</b>"));
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "http://approvals.example.test"),
            ("Egress:Allow", "127.0.0.0/8")
        );
        var pat = await host.Hub.AddPerson("Pat", Role.Admin);
        using var admin = await host.Person(pat);
        using var agent = await host.Person(await host.Hub.AddPerson("Ann", Role.Agent));
        var made = await admin.Post("/api/v1/webhooks", new { url = receiver.Address + "?key=hidden" });
        var test = await admin.Post($"/api/v1/webhooks/{made["id"]}/test", new { });
        Assert.Equal(("false", "status", "500"), (test["ok"], test["failure"], test["status"]));

        var list = await admin.Get("/deliveries");
        Assert.Equal(200, list.Status);
        Assert.Contains("Test message", list.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("key=hidden", list.Text, StringComparison.Ordinal);
        var one = await admin.Get($"/deliveries/{test["delivery"]}");
        Assert.Contains("&lt;b&gt;broken", one.Text, StringComparison.Ordinal);
        Assert.Contains("webhook.test", one.Text, StringComparison.Ordinal);
        Assert.Equal(
            (404, 404),
            ((await agent.Get("/deliveries")).Status, (await agent.Get($"/deliveries/{test["delivery"]}")).Status)
        );
    }

    [Fact]
    public async Task Admins_add_try_and_switch_off_a_webhook_on_the_page_and_send_again_what_failed()
    {
        var broken = true;
        await using var receiver = new Receiver(call =>
            broken && !call.Body.Contains("webhook.test", StringComparison.Ordinal)
                ? new Conduct.Answers(500)
                : new Conduct.Answers(200, "got it")
        );
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "http://approvals.example.test"),
            ("Egress:Allow", "127.0.0.0/8"),
            ("Outcomes:Schedule", "0s")
        );
        var pat = await host.Hub.AddPerson("Pat", Role.Admin);
        using var page = await host.SignIn(pat);

        var added = await page.Submit(
            "/webhooks/new",
            "/webhooks",
            ("url", $"{receiver.Address}?key=hidden"),
            ("events", "request.*")
        );
        Assert.Equal(302, added.Status);
        var secret = await page.Get(added.Location!);
        Assert.Contains("whsec_", secret.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("key=hidden", secret.Text, StringComparison.Ordinal);
        foreach (var path in new[] { "/webhooks", "/webhooks/1", added.Location! })
            Assert.DoesNotContain("whsec_", (await page.Get(path)).Text, StringComparison.Ordinal);
        var wrong = await page.Submit("/webhooks/new", "/webhooks", ("url", "nowhere"), ("events", ""));
        Assert.Equal(422, wrong.Status);
        Assert.Contains("an http or https URL", wrong.Text, StringComparison.Ordinal);
        var ofNobody = await page.Submit(
            "/webhooks/new",
            "/webhooks",
            ("url", "https://example.com/typed"),
            ("sources", "Nobody")
        );
        Assert.Contains("the source Nobody", ofNobody.Text, StringComparison.Ordinal);
        Assert.Contains("value=\"https://example.com/typed\"", ofNobody.Text, StringComparison.Ordinal);

        var tested = await page.Submit("/webhooks/1", "/webhooks/1", ("do", "test"));
        Assert.Equal((302, "/webhooks/1"), (tested.Status, tested.Location));
        Assert.Contains("/deliveries/1", (await page.Get("/webhooks/1")).Text, StringComparison.Ordinal);
        Assert.Equal("?key=hidden", receiver.Calls[0].Path["/hook".Length..]);
        Assert.DoesNotContain("/deliveries/1", (await page.Get("/webhooks/1")).Text, StringComparison.Ordinal);
        Assert.Single(receiver.Calls);

        // Two that fail for good, each sent again: one by itself, then all.
        await host.Hub.Ask(pat.AsApprover);
        await host.Hub.Ask(pat.AsApprover);
        async Task<bool> Are(string state, int count) =>
            await host.Hub.Place.Number(
                $"SELECT count(*) FROM deliveries WHERE state = '{state}' AND kind = 'request.submitted'"
            ) == count;
        await Eventually.True(async () => await Are("failed", 2), "both have failed");
        broken = false;
        await page.Submit("/webhooks/1", "/webhooks/1", ("do", "enable"));
        var failed = await page.Get("/deliveries?state=failed&endpoint=webhook:1");
        Assert.Equal(2, failed.Text.Split(">Request opened<").Length - 1);
        Assert.DoesNotContain(">Test message<", failed.Text, StringComparison.Ordinal);
        // By the names that people know: the receiver's address, and what was asked.
        Assert.Contains($"<span>{receiver.Address}?…</span>", failed.Text, StringComparison.Ordinal);
        Assert.Contains("Turn on dark mode", failed.Text, StringComparison.Ordinal);
        var again = await page.Submit("/deliveries/2", "/deliveries/2/replay");
        Assert.Equal("/deliveries/2?done=queuedAgain", again.Location);
        await Eventually.True(async () => await Are("delivered", 1), "the one has arrived");
        await page.Submit("/webhooks/1", "/webhooks/1", ("do", "replay"));
        Assert.Contains("1 delivery queued again", (await page.Get("/webhooks/1")).Text, StringComparison.Ordinal);
        await Eventually.True(async () => await Are("delivered", 2), "so has the other");
        Assert.Equal(2, receiver.Calls.Where(c => c.Headers["webhook-id"] == "msg_2").Count());

        await page.Submit("/webhooks/1", "/webhooks/1", ("do", "disable"));
        Assert.Contains("Disabled by an admin.", (await page.Get("/webhooks/1")).Text, StringComparison.Ordinal);
        await host.Hub.AddSource("pipeline");
        await page.Submit("/webhooks/new", "/webhooks", ("url", "https://example.com/"), ("sources", "pipeline"));
        await Eventually.True(
            async () => (await page.Get("/webhooks")).Text.Contains("<span>pipeline</span>", StringComparison.Ordinal),
            "the page knows the source by its name"
        );
    }

    [Theory, BothEngines]
    public async Task A_deleted_webhook_is_gone_and_what_was_sent_to_it_stays_listed(Engine engine)
    {
        await using var receiver = new Receiver(new Conduct.Answers(500));
        await using var host = await ApiHost.Start(
            engine,
            ("PublicUrl", "http://approvals.example.test"),
            ("Egress:Allow", "127.0.0.0/8")
        );
        var pat = await host.Hub.AddPerson("Pat", Role.Admin);
        using var page = await host.SignIn(pat);
        using var api = await host.Person(pat);
        await page.Submit("/webhooks/new", "/webhooks", ("url", $"{receiver.Address}"));
        await page.Submit("/webhooks/new", "/webhooks", ("url", "https://example.com/second"));
        await host.Hub.Ask(pat.AsApprover);
        async Task<long> Count(string where) => await host.Hub.Place.Number($"SELECT count(*) FROM {where}");
        const string failed = """
            attempts a JOIN deliveries d ON d.id = a.delivery_id
            WHERE d.endpoint = 'webhook:1' AND a.failure IS NOT NULL
            """;
        await Eventually.True(async () => await Count(failed) > 0, "its first attempt has failed");

        var deleted = await page.Submit("/webhooks/1", "/webhooks/1", ("do", "delete"));
        Assert.Equal("/webhooks?done=webhookDeleted", deleted.Location);
        Assert.Equal(404, (await page.Get("/webhooks/1")).Status);
        Assert.Equal(0, await Count("webhook_secrets WHERE webhook_id = 1"));
        await Eventually.True(
            async () => await Count("deliveries WHERE endpoint = 'webhook:1' AND state <> 'dropped'") == 0,
            "what waited is skipped"
        );
        Assert.Contains("Deleted webhook 1", (await page.Get("/deliveries")).Text, StringComparison.Ordinal);
        var file = await page.Get("/deliveries.csv?endpoint=webhook:1");
        Assert.Contains("Deleted webhook 1,webhook,dropped", file.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("example.com", file.Text, StringComparison.Ordinal);

        Assert.Equal(204, (await api.Delete("/api/v1/webhooks/2")).Status);
        Assert.Equal(404, (await api.Delete("/api/v1/webhooks/2")).Status);
    }

    [Fact]
    public async Task A_delivery_shows_the_headers_it_was_sent_with_and_nothing_that_is_secret()
    {
        await using var receiver = new Receiver(new Conduct.Answers(200, "got it"));
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "http://approvals.example.test"),
            ("Egress:Allow", "127.0.0.0/8")
        );
        using var admin = await host.Person(await host.Hub.AddPerson("Pat", Role.Admin));
        var made = await admin.Post("/api/v1/webhooks", new { url = $"{receiver.Address}?key=hidden" });
        var test = await admin.Post($"/api/v1/webhooks/{made["id"]}/test", new { });
        var sent = Assert.Single(receiver.Calls).Headers;
        var answer = await admin.Get($"/api/v1/deliveries/{test["delivery"]}");
        var call = answer.Json["attempts"]![0]!["call"]!.ToString().Split('\n');
        Assert.Equal($"POST {receiver.Address}?…", call[0]);
        Assert.Contains($"webhook-id: {sent["webhook-id"]}", call);
        Assert.Contains($"webhook-timestamp: {sent["webhook-timestamp"]}", call);
        Assert.Contains("webhook-signature: v1,…", call);
        Assert.Contains("Content-Type: application/json", call);
        var page = await admin.Get($"/deliveries/{test["delivery"]}");
        Assert.Contains("webhook-signature: v1,…", page.Text, StringComparison.Ordinal);
        foreach (
            var shown in new[]
            {
                page.Text,
                answer.Text,
                (await admin.Get("/api/v1/webhooks")).Text,
                made.Text,
                (await admin.Get("/audit")).Text,
            }
        )
        {
            Assert.DoesNotContain("key=hidden", shown, StringComparison.Ordinal);
            Assert.DoesNotContain(sent["webhook-signature"][4..], shown, StringComparison.Ordinal);
        }
        Assert.DoesNotContain(
            (await host.Hub.Place.Events()).Select(e => e.Data),
            data => data.Contains("key=hidden", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("https://example.com/hook", "https://example.com/hook")]
    [InlineData("https://example.com:8443/hook?key=1", "https://example.com:8443/hook?…")]
    [InlineData("https://user:pass@example.com/hook", "https://…@example.com/hook")]
    [InlineData("https://user:pass@example.com/?key=1", "https://…@example.com/?…")]
    public void An_address_is_shown_without_what_may_be_secret(string url, string shown) =>
        Assert.Equal(shown, Countersign.Outcomes.Webhooks.Webhook.Masked(url));

    [Fact]
    public async Task A_person_switches_channels_off_and_on_on_their_account_page()
    {
        await using var box = new MailBox();
        await using var host = await ApiHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "http://approvals.example.test"),
            ("Email:Host", "127.0.0.1"),
            ("Email:Port", $"{box.Port}"),
            ("Email:Security", "none"),
            ("Email:From", "approvals@example.test")
        );
        var people = await host.Hub.AddPeople("Ann", "Ben");
        using var ann = await host.SignIn(people[0]);
        Assert.DoesNotContain("name=\"slack\"", (await ann.Get("/account")).Text, StringComparison.Ordinal);
        await ann.Submit("/account", "/account/channels", ("shown", "mail"));
        await host.Hub.Ask(Some.Policy(people[0].AsApprover, people[1].AsApprover));
        await Eventually.True(() => box.Mails.Count == 1, "one of the two is told");
        await ann.Submit("/account", "/account/channels", ("shown", "mail"), ("mail", "true"));
        await host.Hub.Ask(people[0].AsApprover);
        await Eventually.True(() => box.Mails.Count == 2, "she is told again");
        Assert.Equal(["Ben@example.test", "Ann@example.test"], box.Mails.Select(m => m.To));
        using var program = await host.Person(people[0]);
        var channels = await program.Put("/api/v1/me/channels", new { mail = false });
        Assert.Equal((200, "false", "true"), (channels.Status, channels["mail"], channels["slack"]));
        Assert.DoesNotMatch("name=\"mail\"[^>]*checked", (await ann.Get("/account")).Text);
    }
}
