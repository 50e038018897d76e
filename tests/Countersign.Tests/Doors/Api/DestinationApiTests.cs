using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Tests.Destinations;
using Countersign.Tests.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Doors.Api;

/// <summary>A whole server: asked by one system, decided by another, all of it over HTTP.</summary>
public sealed class DestinationApiTests
{
    [Theory, BothEngines]
    public async Task A_request_goes_through_a_destination_and_back(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        using var admin = await host.Person(await host.Hub.AddPerson("Ada", Role.Admin));
        var body = new
        {
            name = "Desk",
            manifest = JsonNode.Parse(Sample.Text),
            settings = new { baseURL = desk.BaseUrl },
            secrets = new { apiKey = "k-123" },
        };
        Assert.Equal(201, (await admin.Post("/api/v1/destinations", body)).Status);
        Assert.Equal("conflict", (await admin.Post("/api/v1/destinations", body)).Code);
        var shown = await admin.Get("/api/v1/destinations/desk");
        Assert.DoesNotContain("k-123", shown.Text, StringComparison.Ordinal);
        Assert.Equal("apiKey", shown.Json["secrets"]![0]!.ToString());
        Assert.True((bool)(await admin.Post("/api/v1/destinations/Desk/test", new { })).Json["ok"]!);
        Assert.DoesNotContain(
            "k-123",
            (await admin.Post("/api/v1/destinations/Desk/rehearsal", new { })).Text,
            StringComparison.Ordinal
        );
        Assert.Empty(
            (await admin.Post("/api/v1/destinations/lint", new { manifest = "countersign" })).Json[
                "findings"
            ]!.AsArray()
        );

        var source = await admin.Post("/api/v1/sources", new { name = "Shop", destination = "Desk" });
        using var shop = host.Nobody();
        shop.Http.DefaultRequestHeaders.Authorization = new("Bearer", source["key"]);
        var asked = await shop.Post("/api/v1/requests", new { subject = "Sell more" });
        Assert.Equal((201, "active", "Waiting for Desk"), (asked.Status, asked["status"]!, asked["display"]!));
        await Eventually.True(async () => (await Links(admin))?["state"]?.ToString() == "open", "the ticket is open");

        Assert.Equal(
            409,
            (
                await admin.Post(
                    $"/api/v1/links/{(await Links(admin))!["id"]}/resolution",
                    new { action = "send_again" }
                )
            ).Status
        );
        desk.Decide("yes");
        Assert.Equal(
            204,
            (
                await admin.Post($"/api/v1/links/{(await Links(admin))!["id"]}/resolution", new { action = "retry" })
            ).Status
        );
        await Eventually.True(
            async () => (await shop.Get($"/api/v1/requests/{asked["id"]}"))["status"] == "approved",
            "the answer came back"
        );
        Assert.DoesNotContain(
            "k-123",
            (await admin.Get("/api/v1/destinations/Desk/links")).Text,
            StringComparison.Ordinal
        );

        using var nobody = await host.Person(await host.Hub.AddPerson("Ben"));
        Assert.Equal(403, (await nobody.Get("/api/v1/destinations")).Status);
        static async Task<JsonNode?> Links(ApiClient admin) =>
            (await admin.Get("/api/v1/destinations/Desk/links")).Json["links"]!.AsArray().FirstOrDefault();
    }
}
