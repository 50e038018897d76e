using Countersign.People;
using Countersign.Tests.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>
/// Admins add a destination in a browser, try it, and see what was handed over; everybody else sees the ticket.
/// </summary>
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
        Assert.Contains("No destinations yet", (await admin.Get("/destinations")).Text, StringComparison.Ordinal);

        var form = await admin.Submit("/destinations/new", "/destinations/new", ("manifest", Sample.Text));
        Assert.Contains("name=\"v.apiKey\"", form.Text, StringComparison.Ordinal);
        var refused = await admin.Submit(
            "/destinations/new",
            "/destinations/new",
            ("manifest", Sample.Text),
            ("name", "Desk"),
            ("v.baseURL", desk.BaseUrl),
            ("do", "add")
        );
        Assert.Equal(422, refused.Status);
        Assert.Contains("Key is required", refused.Text, StringComparison.Ordinal);
        var added = await admin.Submit(
            "/destinations/new",
            "/destinations/new",
            ("manifest", Sample.Text),
            ("name", "Desk"),
            ("v.baseURL", desk.BaseUrl),
            ("v.apiKey", "k-123"),
            ("do", "add")
        );
        Assert.Equal(302, added.Status);

        Assert.Equal(
            "/destinations/Desk",
            (await admin.Submit("/destinations/Desk", "/destinations/Desk", ("do", "test"))).Location
        );
        var tried = await admin.Get("/destinations/Desk");
        Assert.Contains("responded with 404", tried.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "responded with 404",
            (await admin.Get("/destinations/Desk")).Text,
            StringComparison.Ordinal
        );
        var rehearsed = await admin.Get("/destinations/Desk/calls");
        Assert.Contains("Bearer ••••••", rehearsed.Text, StringComparison.Ordinal);
        foreach (var page in new[] { refused, tried, rehearsed, await admin.Get("/destinations/Desk") })
            Assert.DoesNotContain("k-123", page.Text, StringComparison.Ordinal);

        var request = await host.Hub.Ask(HandedOver.LeftTo());
        await Eventually.True(
            async () => await host.Hub.Place.Number("SELECT count(*) FROM links WHERE state = 'open'") == 1,
            "the ticket is open"
        );
        var shown = await admin.Get($"/requests/{request.Id}");
        Assert.Contains($"{desk.BaseUrl}/show?id=T1", shown.Text, StringComparison.Ordinal);
        Assert.Contains("Only Desk decides this.", shown.Text, StringComparison.Ordinal);
        Assert.Contains("Desk decides this. You can comment.", shown.Text, StringComparison.Ordinal);
        Assert.Contains("opened a ticket", shown.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("approvals-title", shown.Text, StringComparison.Ordinal);
        // What is refused comes back with all that was there, the ticket too.
        var empty = await admin.Submit(
            $"/requests/{request.Id}",
            $"/requests/{request.Id}",
            ("do", "comment"),
            ("note", " ")
        );
        Assert.Equal(422, empty.Status);
        Assert.Contains($"{desk.BaseUrl}/show?id=T1", empty.Text, StringComparison.Ordinal);
        Assert.Contains(
            $"/requests/{request.Id}\">{request.Subject}</a>",
            (await admin.Get("/destinations/Desk")).Text,
            StringComparison.Ordinal
        );

        using var other = await host.SignIn(await host.Hub.AddPerson("Ben"));
        Assert.Equal(404, (await other.Get("/destinations")).Status);
        Assert.Equal(404, (await other.Get("/destinations/Desk")).Status);
    }

    [Theory, BothEngines]
    public async Task The_values_to_choose_from_are_loaded_when_adding_and_when_changing(Engine engine)
    {
        await using var desk = new FakeDesk
        {
            Before = call =>
                call.Path == "/templates"
                    ? new Conduct.Answers(
                        200,
                        """{"data":[{"name":"Standard","value":"std-1"},{"name":"Urgent","value":"urg-2"}]}"""
                    )
                    : null,
        };
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        using var admin = await host.SignIn(await host.Hub.AddPerson("Ada", Role.Admin));
        var manifest = Sample.With(
            (
                "~.environmentFormVariables.0",
                System.Text.Json.Nodes.JsonNode.Parse(
                    """
                    {"key": "template", "name": "Template", "type": "dynamicEnum",
                      "description": "", "dynamicOptions": {
                      "endpoint": {"url": "{{baseURL}}/templates", "method": "GET",
                      "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
                      "parser": {"optionsPath": "/data", "optionsItems": {"label": "/name", "value": "/value"}}}}
                    """
                )
            )
        );
        (string, string)[] typed =
        [
            ("manifest", manifest),
            ("name", "Desk"),
            ("v.baseURL", desk.BaseUrl),
            ("v.apiKey", "k-123"),
        ];
        Assert.Contains(
            "<option value=\"urg-2\"",
            (await admin.Submit("/destinations/new", "/destinations/new", [.. typed, ("do", "load")])).Text,
            StringComparison.Ordinal
        );
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    "/destinations/new",
                    "/destinations/new",
                    [.. typed, ("v.template", "std-1"), ("do", "add")]
                )
            ).Status
        );

        // Afterwards the key that is kept is used: nobody types it again.
        var loaded = await admin.Submit(
            "/destinations/Desk",
            "/destinations/Desk",
            ("v.baseURL", desk.BaseUrl),
            ("v.template", "std-1"),
            ("do", "load")
        );
        Assert.Contains("<option value=\"urg-2\"", loaded.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("k-123", loaded.Text, StringComparison.Ordinal);
        Assert.Equal("Bearer k-123", desk.Calls[^1].Headers["Authorization"]);
        desk.Before = _ => new Conduct.Answers(503);
        Assert.Contains(
            "It responded with 503",
            (
                await admin.Submit(
                    "/destinations/Desk",
                    "/destinations/Desk",
                    ("v.baseURL", desk.BaseUrl),
                    ("do", "load")
                )
            ).Text,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task Trap_41_values_to_choose_from_come_from_the_system_that_is_asked(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var other = new Receiver(
            new Conduct.Answers(200, """{"data":[{"name":"Standard","value":"std-1"}]}""")
        );
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        using var admin = await host.SignIn(await host.Hub.AddPerson("Ada", Role.Admin));
        var manifest = Sample.With(
            (
                "~.environmentFormVariables.0",
                System.Text.Json.Nodes.JsonNode.Parse(
                    $$$$$"""
                    {"key": "template", "name": "Template", "type": "dynamicEnum",
                      "description": "", "isOptional": true,
                      "dynamicOptions": {
                      "endpoint": {"url": "http://127.0.0.1:{{{{{other.Port}}}}}/templates", "method": "GET",
                      "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
                      "parser": {"optionsPath": "/data", "optionsItems": {"label": "/name", "value": "/value"}}}}
                    """
                )
            )
        );
        (string, string)[] typed =
        [
            ("manifest", manifest),
            ("name", "Desk"),
            ("v.baseURL", desk.BaseUrl),
            ("v.apiKey", "k-123"),
        ];
        Assert.Contains(
            $"would call http://127.0.0.1:{other.Port} for them",
            (await admin.Submit("/destinations/new", "/destinations/new", [.. typed, ("do", "load")])).Text,
            StringComparison.Ordinal
        );
        Assert.Equal(
            302,
            (await admin.Submit("/destinations/new", "/destinations/new", [.. typed, ("do", "add")])).Status
        );
        await admin.Submit("/destinations/Desk", "/destinations/Desk", ("do", "test"));
        Assert.Empty(other.Calls);
        Assert.NotEmpty(desk.Calls);
    }

    [Theory, BothEngines]
    public async Task A_secret_goes_nowhere_but_where_it_was_given_for(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var other = new FakeDesk();
        await using var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        using var admin = await host.SignIn(ada);
        using var api = await host.Person(ada);
        var manifest = Sample.With(
            (
                "~.environmentFormVariables.0",
                System.Text.Json.Nodes.JsonNode.Parse(
                    """
                    {"key": "template", "name": "Template", "type": "dynamicEnum",
                      "description": "", "isOptional": true,
                      "dynamicOptions": {
                      "endpoint": {"url": "{{baseURL}}/templates", "method": "GET",
                      "headers": [{"name": "Authorization", "value": "Bearer {{apiKey}}"}]},
                      "parser": {"optionsPath": "/data", "optionsItems": {"label": "/name", "value": "/value"}}}}
                    """
                )
            )
        );
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    "/destinations/new",
                    "/destinations/new",
                    ("manifest", manifest),
                    ("name", "Desk"),
                    ("v.baseURL", desk.BaseUrl),
                    ("v.apiKey", "k-123"),
                    ("do", "add")
                )
            ).Status
        );

        foreach (var what in new[] { "load", "values" })
        {
            var refused = await admin.Submit(
                "/destinations/Desk",
                "/destinations/Desk",
                ("v.baseURL", other.BaseUrl),
                ("v.apiKey", ""),
                ("do", what)
            );
            Assert.Contains("The address has changed. Enter this again", refused.Text, StringComparison.Ordinal);
        }
        Assert.Equal(
            422,
            (
                await api.Put("/api/v1/destinations/Desk/values", new { settings = new { baseURL = other.BaseUrl } })
            ).Status
        );
        await admin.Submit("/destinations/Desk", "/destinations/Desk", ("do", "test"));
        Assert.Empty(other.Calls);
        Assert.NotEmpty(desk.Calls);

        // The same host by another path, and another host with the secret given again.
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    "/destinations/Desk",
                    "/destinations/Desk",
                    ("v.baseURL", desk.BaseUrl + "/v2"),
                    ("v.apiKey", ""),
                    ("do", "values")
                )
            ).Status
        );
        Assert.Equal(
            302,
            (
                await admin.Submit(
                    "/destinations/Desk",
                    "/destinations/Desk",
                    ("v.baseURL", other.BaseUrl),
                    ("v.apiKey", "k-456"),
                    ("do", "values")
                )
            ).Status
        );
        await admin.Submit("/destinations/Desk", "/destinations/Desk", ("do", "test"));
        Assert.All(other.Calls, call => Assert.Equal("Bearer k-456", call.Headers["Authorization"]));
        Assert.NotEmpty(other.Calls);
    }
}
