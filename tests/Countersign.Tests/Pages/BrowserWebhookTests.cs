using Countersign.Tests.Outcomes;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Webhooks, deliveries and the job queue, in a browser.</summary>
[Collection(Chromium.Name)]
public sealed class BrowserWebhookTests(Chromium chromium)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rotating_disabling_and_deleting_a_webhook_ask_first_and_reloading_does_nothing_again(bool script)
    {
        await using var receiver = new Receiver(new Conduct.Answers(200, "got it"));
        await using var host = await PagesHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "http://approvals.example.test"),
            ("Egress:Allow", "127.0.0.0/8")
        );
        await using var window = await chromium.Open(
            host.Api,
            host.Root,
            o =>
            {
                o.JavaScriptEnabled = script;
                o.ViewportSize = new ViewportSize { Width = 390, Height = 800 };
            }
        );
        await window.Go("/webhooks");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Add webhook" }).ClickAsync();
        await window.Page.GetByLabel("URL").FillAsync($"{receiver.Address}");
        await window.Press("Add webhook");
        var secret = await window.Page.GetByLabel("Secret", new() { Exact = true }).InputValueAsync();
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);

        await window.Press("Send test");
        await window.Shows("Test delivered: the receiver responded with 200.");
        await window.Page.ReloadAsync();
        Assert.Equal(0, await window.Page.GetByText("Test delivered").CountAsync());
        Assert.Single(receiver.Calls);

        foreach (var what in new[] { "Rotate secret", "Disable webhook", "Delete webhook" })
            Assert.False(await window.Page.GetByRole(AriaRole.Button, new() { Name = what }).IsVisibleAsync());
        Assert.Equal(0, await window.Page.GetByText("Revoke old secret…").CountAsync());
        await window.Page.GetByText("Rotate secret…").ClickAsync();
        await window.Press("Rotate secret");
        Assert.NotEqual(secret, await window.Page.GetByLabel("Secret", new() { Exact = true }).InputValueAsync());
        await window.Page.ReloadAsync();
        Assert.Equal(0, await window.Page.GetByLabel("Secret", new() { Exact = true }).CountAsync());
        await window.Page.GetByText("Revoke old secret…").ClickAsync();
        await window.Press("Revoke old secret");
        await window.Shows("Old secret revoked");

        await window.Page.GetByText("Disable…").ClickAsync();
        await window.Press("Disable webhook");
        await window.Shows("Disabled by an admin.");
        await window.Press("Enable webhook");
        await window.Shows("Webhook enabled");
        await window.Page.GetByText("Delete…").ClickAsync();
        await window.Press("Delete webhook");
        await window.Shows("No webhooks yet");
        Assert.False(await window.IsTooWide());
        Assert.Empty(window.Complaints);
    }

    [Theory]
    [InlineData("en-GB", "Test message", "Delivered", "Send again…", "Send again", "Queued again")]
    [InlineData("de-DE", "Testnachricht", "Zugestellt", "Erneut senden…", "Erneut senden", "Wieder eingereiht")]
    public async Task On_a_phone_every_column_of_deliveries_is_on_the_screen_and_sending_again_asks(
        string language,
        string name,
        string status,
        string open,
        string button,
        string done
    )
    {
        await using var receiver = new Receiver(new Conduct.Answers(200, "got it"));
        await using var host = await PagesHost.Start(
            Engine.Sqlite,
            ("PublicUrl", "http://approvals.example.test"),
            ("Egress:Allow", "127.0.0.0/8")
        );
        using var api = await host.Api.Person(host.Root);
        var webhook = await api.Post("/api/v1/webhooks", new { url = receiver.Address + new string('w', 80) });
        await api.Post($"/api/v1/webhooks/{webhook["id"]}/test", new { });
        await using var window = await chromium.Open(
            host.Api,
            host.Root,
            o =>
            {
                o.Locale = language;
                o.ViewportSize = new ViewportSize { Width = 390, Height = 800 };
            }
        );
        await window.Go("/deliveries");
        foreach (var cell in await window.Page.Locator("tbody td").AllAsync())
        {
            var box = (await cell.BoundingBoxAsync())!;
            Assert.InRange(box.X + box.Width, 0, 390);
        }
        await window.Page.GetByRole(AriaRole.Link, new() { Name = name }).ClickAsync();
        await window.Shows(status);
        Assert.False(await window.Page.GetByRole(AriaRole.Button, new() { Name = button }).IsVisibleAsync());
        await window.Page.GetByText(open).ClickAsync();
        await window.Press(button);
        await window.Shows(done);
        await Eventually.True(() => receiver.Calls.Count == 2, "it was sent again");
        await window.Go("/work");
        Assert.False(await window.IsTooWide());
    }
}
