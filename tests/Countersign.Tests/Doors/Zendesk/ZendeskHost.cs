using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Doors.Zendesk;

/// <summary>
/// A server with the people of most stories: an admin, an agent who asks, two who decide, and a stranger.
/// </summary>
internal sealed class ZendeskHost : IAsyncDisposable
{
    public const string Requests = "/api/v2/approval_requests";
    public const string Password = "correct horse battery";

    private readonly List<ApiClient> _clients = [];

    public required ApiHost Api { get; init; }
    public TestHub Hub => Api.Hub;
    public Person Boss { get; private set; } = null!;
    public Person Agent { get; private set; } = null!;
    public Person Jane { get; private set; } = null!;
    public Person Ben { get; private set; } = null!;
    public Group Sre { get; private set; } = null!;
    public ApiClient AsBoss { get; private set; } = null!;
    public ApiClient AsAgent { get; private set; } = null!;
    public ApiClient AsJane { get; private set; } = null!;
    public ApiClient AsBen { get; private set; } = null!;

    public static async Task<ZendeskHost> Start(Engine engine, params (string Name, string Value)[] settings)
    {
        var host = new ZendeskHost { Api = await ApiHost.Start(engine, settings) };
        host.Boss = await host.Hub.AddPerson("Boss", Role.Admin);
        host.Agent = await host.Hub.AddPerson("Ann Agent", Role.Agent);
        host.Jane = await host.Hub.AddPerson("Jane Approver");
        host.Ben = await host.Hub.AddPerson("Ben", Role.Agent);
        host.Sre = await host.Hub.AddGroup("SRE", host.Ben);
        host.AsBoss = await host.As(host.Boss);
        host.AsAgent = await host.As(host.Agent);
        host.AsJane = await host.As(host.Jane);
        host.AsBen = await host.As(host.Ben);
        return host;
    }

    public async Task<ApiClient> As(Person person)
    {
        var client = await Api.Person(person);
        _clients.Add(client);
        return client;
    }

    public ApiClient With(string user, string password)
    {
        var client = new ApiClient(
            Api.Address,
            new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")))
        );
        _clients.Add(client);
        return client;
    }

    /// <summary>A request of the agent's, for Jane unless somebody else is named.</summary>
    public async Task<string> Ask(long ticket, Person? user = null, Group? group = null, string subject = "Laptop")
    {
        var answer = await AsAgent.Post(
            Requests,
            group is not null
                ? new
                {
                    ticket_id = ticket,
                    subject,
                    message = "Please.",
                    assignee_group_id = group.Id,
                }
                : new
                {
                    ticket_id = ticket,
                    subject,
                    message = "Please.",
                    assignee_user_id = (user ?? Jane).Id,
                }
        );
        Assert.True(answer.Status == 201, answer.Text);
        return answer.Json["approval_request"]!["id"]!.ToString();
    }

    public Task<DecideOutcome> Approve(string id, Person person, string note = "") =>
        Hub.Decide.Run(RequestId.Of(id), Some.Viewer(person), Answer.Approve, note, null, default);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        await Api.DisposeAsync();
    }
}

internal static class ZendeskAnswers
{
    public static JsonNode Item(this ApiAnswer answer) =>
        answer.Json["approval_request"] ?? throw new InvalidOperationException(answer.Text);

    public static List<JsonNode> Items(this ApiAnswer answer) =>
        [.. answer.Json["approval_requests"]!.AsArray().Select(i => i!)];

    public static List<string> Ids(this ApiAnswer answer) => [.. answer.Items().Select(i => i["id"]!.ToString())];

    public static string? Header(this ApiAnswer answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    public static IEnumerable<string> Names(this JsonNode node) =>
        node.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal);

    /// <summary>The code and title of the first of the listed errors.</summary>
    public static (string Code, string Title) Listed(this ApiAnswer answer) =>
        (answer.Json["errors"]![0]!["code"]!.ToString(), answer.Json["errors"]![0]!["title"]!.ToString());
}
