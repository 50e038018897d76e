using System.Text;
using System.Text.Json.Nodes;
using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Zendesk;

/// <summary>
/// Calls as the official page's samples make them, by the programs that people run: only host, credentials and ids are
/// ours.
/// </summary>
public sealed class SampleTests
{
    [Fact]
    public Task Curl_lists() =>
        Lists(
            "curl",
            (address, email, token) =>
                [
                    "-sS",
                    "-u",
                    $"{email}/token:{token}",
                    $"{address}api/v2/approval_requests",
                    "-H",
                    "Content-Type: application/json",
                ]
        );

    [Fact]
    public Task Curl_filters_with_a_password() =>
        Lists(
            "curl",
            (address, email, _) =>
                [
                    "-sS",
                    "-g",
                    $"{address}api/v2/approval_requests?filter[status]=active,approved&filter[assignee_user_id]=123,3",
                    "-u",
                    $"{email}:{ZendeskHost.Password}",
                ]
        );

    [Fact]
    public Task Curl_creates_for_a_group() =>
        Creates(
            "curl",
            (address, email, token) =>
                [
                    "-sS",
                    $"{address}api/v2/approval_requests",
                    "-H",
                    "Content-Type: application/json",
                    "-X",
                    "POST",
                    "-d",
                    """
                        {"message": "approval description", "subject": "approval subject", "assignee_group_id": 1,
                        "ticket_id": 123}
                        """,
                    "-u",
                    $"{email}/token:{token}",
                ]
        );

    [Fact]
    public Task Python_lists() =>
        Lists(
            "python3",
            (address, email, token) =>
                [
                    "-c",
                    $"""
                        import requests
                        from requests.auth import HTTPBasicAuth
                        url = ("{address}api/v2/approval_requests?after_cursor=&before_cursor="
                            "&filter[assignee_group_id]=&filter[assignee_user_id]=&filter[status]=")
                        response = requests.request("GET", url, auth=HTTPBasicAuth(f'{email}/token', '{token}'),
                            headers=dict([("Content-Type", "application/json")]))
                        print(response.text)
                        """,
                ],
            "import requests"
        );

    [Fact]
    public Task Python_creates() =>
        Creates(
            "python3",
            (address, email, token) =>
                [
                    "-c",
                    $$""""
                        import requests
                        import json
                        from requests.auth import HTTPBasicAuth
                        payload = json.loads("""{ "assignee_user_id": 3, "message": "Please approve a laptop",
                            "subject": "Laptop Purchase Approval", "ticket_id": 123 }""")
                        response = requests.request("POST", "{{address}}api/v2/approval_requests",
                            auth=HTTPBasicAuth('{{email}}/token', '{{token}}'),
                            headers={"Content-Type": "application/json"}, json=payload)
                        print(response.text)
                        """",
                ],
            "import requests"
        );

    [Fact]
    public async Task Node_lists()
    {
        using var npm = await Npm.Install("axios@1");
        await using var host = await Host("node", "");
        await Lists(
            host,
            async (address, email, token) =>
                JsonNode.Parse(
                    await npm.Node(
                        $$"""
                        var axios = require('axios');
                        var config = {
                          method: 'GET',
                          url: '{{address}}api/v2/approval_requests',
                          headers: { 'Content-Type': 'application/json', 'Authorization': 'Basic {{Encoded(
                            email,
                            token
                        )}}' },
                          params: { 'after_cursor': '', 'before_cursor': '',
                            'filter[assignee_group_id]': '', 'filter[assignee_user_id]': '', 'filter[status]': '' },
                        };
                        axios(config)
                          .then(function (response) { console.log(JSON.stringify(response.data)); })
                          .catch(function (error) { console.log(error); });
                        """
                    )
                )!
        );
    }

    [Fact]
    public Task Ruby_lists() =>
        Lists(
            "ruby",
            (address, email, token) =>
                [
                    "-e",
                    $$"""
                        require "net/http"
                        require "base64"
                        uri = URI("{{address}}api/v2/approval_requests")
                        uri.query = URI.encode_www_form("after_cursor": "", "before_cursor": "",
                          "filter[assignee_group_id]": "", "filter[assignee_user_id]": "", "filter[status]": "")
                        request = Net::HTTP::Get.new(uri, "Content-Type": "application/json")
                        request["Authorization"] = "Basic #{Base64.strict_encode64("{{email}}/token:{{token}}")}"
                        puts Net::HTTP.start(uri.hostname, uri.port) { |http| http.request(request) }.body
                        """,
                ]
        );

    /// <summary>
    /// A client library from npm that follows <c>links.next</c> by itself and puts <c>.json</c> on every path.
    /// </summary>
    [Fact]
    public async Task Node_zendesk_pages_through_all_requests()
    {
        using var npm = await Npm.Install("node-zendesk@6.0.1");
        await using var host = await ZendeskHost.Start(Engine.Sqlite);
        var asked = new List<string>();
        for (var i = 1; i <= 7; i++)
            asked.Insert(0, await host.Ask(i));
        var token = Some.Done(await host.Hub.Tokens.Add(host.Boss.Email!, Some.Operator, default)).Token;
        var answer = JsonNode.Parse(
            await npm.Node(
                $$"""
                const zendesk = require('node-zendesk').createClient({
                  username: '{{host.Boss.Email}}', token: '{{token}}', endpointUri: '{{host.Api.Address}}api/v2' });
                zendesk.tickets.jsonAPINames = ['approval_requests'];
                (async () => {
                  const requests = await zendesk.tickets.getAll(['approval_requests', { 'page[size]': 3 }]);
                  const me = await zendesk.users.me();
                  console.log(JSON.stringify({ ids: requests.map(r => r.id), me: (me.result ?? me).id }));
                })().catch(e => { console.error(e); process.exit(1); });
                """
            )
        )!;
        Assert.Equal(asked, answer["ids"]!.AsArray().Select(i => i!.ToString()));
        Assert.Equal(host.Boss.Id, (long)answer["me"]!);
    }

    private static async Task Lists(string program, Func<Uri, string, string, string[]> arguments, string needs = "")
    {
        await using var host = await Host(program, needs);
        await Lists(host, (address, email, token) => Run(program, arguments(address, email, token)));
    }

    private static async Task Lists(ZendeskHost host, Func<Uri, string, string, Task<JsonNode>> call)
    {
        var id = await host.Ask(123);
        var answer = await As(host, call);
        Assert.Equal(id, answer["approval_requests"]![0]!["id"]!.ToString());
        Assert.Equal("""{"next":null,"prev":null}""", answer["links"]!.ToJsonString());
    }

    private static async Task Creates(string program, Func<Uri, string, string, string[]> arguments, string needs = "")
    {
        await using var host = await Host(program, needs);
        var answer = await As(host, (address, email, token) => Run(program, arguments(address, email, token)));
        Assert.Equal(
            (123, "active"),
            ((int)answer["approval_request"]!["ticket_id"]!, answer["approval_request"]!["status"]!.ToString())
        );
    }

    private static async Task<ZendeskHost> Host(string program, string needs)
    {
        var (code, _, error) = await Programs.Run(program, program == "python3" ? ["-c", needs] : ["--version"]);
        Assert.SkipWhen(code != 0, $"{program} is not on this machine, or lacks what the sample imports: {error}");
        var host = await ZendeskHost.Start(Engine.Sqlite);
        Assert.Equal((3, 1), (host.Jane.Id, host.Sre.Id));
        return host;
    }

    private static async Task<JsonNode> As(ZendeskHost host, Func<Uri, string, string, Task<JsonNode>> call)
    {
        var pat = await host.Hub.AddPerson("Pat", Role.Admin, ZendeskHost.Password);
        var token = Some.Done(await host.Hub.Tokens.Add(pat.Email!, Some.Operator, default)).Token;
        return await call(host.Api.Address, pat.Email!, token);
    }

    private static async Task<JsonNode> Run(string program, string[] arguments)
    {
        var (code, output, error) = await Programs.Run(program, arguments);
        Assert.True(code == 0, error);
        return JsonNode.Parse(output) ?? throw new InvalidOperationException(error);
    }

    private static string Encoded(string email, string token) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"{email}/token:{token}"));
}
