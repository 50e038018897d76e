using Countersign.Access;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>The page Deliveries, for those who look after the hub.</summary>
public sealed class DeliveriesPageTests
{
    [Fact]
    public async Task Admins_see_what_was_sent_with_its_answer_and_nobody_else_does()
    {
        await using var receiver = new Receiver(new Conduct.Answers(500, "<b>broken</b>"));
        await using var host = await ApiHost.Start(Engine.Sqlite, ("PublicUrl", "http://approvals.example.test"), ("Egress:Allow", "127.0.0.0/8"));
        var pat = await host.Hub.AddPerson("Pat", Role.Admin);
        using var admin = await host.Person(pat);
        using var agent = await host.Person(await host.Hub.AddPerson("Ann", Role.Agent));
        var made = await admin.Post("/api/v1/webhooks", new { url = receiver.Address + "?key=hidden" });
        var test = await admin.Post($"/api/v1/webhooks/{made["id"]}/test", new { });
        Assert.Equal(("false", "status", "500"), (test["ok"], test["failure"], test["status"]));

        var list = await admin.Get("/deliveries");
        Assert.Equal(200, list.Status);
        Assert.Contains("webhook.tested", list.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("key=hidden", list.Text, StringComparison.Ordinal);
        var one = await admin.Get($"/deliveries/{test["delivery"]}");
        Assert.Contains("&lt;b&gt;broken", one.Text, StringComparison.Ordinal);
        Assert.Contains("webhook.test", one.Text, StringComparison.Ordinal);
        Assert.Equal((404, 404), ((await agent.Get("/deliveries")).Status, (await agent.Get($"/deliveries/{test["delivery"]}")).Status));
    }
}
