using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>
/// LaunchDarkly's REST API on loopback, as small as these tests need it. What a test says of a call comes first, so
/// that it can fail in any way.
/// </summary>
internal sealed class FakeLaunchDarkly : IAsyncDisposable
{
    public const string Token = "api-11111111-2222-3333-4444-555555555555";

    private readonly ConcurrentDictionary<string, JsonObject> _approvals = new();
    private readonly ConcurrentDictionary<string, JsonObject> _members = new();
    private readonly ConcurrentDictionary<string, JsonObject> _flags = new();
    private readonly Receiver _receiver;

    public FakeLaunchDarkly() => _receiver = new Receiver(Answer);

    /// <summary>Null lets it do its work; anything else is answered in its place.</summary>
    public Func<Received, Conduct?> Before { get; set; } = _ => null;

    public string BaseUrl => $"http://127.0.0.1:{_receiver.Port}";
    public IReadOnlyList<Received> Calls => _receiver.Calls;

    public IReadOnlyList<Received> Applied =>
        [.. Calls.Where(c => c.Method == "POST" && c.Path.EndsWith("/apply", StringComparison.Ordinal))];

    /// <summary>An approval that LaunchDarkly holds, asked by a member unless none is named.</summary>
    public JsonObject Approval(string id, string? requestor, string instructions = """[{"kind":"turnFlagOn"}]""")
    {
        var approval = new JsonObject
        {
            ["_id"] = id,
            ["_version"] = 1,
            ["creationDate"] = 1_746_196_607_127,
            ["serviceKind"] = "custom-approvals",
            ["reviewStatus"] = "pending",
            ["status"] = "pending",
            ["allReviews"] = new JsonArray(),
            ["notifyMemberIds"] = new JsonArray(),
            ["instructions"] = JsonNode.Parse(instructions),
            ["conflicts"] = new JsonArray(),
            ["resourceId"] = "proj/shop:env/production:flag/dark-mode",
            ["integrationMetadata"] = new JsonObject
            {
                ["externalId"] = id,
                ["externalStatus"] = new JsonObject { ["value"] = "pending", ["display"] = "…" },
                ["externalUrl"] = $"https://hub.example.test/approvals?approvalID={id}",
                ["lastChecked"] = 1_746_196_607_127,
            },
        };
        if (requestor is not null)
            approval["requestorId"] = requestor;
        _approvals[id] = approval;
        return approval;
    }

    public JsonObject Member(string id, string email, bool isVerified = true, bool isPending = false)
    {
        var member = new JsonObject
        {
            ["_id"] = id,
            ["email"] = email,
            ["role"] = "writer",
            ["_verified"] = isVerified,
            ["_pendingInvite"] = isPending,
            ["firstName"] = "A",
            ["lastName"] = "Member",
        };
        _members[id] = member;
        return member;
    }

    public JsonObject Flag(string key = "dark-mode", bool isOn = false)
    {
        var flag = new JsonObject
        {
            ["key"] = key,
            ["name"] = "Dark mode",
            ["kind"] = "boolean",
            ["_version"] = 7,
            ["variations"] = new JsonArray(
                new JsonObject { ["_id"] = "v-false", ["value"] = false },
                new JsonObject { ["_id"] = "v-true", ["value"] = true }
            ),
            ["environments"] = new JsonObject
            {
                ["production"] = new JsonObject
                {
                    ["on"] = isOn,
                    ["version"] = 3,
                    ["targets"] = new JsonArray(),
                    ["contextTargets"] = new JsonArray(),
                    ["rules"] = new JsonArray(),
                    ["fallthrough"] = new JsonObject { ["variation"] = 1 },
                    ["offVariation"] = 0,
                    ["prerequisites"] = new JsonArray(),
                    ["_environmentName"] = "Production",
                },
            },
        };
        _flags[key] = flag;
        return flag;
    }

    /// <summary>Polled: LaunchDarkly has read our status.</summary>
    public void HasRead(string id, string value)
    {
        var approval = _approvals[id];
        approval["integrationMetadata"]!["externalStatus"]!["value"] = value;
        if (value == "approved")
            approval["reviewStatus"] = "approved";
    }

    public ValueTask DisposeAsync() => _receiver.DisposeAsync();

    private Conduct Answer(Received call)
    {
        if (Before(call) is { } instead)
            return instead;
        if (!call.Headers.TryGetValue("Authorization", out var token) || token != Token)
            return Json(401, new JsonObject { ["code"] = "unauthorized", ["message"] = "invalid key" });
        var parts = call.Path.Split('?')[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        return (call.Method, parts) switch
        {
            ("GET", ["api", "v2", "approval-requests", var id]) => Found(_approvals, id),
            ("POST", ["api", "v2", "approval-requests", var id, "apply"]) => Apply(id),
            ("GET", ["api", "v2", "members", var id]) => Found(_members, id),
            ("GET", ["api", "v2", "flags", _, var key]) => Found(_flags, key),
            ("GET", ["api", "v2", "approval-requests" or "members" or "projects"]) => Json(
                200,
                new JsonObject { ["items"] = new JsonArray() }
            ),
            ("GET", ["api", "v2", "caller-identity"]) => Json(
                200,
                new JsonObject { ["accountId"] = "account-1", ["serviceToken"] = true }
            ),
            _ => Json(404, []),
        };
    }

    private Conduct.Answers Apply(string id)
    {
        if (!_approvals.TryGetValue(id, out var approval))
            return Json(404, []);
        if (approval["reviewStatus"]!.ToString() != "approved")
            return Json(400, new JsonObject { ["code"] = "invalid_request" });
        approval["status"] = "completed";
        approval["appliedDate"] = 1_746_196_700_000;
        return Json(200, approval);
    }

    private static Conduct.Answers Found(ConcurrentDictionary<string, JsonObject> all, string id) =>
        all.TryGetValue(id, out var one) ? Json(200, one) : Json(404, []);

    private static Conduct.Answers Json(int status, JsonObject body) =>
        new(status, body.ToJsonString(JsonSerializerOptions.Web), "Content-Type: application/json\r\n");
}
