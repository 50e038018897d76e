using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Simulator.Gates;

/// <summary>A run task as Terraform keeps it.</summary>
public sealed class TerraformTask
{
    public required string Id { get; init; }
    public required string Token { get; init; }
    public required DateTimeOffset Since { get; init; }
    public required DateTimeOffset HeardAt { get; set; }

    /// <summary>pending, running, passed, failed, errored or canceled.</summary>
    public string Status { get; set; } = "pending";
    public List<(string Status, string Message)> Told { get; } = [];
}

/// <summary>
/// HCP Terraform as far as a run task sees it: it gives a task up after ten minutes without a word and after an hour in
/// all, takes no word about one that has ended, and only JSON:API.
/// </summary>
public sealed class FakeTerraform : FakeGateServer
{
    public const string Key = "countersign-demo-hmac-key";

    private readonly Dictionary<string, TerraformTask> _tasks = [];
    private int _last;

    private FakeTerraform(TimeProvider time)
        : base(time) { }

    /// <summary>Ten minutes for servers from before June 2025.</summary>
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromMinutes(60);
    public IReadOnlyList<TerraformTask> Tasks => [.. _tasks.Values];

    public static async Task<FakeTerraform> Start(TimeProvider time, int port = 0)
    {
        var fake = new FakeTerraform(time);
        await fake.Listen(port);
        return fake;
    }

    /// <summary>A run reaches a stage with the task; what is returned is the body of its call.</summary>
    public byte[] Ask(string run = "run-9", string stage = "pre_apply", Action<JsonObject>? change = null)
    {
        var id = $"taskrs-{++_last}";
        var token = $"token-of-{id}";
        _tasks[id] = new TerraformTask
        {
            Id = id,
            Token = token,
            Since = Now,
            HeardAt = Now,
        };
        var body = new JsonObject
        {
            ["payload_version"] = 1,
            ["stage"] = stage,
            ["access_token"] = token,
            ["capabilities"] = new JsonObject { ["outcomes"] = true },
            ["configuration_version_id"] = "cv-1a",
            ["is_speculative"] = false,
            ["organization_name"] = "acme",
            ["run_app_url"] = $"{Address}/app/acme/shop-prod/runs/{run}",
            ["run_created_by"] = "jdoe",
            ["run_id"] = run,
            ["run_message"] = "Merge #42",
            ["task_result_callback_url"] = $"{Address}/api/v2/task-results/{id}/callback?url_code=c%2Fode",
            ["task_result_enforcement_level"] = "mandatory",
            ["task_result_id"] = id,
            ["vcs_branch"] = "main",
            ["vcs_commit_url"] = "https://git.example/acme/shop/commit/7c0de",
            ["vcs_pull_request_url"] = null,
            ["workspace_id"] = "ws-5",
            ["workspace_name"] = "shop-prod",
        };
        change?.Invoke(body);
        return Encoding.UTF8.GetBytes(body.ToJsonString());
    }

    public static string Sign(byte[] body, string key = Key) =>
        Convert.ToHexStringLower(HMACSHA512.HashData(Encoding.UTF8.GetBytes(key), body));

    /// <summary>Cancels or discards the run; the hub isn't told.</summary>
    public static void Cancel(TerraformTask task) => task.Status = "canceled";

    protected override GateServerAnswer Serve(GateServerCall call)
    {
        if (call.Path.Split('/', '?') is not ["", "api", "v2", "task-results", var id, "callback", "url_code=c%2Fode"])
            return new GateServerAnswer(404);
        if (!_tasks.TryGetValue(id, out var task) || call.Method != "PATCH")
            return new GateServerAnswer(404);
        if (call.Header("Authorization") != "Bearer " + task.Token)
            return new GateServerAnswer(401);
        if (call.Header("Content-Type").Split(';')[0] != "application/vnd.api+json")
            return new GateServerAnswer(415);
        if (
            task.Status is "pending" or "running"
            && (Now - task.HeardAt > TimeSpan.FromMinutes(10) || Now - task.Since > MaxWait)
        )
        {
            task.Status = "errored";
        }
        if (task.Status is not ("pending" or "running"))
            return new GateServerAnswer(409);
        var data = call.Json["data"]!;
        var status = data["attributes"]!["status"]!.ToString();
        var message = data["attributes"]!["message"]!.ToString();
        if (data["type"]!.ToString() != "task-results" || status is not ("running" or "passed" or "failed"))
            return new GateServerAnswer(422);
        (task.Status, task.HeardAt) = (status, Now);
        task.Told.Add((status, message));
        return new GateServerAnswer(200, new JsonObject());
    }
}
