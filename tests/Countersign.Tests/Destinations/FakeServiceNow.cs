using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Countersign.Tests.Destinations;

/// <summary>
/// ServiceNow's change management as it is documented: OAuth with client credentials, fields as display value and
/// value, states as numbers with a fraction, as the real one sends them. What it does not know it refuses.
/// </summary>
internal sealed class FakeServiceNow : IAsyncDisposable
{
    private static readonly string[] Columns =
    [
        "short_description",
        "justification",
        "description",
        "correlation_id",
        "correlation_display",
        "requested_by",
        "start_date",
        "end_date",
        "assignment_group",
        "cmdb_ci",
        "implementation_plan",
    ];
    private static readonly Dictionary<string, string> States = new()
    {
        ["-5.0"] = "New",
        ["-1.0"] = "Implement",
        ["0.0"] = "Review",
        ["4.0"] = "Canceled",
    };

    private readonly ConcurrentDictionary<string, JsonObject> _changes = new();
    private readonly Receiver _receiver;
    private readonly string _kind;
    private int _made;

    public FakeServiceNow(string kind)
    {
        _kind = kind;
        _receiver = new Receiver(Answer);
    }

    public string Address => $"http://127.0.0.1:{_receiver.Port}";

    /// <summary>What is wrong with calls so far.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();
    public IReadOnlyDictionary<string, JsonObject> Changes => _changes;
    public IReadOnlyList<Received> Calls => _receiver.Calls;

    public void Move(string state)
    {
        foreach (var change in _changes.Values)
            change["state"] = state;
    }

    public string State(string id) => States[_changes[id]["state"]!.ToString()];

    public ValueTask DisposeAsync() => _receiver.DisposeAsync();

    private Conduct.Answers Answer(Received call)
    {
        if (call.Path == "/oauth_token.do")
        {
            return
                call.Method == "POST"
                && call.Body.Contains("client_id=hub", StringComparison.Ordinal)
                && call.Body.Contains("client_secret=s3cr3t", StringComparison.Ordinal)
                ? new(200, """{"access_token":"at-1","scope":"useraccount","token_type":"Bearer","expires_in":1799}""")
                : new(401, """{"error":"invalid_client"}""");
        }
        if (call.Headers.GetValueOrDefault("Authorization") != "Bearer at-1")
        {
            return new(
                401,
                """
                {"error":{"message":"User Not Authenticated","detail":"Required to provide Auth information"},
                "status":"failure"}
                """
            );
        }
        if (call.Headers.GetValueOrDefault("Accept") != "application/json")
            Complaints.Enqueue($"{call.Method} {call.Path}: Accept is {call.Headers.GetValueOrDefault("Accept")}");
        if (call.Path.StartsWith("/api/now/table/sys_user?", StringComparison.Ordinal))
        {
            return new(
                200,
                """{"result":[{"email":"","user_name":"ghost"},{"email":"Ann@example.test","user_name":"ann.a"}]}"""
            );
        }
        if (
            call.Path.StartsWith(
                "/api/now/table/change_request?sysparm_query=correlation_id%3D",
                StringComparison.Ordinal
            )
        )
        {
            var wanted = call.Path.Split("%3D")[1].Split('&')[0];
            return new(
                200,
                new JsonObject
                {
                    ["result"] = new JsonArray([
                        .. _changes
                            .Where(c => c.Value["correlation_id"]?.ToString() == wanted)
                            .Select(c => new JsonObject
                            {
                                ["sys_id"] = c.Key,
                                ["state"] = c.Value["state"]!.ToString().Split('.')[0],
                            }),
                    ]),
                }.ToJsonString()
            );
        }
        const string template = "/api/sn_chg_rest/change/standard/template";
        if (call.Path == template)
        {
            return new(
                200,
                """
                {"result":[{"sys_name":{"display_value":"Flag change","value":"Flag change"},
                "sys_id":{"display_value":"tpl1","value":"tpl1"}}]}
                """
            );
        }
        var root = "/api/sn_chg_rest/change/" + _kind + (_kind == "standard" && call.Method == "POST" ? "/tpl1" : "");
        if (call.Method == "POST" && call.Path == root)
            return Create(call);
        var path = call.Path.Split('?');
        var id = path[0].StartsWith(root + "/", StringComparison.Ordinal) ? path[0][(root.Length + 1)..] : "";
        if (!_changes.TryGetValue(id, out var change))
        {
            Complaints.Enqueue($"{call.Method} {call.Path}: no such thing");
            return new(404, """{"error":{"message":"Record not found"},"status":"failure"}""");
        }
        if (call.Method == "PATCH")
        {
            if (
                call.Body.Length > 0
                || call.Headers.GetValueOrDefault("Content-Length") != "0"
                || call.Headers.ContainsKey("Content-Type")
            )
            {
                Complaints.Enqueue($"{call.Method} {call.Path}: a body that is none");
            }
            change["state"] = path[1] switch
            {
                "state=Review" => "0.0",
                "state=Canceled" => "4.0",
                _ => throw new InvalidOperationException(path[1]),
            };
        }
        return Show(id, change);
    }

    private Conduct.Answers Create(Received call)
    {
        if (call.Headers.GetValueOrDefault("Content-Type") != "application/json")
            Complaints.Enqueue($"{call.Path}: Content-Type is {call.Headers.GetValueOrDefault("Content-Type")}");
        var body = JsonNode.Parse(call.Body)!.AsObject();
        foreach (var column in body.Where(c => !Columns.Contains(c.Key)))
            Complaints.Enqueue($"There is no column {column.Key}");
        if (
            body["start_date"] is { } start
            && string.CompareOrdinal(body["end_date"]!.ToString(), start.ToString()) <= 0
        )
        {
            return new(400, """{"error":{"message":"end_date must be after start_date"},"status":"failure"}""");
        }
        var id = $"{Interlocked.Increment(ref _made):x32}";
        var change = body.DeepClone().AsObject();
        change["state"] = "-5.0";
        _changes[id] = change;
        return Show(id, change);
    }

    private static Conduct.Answers Show(string id, JsonObject change)
    {
        var state = change["state"]!.ToString();
        return new(
            200,
            $$$$"""
            {"result":{"sys_id":{"display_value":"{{{{id}}}}","value":"{{{{id}}}}"},
            "state":{"display_value":"{{{{States[state]}}}}","value":{{{{state}}}}},
            "number":{"display_value":"CHG1","value":"CHG1"}}}
            """,
            "Content-Type: application/json\r\n"
        );
    }
}
