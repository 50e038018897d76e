using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Description;

/// <summary>Real answers have the statuses, codes and members that the description says.</summary>
public sealed class AnswerTests
{
    [Fact]
    public async Task A_request_is_answered_as_described_from_its_creation_to_its_end()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ann = await host.Hub.AddPerson("Ann", Role.Agent);
        await host.Hub.AddGroup("SRE", ann);
        using var source = Checked(host.Source(await host.Hub.AddSource("checkout")));
        await host.Noticed();
        using var person = Checked(await host.Person(ann));
        using var nobody = Checked(host.Nobody());

        var created = await source.Post("/api/v1/requests", new { subject = "One", assignee = new { group = "SRE" } });
        var path = $"/api/v1/requests/{created["id"]}";
        Assert.Equal(201, created.Status);
        Assert.Equal(200, (await person.Get(path)).Status);
        Assert.Equal(200, (await person.Get("/api/v1/requests?waiting=me&status=active")).Status);
        Assert.Equal(422, (await person.Get("/api/v1/requests?status=declined")).Status);
        Assert.Equal(422, (await person.Post($"{path}/decisions", new { answer = "maybe" })).Status);
        Assert.Equal(400, (await person.PostText($"{path}/decisions", "{")).Status);
        Assert.Equal(415, (await person.PostText($"{path}/decisions", "x", "text/plain")).Status);
        Assert.Equal(403, (await source.Post($"{path}/decisions", new { answer = "approve" })).Status);
        Assert.Equal(401, (await nobody.Get(path)).Status);
        Assert.Equal(404, (await person.Get("/api/v1/requests/nothing")).Status);
        Assert.Equal(201, (await person.Post($"{path}/comments", new { text = "Why?" })).Status);
        Assert.Equal(200, (await person.Post($"{path}/decisions", new { answer = "approve", note = "Yes." })).Status);
        Assert.Equal(409, (await person.Post($"{path}/comments", new { text = "Late." })).Status);
        Assert.Equal(200, (await source.Post($"{path}/applied", new { })).Status);
        Assert.Equal(200, (await person.Get($"{path}/revisions")).Status);
        Assert.Equal(200, (await source.Get($"{path}/revisions/1")).Status);
    }

    [Fact]
    public async Task What_admins_read_is_answered_as_described()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite, ("PublicUrl", "http://hub.example.test"));
        var root = await host.Hub.AddPerson("Root", Role.Admin);
        await host.Hub.AddGroup("SRE", root);
        await host.Hub.AddSource("checkout");
        await host.Noticed();
        using var admin = Checked(await host.Person(root));
        Assert.Equal(201, (await admin.Post("/api/v1/webhooks", new { url = "https://hub.example.test/hook" })).Status);
        Assert.Equal(409, (await admin.Post("/api/v1/groups", new { name = "SRE" })).Status);
        Assert.Equal(
            201,
            (await admin.Post("/api/v2/tickets", new { ticket = new { comment = new { body = "x" } } })).Status
        );
        var description = await ApiDescription.Read();
        foreach (var (method, path, operation) in description.Operations())
        {
            var isStream = operation["responses"]!["200"]?["content"]?["text/event-stream"] is not null;
            if (method == "GET" && !isStream && !path.Contains('{', StringComparison.Ordinal))
                await admin.Get(path);
        }
    }

    [Fact]
    public async Task LaunchDarkly_is_answered_as_described()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var source = Checked(host.Source(await host.Hub.AddSource("checkout", kind: "launchdarkly")));
        await host.Noticed();
        Assert.Equal(201, (await source.Post("/api/approvals", new { _id = "abc", comment = "One" })).Status);
        Assert.Equal(200, (await source.Get("/api/approvals/abc/status")).Status);
        Assert.Equal(404, (await source.Get("/api/approvals/other/status")).Status);
        Assert.Equal(400, (await source.PostText("/api/approvals", "{")).Status);
        Assert.Equal(200, (await source.Post("/api/approvals/abc/cancel", new { })).Status);
        Assert.Equal(200, (await source.Get("/api/members")).Status);
    }

    private static ApiClient Checked(ApiClient client)
    {
        client.ChecksDescription = true;
        return client;
    }
}
