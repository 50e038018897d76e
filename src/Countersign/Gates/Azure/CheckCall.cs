using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Countersign.Gates.Azure;

/// <summary>
/// What an Invoke REST API check sends: nine facts in headers, of older servers in the body, and what the admin's
/// template adds. Variables that Azure DevOps doesn't know arrive as they were written, and count as not supplied.
/// </summary>
internal static partial class CheckCall
{
    public const string Token = "token",
        Plan = "plan",
        Job = "job",
        Task = "task",
        Timeline = "timeline",
        Build = "build";

    private const int MaxToken = 16 * 1024;

    public static GateMessage Read(GateCall call, GateSettings settings)
    {
        var body = call.Body.Length == 0 ? [] : GateText.Object(call.Body);
        if (body is null)
            return new GateMessage.Refused(GateText.NotAnObject);
        var said = new Said(call, body);
        var (planUrl, hub) = (said["PlanUrl"], said["HubName"]);
        if (planUrl.Length == 0)
            planUrl = said["VstsUrl"];
        // In a classic release an answer in time is the pass itself: only one that says no until there is an approval
        // holds it back.
        var isClassic = ClassicHubs.Contains(hub);
        if (isClassic && settings[AzureGate.ClassicGates] != GateText.Yes)
        {
            return new GateMessage.Refused(
                $"This comes from a classic release gate (hub {hub}), which doesn't wait for a decision. An admin can "
                    + "let this source take such gates; docs/gates/azure.md says what that costs."
            );
        }
        if (CollectionOf(planUrl, settings[AzureGate.Collection], isClassic) is not { } collection)
        {
            return new GateMessage.Refused(
                $"The address to answer to isn't {settings[AzureGate.Collection]}, so nothing is sent there: "
                    + GateText.Line(planUrl, 200)
            );
        }
        var isPolled = isClassic || settings[AzureGate.Completion] == AzureGate.Response;
        if (!Guid.TryParse(said["ProjectId"], out var project))
            return new GateMessage.Refused("The header ProjectId is missing.");
        var (build, stage) = (said[isClassic ? "releaseId" : "buildId"], said["stage"]);
        if (build.Length > 0 && !build.All(char.IsAsciiDigit))
            build = "";
        var environment = GateText.Line(call.Query("env"), 200);
        var attempt = said["attempt"];
        var stageKey =
            build.Length > 0 && stage.Length > 0 && attempt.Length > 0
                ? GateText.Line($"{project}/{build}/{stage}/{attempt}/{environment}", 500)
                : null;
        var ask = new GateAsk
        {
            Id = "",
            Subject = Subject(said, stage, environment),
            Facts = Facts(said, environment, isPolled, isClassic, project, build, collection).Json(),
            Content = new JsonObject
            {
                ["project"] = project.ToString(),
                ["definition"] = said["definition"],
                [isClassic ? "release" : "build"] = build,
                ["stage"] = stage,
                ["commit"] = said["commit"],
                ["environment"] = environment,
            }.Json(),
            Requester = RequesterOf(said),
            Reply = new GateReply("", new Dictionary<string, string>()),
        };
        if (isPolled)
        {
            return stageKey is null
                ? new GateMessage.Refused(
                    isClassic
                        ? "A classic release gate needs releaseId, stage and attempt in its body."
                        : "A check that asks again needs buildId, stage and attempt in its body."
                )
                : new GateMessage.Asked(
                    ask with
                    {
                        Id = (isClassic ? "release-" : "stage-") + stageKey,
                        PollGap = AzureGate.PollGap,
                    }
                );
        }
        var token = said["AuthToken"];
        if (
            !Guid.TryParse(said["PlanId"], out var plan)
            || !Guid.TryParse(said["JobId"], out var job)
            || !Guid.TryParse(said["TaskInstanceId"], out var task)
            || !HubName().IsMatch(hub)
            || token.Length is 0 or > MaxToken
            || token.Any(char.IsControl)
        )
        {
            return new GateMessage.Refused(
                "Without the headers HubName, PlanId, JobId, TaskInstanceId and AuthToken it can't be answered."
            );
        }
        return new GateMessage.Asked(
            ask with
            {
                Id = $"check-{plan}-{job}-{task}",
                Group = stageKey,
                GroupRule = GroupRule.RepeatsRejection,
                CredentialLife = AzureGate.TokenLife,
                Reply = new GateReply(
                    $"{collection}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}",
                    new Dictionary<string, string>
                    {
                        [Token] = token,
                        [Plan] = plan.ToString(),
                        [Job] = job.ToString(),
                        [Task] = task.ToString(),
                        [Timeline] = Guid.TryParse(said["TimelineId"], out var timeline) ? timeline.ToString() : "",
                        [Build] = build.Length > 0 ? $"{collection}/{project}/_apis/build/builds/{build}" : "",
                    }
                ),
            }
        );
    }

    /// <summary>
    /// The collection that is called, without a slash at its end; null for an address that isn't the source's own. An
    /// organization of Azure DevOps Services has two.
    /// </summary>
    /// <param name="isClassic">Releases have a host of their own, which is only compared and never called.</param>
    private static string? CollectionOf(string planUrl, string collection, bool isClassic)
    {
        var given = planUrl.TrimEnd('/');
        if (isClassic)
        {
            given = given
                .Replace("https://vsrm.dev.azure.com/", "https://dev.azure.com/", StringComparison.OrdinalIgnoreCase)
                .Replace(".vsrm.visualstudio.com", ".visualstudio.com", StringComparison.OrdinalIgnoreCase);
        }
        return AzureGate
            .CollectionsOf(collection)
            .FirstOrDefault(own => own.Equals(given, StringComparison.OrdinalIgnoreCase));
    }

    private static string Subject(Said said, string stage, string environment)
    {
        var what = stage.Length > 0 ? $"Stage {stage}" : "A stage";
        var of = said["definition"] is { Length: > 0 } definition ? $" of {definition}" : "";
        var on = said["branch"] is { Length: > 0 } branch ? $" on {branch}" : "";
        var to = environment.Length > 0 ? $" to {environment}" : "";
        return GateText.Line(what + of + on + to, 300);
    }

    private static JsonObject Facts(
        Said said,
        string environment,
        bool isPolled,
        bool isClassic,
        Guid project,
        string build,
        string collection
    )
    {
        var facts = new JsonObject();
        facts.Add("environment", environment);
        facts.Add("project", said["project"]);
        facts.Add("pipeline", said["definition"]);
        facts.Add("stage", said["stage"]);
        facts.Add("attempt", said["attempt"]);
        facts.Add("build", said["buildNumber"]);
        facts.Add("repository", said["repository"]);
        facts.Add("ref", said["branch"]);
        facts.Add("commit", said["commit"]);
        facts.Add("event", said["reason"]);
        facts.Add("requester", said["requestedFor"]);
        if (isClassic)
        {
            facts["check"] =
                "a classic release gate, which asks again and again: an approval counts when it asks next, after a "
                + "rejection the stage waits until the gates time out, and those who may ignore gates can go on";
        }
        else if (isPolled)
        {
            facts["check"] = "asks again and again: after a rejection the stage waits until the check times out";
        }
        if (build.Length > 0)
        {
            facts.Add(
                "link",
                isClassic
                    ? $"{collection}/{project}/_releaseProgress?releaseId={build}"
                    : $"{collection}/{project}/_build/results?buildId={build}"
            );
        }
        return facts;
    }

    /// <summary>As the check's template says, which those who may edit the check can change: a claim.</summary>
    private static GateRequester RequesterOf(Said said)
    {
        var (name, email) = (said["requestedFor"], said["requestedForEmail"]);
        var names = new List<string>();
        if (Guid.TryParse(said["requestedForId"], out var id))
            names.Add($"azure:{id}");
        names.AddRange(new[] { name, email }.Where(n => n.Length > 0).Select(n => GateText.Line(n, 200)));
        return new GateRequester(
            "",
            name.Length > 0 ? GateText.Line(name, 200) : "Azure Pipelines",
            names,
            names.Count > 0
        );
    }

    private static readonly HashSet<string> ClassicHubs = new(StringComparer.OrdinalIgnoreCase)
    {
        "Gates",
        "Release",
        "rm",
    };

    /// <summary>A header wins over a member of the body; what wasn't expanded isn't there.</summary>
    private sealed class Said(GateCall call, JsonObject body)
    {
        public string this[string name]
        {
            get
            {
                var header = call.Header(name);
                var value = header.Length > 0 ? header : InBody(name);
                return value.Contains("$(", StringComparison.Ordinal) ? "" : value;
            }
        }

        private string InBody(string name)
        {
            var node = body.FirstOrDefault(m => m.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
            return GateText.Number(node) is { } number
                ? number.ToString(System.Globalization.CultureInfo.InvariantCulture)
                : GateText.Text(node);
        }
    }

    [GeneratedRegex("^[A-Za-z]{1,32}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex HubName();
}
