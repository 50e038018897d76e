using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>What LaunchDarkly does and understands: its five requests, and how it reads our answers.</summary>
internal sealed class LaunchDarklySide(ApiClient client, string prefix = "") : IDisposable
{
    public const string Id = "66a8e20c0754610fae1fcf5d";

    public ApiClient Client => client;

    public Task<ApiAnswer> Create(JsonObject body) => client.PostText(prefix + "/api/approvals", body.ToJsonString());

    public Task<ApiAnswer> Create(string text) => client.PostText(prefix + "/api/approvals", text);

    public Task<ApiAnswer> Status(string id = Id) => client.Get($"{prefix}/api/approvals/{id}/status");

    public Task<ApiAnswer> Apply(string id = Id) => Post($"{prefix}/api/approvals/{id}/apply");

    public Task<ApiAnswer> Cancel(string id = Id) => Post($"{prefix}/api/approvals/{id}/cancel");

    public Task<ApiAnswer> Members() => client.Get(prefix + "/api/members");

    /// <summary>A JSON content type and nothing behind it.</summary>
    public Task<ApiAnswer> Post(string path)
    {
        var nothing = new ByteArrayContent([]);
        nothing.Headers.ContentType = new("application/json");
        return client.Send(HttpMethod.Post, path, nothing);
    }

    public void Dispose() => client.Dispose();

    /// <summary>The body of a creation with everything in it; a test takes away or changes what it is about.</summary>
    public static JsonObject Body(string id = Id) =>
        new()
        {
            ["_site"] = new JsonObject
            {
                ["href"] = $"https://app.launchdarkly.com/shop/live/features/dark-mode/approvals/{id}",
            },
            ["_id"] = id,
            ["details"] = "Created approval request: less glare at night\nRequested change is:\nTurn on the flag",
            ["project"] = new JsonObject
            {
                ["name"] = "Web Shop",
                ["key"] = "shop",
                ["tags"] = new JsonArray("retail", "web"),
            },
            ["environment"] = new JsonObject
            {
                ["name"] = "Live",
                ["key"] = "production",
                ["tags"] = new JsonArray("eu"),
            },
            ["flag"] = new JsonObject
            {
                ["name"] = "Dark mode",
                ["key"] = "dark-mode",
                ["tags"] = new JsonArray("ui"),
            },
            ["shortDescription"] = "Rita Roe requested approval for changes to the flag Dark mode in 'Live'",
            ["timestamp"] = "1746196607127",
            ["approvalFormVariables"] = new JsonObject { ["risk"] = "low", ["rollback"] = "true" },
            ["comment"] = "less glare at night",
        };

    /// <summary>
    /// The text as it stands in a template: every value is escaped for JSON, and most of them for nothing else.
    /// </summary>
    public static string Rendered(string name, string value) =>
        Body()
            .ToJsonString()
            .Replace($"\"{name}\":\"{Body()[name]}\"", $"\"{name}\":\"{value}\"", StringComparison.Ordinal);

    public static bool ReadsApproved(string value) =>
        Regex.IsMatch(value, "approved", RegexOptions.None, TimeSpan.FromSeconds(1));

    public static bool ReadsDeclined(string value) =>
        Regex.IsMatch(value, "declined", RegexOptions.None, TimeSpan.FromSeconds(1));
}

internal static class LaunchDarklyAnswers
{
    public static string Value(this ApiAnswer answer) => answer.Json["status"]!["value"]!.GetValue<string>();

    public static string Display(this ApiAnswer answer) => answer.Json["status"]!["display"]!.GetValue<string>();

    /// <summary>An error of this door: JSON, and nothing that could be read as a status.</summary>
    public static void Refuses(this ApiAnswer answer, int status, string code)
    {
        Assert.Equal((status, "application/json"), (answer.Status, answer.MediaType));
        Assert.Equal(code, answer.Json["error"]!["code"]!.GetValue<string>());
        Assert.Null(answer.Json["status"]);
        Assert.Null(answer.Json["_id"]);
    }
}

/// <summary>A server, a source of LaunchDarkly's and the people of its group.</summary>
internal sealed class LaunchDarklyHost : IAsyncDisposable
{
    private LaunchDarklyHost(ApiHost host, LaunchDarklySide side, NewSourceKey key, List<Person> people) =>
        (Host, Side, Key, People) = (host, side, key, people);

    public ApiHost Host { get; }
    public LaunchDarklySide Side { get; }
    public NewSourceKey Key { get; }

    /// <summary>Ann, Ben and Cem, of the group SRE.</summary>
    public List<Person> People { get; }
    public TestHub Hub => Host.Hub;

    public static async Task<LaunchDarklyHost> Start(
        Engine engine,
        int need = 1,
        params (string Name, string Value)[] settings
    )
    {
        var host = await ApiHost.Start(engine, settings);
        var people = await host.Hub.AddPeople("Ann", "Ben", "Cem");
        var group = await host.Hub.AddGroup("SRE", [.. people]);
        var key = await host.Hub.AddSource("LaunchDarkly", group, need, "launchdarkly");
        // The one who asks in every body; she decides nothing.
        await host.Hub.AddPerson("Rita Roe", Role.EndUser);
        await host.Noticed();
        return new LaunchDarklyHost(
            host,
            new LaunchDarklySide(host.Source(key), settings.FirstOrDefault(s => s.Name == "PathBase").Value ?? ""),
            key,
            people
        );
    }

    public async Task<Requests.ApprovalRequest> Request(string id = LaunchDarklySide.Id) =>
        await Hub.Store.Read(async reader =>
        {
            var creator = await reader.Number("SELECT person_id FROM sources WHERE id = @id", new { id = Key.Id });
            return await Requests.RequestRow.FindExternal(reader, Key.Id, creator, id);
        }) ?? throw new InvalidOperationException($"No request {id}.");

    public async Task<Requests.DecideOutcome> Answer(
        Person person,
        Requests.Answer answer,
        string id = LaunchDarklySide.Id
    )
    {
        var request = await Request(id);
        return await Hub.Answer(request, person, answer, digest: request.Digest);
    }

    public Task<Requests.DecideOutcome> Approve(Person person, string id = LaunchDarklySide.Id) =>
        Answer(person, Requests.Answer.Approve, id);

    public async Task<JsonObject> Facts(string id = LaunchDarklySide.Id) =>
        JsonNode.Parse((await Details(id)).Current.Facts)!.AsObject();

    public async Task<Requests.RequestDetails> Details(string id = LaunchDarklySide.Id) =>
        (await Requests.RequestDetails.Find(Hub.Store, (await Request(id)).Id, Some.Viewer(Key), default))!;

    public async Task<string> StoredBody(string id = LaunchDarklySide.Id) =>
        (
            await Hub.Place.Text(
                "SELECT body FROM revisions WHERE request_id = @id ORDER BY n DESC",
                new { id = (await Request(id)).Id }
            )
        )!;

    public async ValueTask DisposeAsync()
    {
        Side.Dispose();
        await Host.DisposeAsync();
    }
}
