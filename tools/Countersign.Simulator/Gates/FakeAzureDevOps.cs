using System.Text.Json.Nodes;

namespace Countersign.Simulator.Gates;

/// <summary>A check of a stage, as Azure DevOps keeps it.</summary>
public sealed class AzureCheck
{
    public required string Plan { get; init; }
    public required string Job { get; init; }
    public required string Task { get; init; }
    public required string Token { get; init; }
    public required DateTimeOffset TokenUntil { get; init; }
    public required long Build { get; init; }
    public required DateTimeOffset Since { get; init; }

    /// <summary>When it was completed; without it, at once.</summary>
    public DateTimeOffset? CompletedAt { get; set; }

    /// <summary>succeeded or failed once it is completed.</summary>
    public string? Result { get; set; }
    public List<string> Feed { get; } = [];
}

/// <summary>
/// An Azure DevOps collection as far as an Invoke REST API check uses it: plan events, the feed under a check, timeline
/// records and builds.
/// </summary>
public sealed class FakeAzureDevOps : FakeGateServer
{
    public const string Project = "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c";
    public const string Timeline = "00000000-0000-0000-0000-000000000001";
    public const string Password = "a-random-password-of-the-source";

    private readonly List<AzureCheck> _checks = [];
    private readonly HashSet<long> _over = [];
    private int _ids;

    private FakeAzureDevOps(TimeProvider time)
        : base(time) { }

    public string Collection => Address + "/acme";
    public IReadOnlyList<AzureCheck> Checks => _checks;

    /// <summary>A token that isn't taken leads to a page to sign in instead of 401.</summary>
    public bool HasSignInPage { get; set; }

    /// <summary>What an event that is taken is answered with.</summary>
    public int EventStatus { get; set; } = 200;

    public static async Task<FakeAzureDevOps> Start(TimeProvider time, int port = 0)
    {
        var fake = new FakeAzureDevOps(time);
        await fake.Listen(port);
        return fake;
    }

    /// <summary>A GUID, as Azure DevOps names everything; counted, so that a run can be repeated.</summary>
    private string NewId() => new Guid(++_ids, 0, 0, new byte[8]).ToString();

    /// <summary>A stage wants a resource with the check; what is returned is the call's headers and body.</summary>
    public (Dictionary<string, string> Headers, JsonObject Body) Ask(long build = 4711, int attempt = 1)
    {
        var check = new AzureCheck
        {
            Plan = NewId(),
            Job = NewId(),
            Task = NewId(),
            Token = "job-token-" + NewId(),
            TokenUntil = Now + TimeSpan.FromHours(48),
            Build = build,
            Since = Now,
        };
        _checks.Add(check);
        return (
            new Dictionary<string, string>
            {
                ["Authorization"] =
                    "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("countersign:" + Password)),
                ["Content-Type"] = "application/json",
                ["PlanUrl"] = Collection + "/",
                ["ProjectId"] = Project,
                ["HubName"] = "checks",
                ["PlanId"] = check.Plan,
                ["JobId"] = check.Job,
                ["TimelineId"] = Timeline,
                ["TaskInstanceId"] = check.Task,
                ["AuthToken"] = check.Token,
            },
            new JsonObject
            {
                ["buildId"] = $"{build}",
                ["buildNumber"] = "20260820.1",
                ["definition"] = "shop-ci",
                ["project"] = "shop",
                ["repository"] = "acme/shop",
                ["branch"] = "refs/heads/main",
                ["commit"] = new string('a', 40),
                ["requestedFor"] = "Jane Doe",
                ["requestedForId"] = "9d3f2f3e-0c3b-4b8e-9a53-0f5f6a5a7a11",
                ["reason"] = "IndividualCI",
                ["stage"] = "Production",
                ["attempt"] = $"{attempt}",
            }
        );
    }

    /// <summary>The run was cancelled: its plans are gone.</summary>
    public void Cancel(long build)
    {
        _over.Add(build);
        _checks.RemoveAll(c => c.Build == build);
    }

    protected override GateServerAnswer Serve(GateServerCall call)
    {
        var path = call.Path.Split('?')[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path is not ["acme", Project, "_apis", .. var rest] || call.Path.Contains("//", StringComparison.Ordinal))
            return new GateServerAnswer(404);
        var token = call.Header("Authorization").Replace("Bearer ", "", StringComparison.Ordinal);
        var check = _checks.Find(c => c.Token == token);
        if (check is not null && check.TokenUntil <= Now)
            return SignIn();
        return rest switch
        {
            ["build", "builds", var id] => new GateServerAnswer(
                200,
                new JsonObject
                {
                    ["id"] = long.Parse(id, System.Globalization.CultureInfo.InvariantCulture),
                    ["status"] = _over.Contains(long.Parse(id, System.Globalization.CultureInfo.InvariantCulture))
                        ? "completed"
                        : "inProgress",
                }
            ),
            ["distributedtask", "hubs", "checks", "plans", var plan, .. var what] when check?.Plan == plan => OfPlan(
                check,
                what,
                call
            ),
            _ => new GateServerAnswer(404),
        };
    }

    private GateServerAnswer OfPlan(AzureCheck check, string[] what, GateServerCall call)
    {
        switch (what)
        {
            case ["events"] when call.Method == "POST":
                var body = call.Json;
                if (
                    body["name"]?.ToString() != "TaskCompleted"
                    || body["taskId"]?.ToString() != check.Task
                    || body["jobId"]?.ToString() != check.Job
                )
                {
                    return new GateServerAnswer(400);
                }
                check.CompletedAt ??= Now;
                check.Result ??= body["result"]!.ToString();
                return new GateServerAnswer(EventStatus);
            case ["timelines", Timeline, "records", var job, "feed"] when job == check.Job:
                check.Feed.AddRange(call.Json["value"]!.AsArray().Select(line => line!.ToString()));
                return new GateServerAnswer(200);
            case ["timelines", Timeline, "records"]:
                var record = new JsonObject
                {
                    ["id"] = check.Task,
                    ["state"] = check.Result is null ? "inProgress" : "completed",
                    ["result"] = check.Result,
                    ["startTime"] = check.Since,
                    ["finishTime"] = check.Result is null ? null : check.CompletedAt ?? check.Since,
                };
                return new GateServerAnswer(200, new JsonObject { ["count"] = 1, ["value"] = new JsonArray(record) });
            default:
                return new GateServerAnswer(404);
        }
    }

    private GateServerAnswer SignIn() =>
        HasSignInPage
            ? new GateServerAnswer(203, Text: "<html><title>Azure DevOps Services | Sign In</title></html>")
            : new GateServerAnswer(401);
}
