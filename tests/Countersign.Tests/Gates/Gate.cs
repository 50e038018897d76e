using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>A hub with an agent that asks, its owner, and an admin who decides.</summary>
internal sealed class Gate : IAsyncDisposable
{
    private int _asked;

    private Gate(ApiHost host, NewSourceKey key, Person olga, Person ada)
    {
        (Host, Key, Olga, Ada) = (host, key, olga, ada);
        Bot = host.Source(key);
    }

    public ApiHost Host { get; }
    public TestHub Hub => Host.Hub;
    public NewSourceKey Key { get; }

    /// <summary>The agent, over the API.</summary>
    public ApiClient Bot { get; }

    /// <summary>Its owner.</summary>
    public Person Olga { get; }

    /// <summary>An admin, who may decide.</summary>
    public Person Ada { get; }

    public static async Task<Gate> Start(
        Engine engine,
        string kind = "agent",
        params (string Name, string Value)[] settings
    )
    {
        var host = await ApiHost.Start(engine, settings);
        var olga = await host.Hub.AddPerson("Olga");
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        var key = Some.Done(
            await host.Hub.Sources.Add("bot", kind, null, null, Some.Operator, default, owner: olga.Email)
        );
        await host.Noticed();
        return new Gate(host, key, olga, ada);
    }

    /// <summary>The path and digest of a request that the agent has just sent.</summary>
    public async Task<(string Path, string Digest)> Ask(object? facts = null)
    {
        var asked = await Bot.Post("/api/v1/requests", new { subject = $"Drop index {++_asked}", facts });
        Assert.Equal(201, asked.Status);
        return ($"/api/v1/requests/{asked["id"]}", asked["digest"]!);
    }

    /// <summary>The path of the one active request that has come, or comes.</summary>
    public async Task<string> NextAsked()
    {
        var path = "";
        await Eventually.True(
            async () =>
            {
                var active = (await Bot.Get("/api/v1/requests?status=active")).Json["requests"]!.AsArray();
                path = active.Count == 1 ? $"/api/v1/requests/{active[0]!["id"]}" : "";
                return path.Length > 0;
            },
            "a request has come"
        );
        return path;
    }

    public Task Approve(string path) => Decide(path, "approve");

    public async Task Decide(string path, string answer)
    {
        using var admin = await Host.Person(Ada);
        Assert.Equal(200, (await admin.Post($"{path}/decisions", new { answer })).Status);
    }

    public async Task<List<string>> Kinds(string path)
    {
        Assert.True(RequestId.TryParse(path.Split('/')[^1], out var id));
        return await Hub.Kinds(id);
    }

    public async ValueTask DisposeAsync()
    {
        Bot.Dispose();
        await Host.DisposeAsync();
    }
}
