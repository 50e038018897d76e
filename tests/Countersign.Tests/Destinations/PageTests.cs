using Countersign.Access;
using Countersign.Tests.Destinations.Manifest;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>Admins add a destination in a browser, try it, and see what was handed over; everybody else sees the ticket.</summary>
public sealed class PageTests
{
    [Theory, BothEngines]
    public async Task A_destination_is_added_and_tried_on_pages_and_a_request_leads_to_its_ticket(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        await host.Noticed();
        using var admin = await host.SignIn(ada);
        Assert.Contains("No system decides for you yet", (await admin.Get("/destinations")).Text, StringComparison.Ordinal);

        var form = await admin.Submit("/destinations", "/destinations/new", ("manifest", Sample.Text));
        Assert.Contains("name=\"v.apiKey\"", form.Text, StringComparison.Ordinal);
        var refused = await admin.Submit("/destinations", "/destinations/new", ("manifest", Sample.Text), ("name", "Desk"), ("v.baseURL", desk.BaseUrl), ("do", "add"));
        Assert.Equal(422, refused.Status);
        Assert.Contains("Key must be given", refused.Text, StringComparison.Ordinal);
        var added = await admin.Submit("/destinations", "/destinations/new", ("manifest", Sample.Text), ("name", "Desk"), ("v.baseURL", desk.BaseUrl), ("v.apiKey", "k-123"), ("do", "add"));
        Assert.Equal(302, added.Status);

        var tried = await admin.Submit("/destinations/Desk", "/destinations/Desk", ("do", "test"));
        Assert.Contains("answers 404", tried.Text, StringComparison.Ordinal);
        var rehearsed = await admin.Submit("/destinations/Desk", "/destinations/Desk", ("do", "rehearse"));
        Assert.Contains("Bearer ••••••", rehearsed.Text, StringComparison.Ordinal);
        foreach (var page in new[] { refused, tried, rehearsed, await admin.Get("/destinations/Desk") })
            Assert.DoesNotContain("k-123", page.Text, StringComparison.Ordinal);

        var request = await host.Hub.Ask(HandedOver.LeftTo());
        await Eventually.True(async () => await host.Hub.Place.Number("SELECT count(*) FROM links WHERE state = 'open'") == 1, "the ticket is open");
        var shown = await admin.Get($"/requests/{request.Id}");
        Assert.Contains($"{desk.BaseUrl}/show?id=T1", shown.Text, StringComparison.Ordinal);
        Assert.Contains("Only Desk decides this.", shown.Text, StringComparison.Ordinal);
        Assert.Contains(request.Id.Value, (await admin.Get("/destinations/Desk")).Text, StringComparison.Ordinal);

        using var other = await host.SignIn(await host.Hub.AddPerson("Ben"));
        Assert.Equal(404, (await other.Get("/destinations")).Status);
        Assert.Equal(404, (await other.Get("/destinations/Desk")).Status);
    }
}
