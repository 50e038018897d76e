using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Simulator.Gates;

/// <summary>A merge request with an external status check.</summary>
public sealed class GitLabMergeRequest
{
    public long Iid { get; init; } = 42;
    public string Sha { get; set; } = new('a', 40);
    public string State { get; set; } = "opened";
    public string Target { get; set; } = "main";
    public long Author { get; set; } = 31;

    /// <summary>What the newest answer for the sha says.</summary>
    public Dictionary<string, string> Checks { get; } = [];
}

/// <summary>
/// A GitLab as far as status checks and deployment approvals use it: an answer for a commit that isn't the head is
/// refused, and one that says pending fails two minutes later.
/// </summary>
public sealed class FakeGitLab : FakeGateServer
{
    public const string Secret = "countersign-demo-secret";
    public const string HookSecret = "whsec_Y291bnRlcnNpZ24tZGVtby1zZWNyZXQtMzItYnl0ZXM=";
    public const string Token = "glpat-of-the-bot";
    public const long Project = 1207;
    public const long Rule = 5;

    private readonly Dictionary<long, GitLabMergeRequest> _requests = [];

    private FakeGitLab(TimeProvider time)
        : base(time) { }

    /// <summary>The project's setting “Status checks must succeed”.</summary>
    public bool MustSucceed { get; set; } = true;

    /// <summary>What a deployment is at, and who approved or rejected it.</summary>
    public string DeploymentStatus { get; set; } = "blocked";
    public int PendingApprovals { get; set; } = 1;
    public List<(string Status, string Comment, string Deployment)> Approvals { get; } = [];

    /// <summary>Deployments that the list of those that wait names.</summary>
    public List<long> Blocked { get; } = [];

    /// <summary>Whether the token's user may start jobs.</summary>
    public bool MayPlay { get; set; } = true;
    public List<long> Played { get; } = [];

    public static async Task<FakeGitLab> Start(TimeProvider time, int port = 0)
    {
        var fake = new FakeGitLab(time);
        await fake.Listen(port);
        return fake;
    }

    public GitLabMergeRequest Add(long iid = 42)
    {
        var request = new GitLabMergeRequest { Iid = iid };
        _requests[iid] = request;
        return request;
    }

    public byte[] Check(GitLabMergeRequest request, string action = "open", long user = 31, string username = "jdoe") =>
        Encoding.UTF8.GetBytes(
            new JsonObject
            {
                ["object_kind"] = "merge_request",
                ["event_type"] = "merge_request",
                ["user"] = new JsonObject
                {
                    ["id"] = user,
                    ["name"] = username,
                    ["username"] = username,
                    ["email"] = "[REDACTED]",
                },
                ["project"] = new JsonObject { ["id"] = Project, ["path_with_namespace"] = "acme/shop" },
                ["object_attributes"] = new JsonObject
                {
                    ["id"] = 90077,
                    ["iid"] = request.Iid,
                    ["title"] = "Raise the credit limit",
                    ["state"] = request.State,
                    ["action"] = action,
                    ["draft"] = false,
                    ["source_branch"] = "limit",
                    ["target_branch"] = request.Target,
                    ["source_project_id"] = 99,
                    ["author_id"] = request.Author,
                    ["url"] = $"{Address}/acme/shop/-/merge_requests/{request.Iid}",
                    ["last_commit"] = new JsonObject { ["id"] = request.Sha, ["message"] = "Raise it" },
                },
                ["external_approval_rule"] = new JsonObject { ["id"] = Rule, ["name"] = "Credit committee" },
            }.ToJsonString()
        );

    public static byte[] Deployment(string status = "blocked", long id = 7001) =>
        Encoding.UTF8.GetBytes(
            new JsonObject
            {
                ["object_kind"] = "deployment",
                ["status"] = status,
                ["deployment_id"] = id,
                ["deployable_id"] = JobOf(id),
                ["environment"] = "production",
                ["environment_tier"] = "production",
                ["project"] = new JsonObject { ["id"] = Project, ["path_with_namespace"] = "acme/shop" },
                ["ref"] = "main",
                ["short_sha"] = "aaaaaaaa",
                ["user"] = new JsonObject { ["id"] = 31, ["username"] = "jdoe" },
                ["commit_title"] = "Raise it",
            }.ToJsonString()
        );

    public static string Sign(byte[] body, string secret = Secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body));

    /// <summary>Headers after the Standard Webhooks rules.</summary>
    public static Dictionary<string, string> SignHook(byte[] body, string id = "msg_cs_0001", long at = 1790000000)
    {
        var key = Convert.FromBase64String(HookSecret["whsec_".Length..]);
        var time = at.ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{time}."), .. body];
        return new Dictionary<string, string>
        {
            ["X-Gitlab-Event"] = "Deployment Hook",
            ["webhook-id"] = id,
            ["webhook-timestamp"] = time,
            ["webhook-signature"] = "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)),
        };
    }

    protected override GateServerAnswer Serve(GateServerCall call)
    {
        if (call.Header("PRIVATE-TOKEN") != Token)
            return new GateServerAnswer(401);
        var path = call.Path.Split('?')[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path is not ["api", "v4", "projects", "1207", .. var rest])
            return new GateServerAnswer(404);
        return (call.Method, rest) switch
        {
            ("GET", []) => new GateServerAnswer(
                200,
                new JsonObject { ["only_allow_merge_if_all_status_checks_passed"] = MustSucceed }
            ),
            ("GET", ["merge_requests", var iid]) when Find(iid) is { } request => new GateServerAnswer(
                200,
                new JsonObject
                {
                    ["iid"] = request.Iid,
                    ["state"] = request.State,
                    ["sha"] = request.Sha,
                    ["target_branch"] = request.Target,
                }
            ),
            ("GET", ["merge_requests", var iid, "status_checks"]) when Find(iid) is { } request => new GateServerAnswer(
                200,
                new JsonArray(
                    new JsonObject
                    {
                        ["id"] = Rule,
                        ["name"] = "Credit committee",
                        ["status"] = request.Checks.GetValueOrDefault(request.Sha, "pending"),
                    }
                )
            ),
            ("POST", ["merge_requests", var iid, "status_check_responses"]) when Find(iid) is { } request => Answered(
                request,
                call.Json
            ),
            ("GET", ["deployments"]) => new GateServerAnswer(
                200,
                new JsonArray([
                    .. Blocked
                        .Where(_ => call.Path.Contains("status=blocked", StringComparison.Ordinal))
                        .Where(_ => call.Path.Contains("environment=production", StringComparison.Ordinal))
                        .Select(id => Shown(id, isWhole: false)),
                ])
            ),
            ("GET", ["deployments", var id]) => new GateServerAnswer(
                200,
                Shown(long.Parse(id, CultureInfo.InvariantCulture), isWhole: true)
            ),
            ("POST", ["jobs", _, "play"]) when !MayPlay => new GateServerAnswer(403),
            ("POST", ["jobs", _, "play"]) when PendingApprovals > 0 || DeploymentStatus != "blocked" =>
                new GateServerAnswer(400),
            ("POST", ["jobs", var job, "play"]) => Play(long.Parse(job, CultureInfo.InvariantCulture)),
            ("POST", ["deployments", _, "approval"]) when DeploymentStatus != "blocked" => new GateServerAnswer(400),
            ("POST", ["deployments", var id, "approval"]) => Approved(id, call.Json),
            _ => new GateServerAnswer(404),
        };
    }

    /// <summary>The same decision twice is one, and another one isn't taken.</summary>
    private GateServerAnswer Approved(string deployment, JsonNode said)
    {
        var (status, comment) = (said["status"]!.ToString(), said["comment"]!.ToString());
        if (Approvals.Any(a => a.Deployment == deployment && a.Status != status))
            return new GateServerAnswer(400);
        if (!Approvals.Contains((status, comment, deployment)))
        {
            Approvals.Add((status, comment, deployment));
            PendingApprovals = Math.Max(0, PendingApprovals - 1);
        }
        return new GateServerAnswer(201, new JsonObject());
    }

    private GateServerAnswer Play(long job)
    {
        Played.Add(job);
        DeploymentStatus = "running";
        return new GateServerAnswer(200, new JsonObject { ["id"] = job, ["status"] = "pending" });
    }

    /// <summary>The job that a deployment waits with.</summary>
    public static long JobOf(long deployment) => deployment + 2_000;

    /// <summary>A deployment of the API; what it waits for is only in the whole of it.</summary>
    private JsonObject Shown(long id, bool isWhole)
    {
        var shown = new JsonObject
        {
            ["id"] = id,
            ["status"] = DeploymentStatus,
            ["ref"] = "main",
            ["sha"] = new string('a', 40),
            ["user"] = new JsonObject { ["id"] = 31, ["username"] = "jdoe" },
            ["environment"] = new JsonObject { ["id"] = 3, ["name"] = "production" },
            ["deployable"] = new JsonObject
            {
                ["id"] = JobOf(id),
                ["web_url"] = $"{Address}/acme/shop/-/jobs/{JobOf(id)}",
                ["commit"] = new JsonObject { ["short_id"] = "aaaaaaaa", ["title"] = "Raise it" },
            },
        };
        if (isWhole)
        {
            shown["pending_approval_count"] = PendingApprovals;
            shown["approvals"] = new JsonArray([
                .. Approvals
                    .Where(a => a.Deployment == id.ToString(CultureInfo.InvariantCulture))
                    .Select(a => new JsonObject { ["status"] = a.Status, ["comment"] = a.Comment }),
            ]);
        }
        return shown;
    }

    private static GateServerAnswer Answered(GitLabMergeRequest request, JsonNode said)
    {
        if (said["sha"]!.ToString() != request.Sha)
            return new GateServerAnswer(409);
        if (said["external_status_check_id"]!.GetValue<long>() != Rule)
            return new GateServerAnswer(404);
        var status = said["status"]!.ToString();
        // What says pending is failed two minutes later.
        request.Checks[request.Sha] = status == "pending" ? "failed" : status;
        return new GateServerAnswer(201, new JsonObject());
    }

    private GitLabMergeRequest? Find(string iid) =>
        _requests.GetValueOrDefault(long.Parse(iid, CultureInfo.InvariantCulture));
}
