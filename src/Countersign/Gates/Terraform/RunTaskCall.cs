using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Countersign.Gates.Terraform;

/// <summary>
/// What HCP Terraform asks when a run reaches a stage with a run task. Each task of each run has an id of its own: one
/// run may call the same address at several stages.
/// </summary>
internal static partial class RunTaskCall
{
    /// <summary>The key of the token in the reply.</summary>
    public const string Token = "token";

    public static GateMessage Read(byte[] body, GateSettings settings, TimeSpan maxWait)
    {
        if (GateText.Object(body) is not { } call)
            return new GateMessage.Refused(GateText.NotAnObject);
        var stage = GateText.Text(call, "stage");
        // The call by which Terraform tests a task when it is saved has no real token, and is never answered again.
        if (stage == "test" || GateText.Text(call, "access_token") == "test-token")
            return new GateMessage.Ping();
        var (id, token) = (GateText.Text(call, "task_result_id"), GateText.Text(call, "access_token"));
        var callback = GateText.Text(call, "task_result_callback_url");
        if (!Id().IsMatch(id) || token.Length == 0 || token.Any(char.IsControl))
            return new GateMessage.Refused("Terraform left out the task's id or its token, so it can't be answered.");
        if (!GateAddress.IsAt(settings[TerraformGate.Server], callback))
        {
            return new GateMessage.Refused(
                $"The address to answer to isn't at {settings[TerraformGate.Server]}, so nothing is sent there: "
                    + GateText.Line(callback, 200)
            );
        }
        var isAdvisory = GateText.Text(call, "task_result_enforcement_level") != "mandatory";
        var isSpeculative = GateText.Bool(call["is_speculative"]) == true;
        var by = GateText.Text(call, "run_created_by");
        return new GateMessage.Asked(
            new GateAsk
            {
                Id = $"task-{id}",
                Subject = Subject(call, stage, isSpeculative),
                Message = GateText.Line(GateText.Text(call, "run_message"), 1_000),
                Facts = Facts(call, stage, isAdvisory, isSpeculative, settings[TerraformGate.Server]).Json(),
                Content = new JsonObject
                {
                    ["workspace"] = GateText.Text(call, "workspace_id"),
                    ["run"] = GateText.Text(call, "run_id"),
                    ["stage"] = stage,
                    ["configuration"] = GateText.Text(call, "configuration_version_id"),
                    ["commit"] = GateText.Text(call, "vcs_commit_url"),
                }.Json(),
                // A name as text, of a user, a team or a program: it bars people and proves nothing.
                Requester = new GateRequester(
                    "",
                    by.Length > 0 ? by : "Terraform",
                    by.Length > 0 ? [by] : [],
                    by.Length > 0
                ),
                Reply = new GateReply(callback, new Dictionary<string, string> { [Token] = token }),
                MaxWait = maxWait,
                // After the apply there is nothing left to hold back, and advice isn't heeded.
                Waits = !isAdvisory && stage != "post_apply",
            }
        );
    }

    private static string Subject(JsonObject call, string stage, bool isSpeculative)
    {
        var workspace = $"{GateText.Text(call, "organization_name")}/{GateText.Text(call, "workspace_name")}";
        return GateText.Line(
            isSpeculative
                ? $"Speculative plan of {workspace}"
                : stage switch
                {
                    "pre_plan" => $"Plan {workspace}",
                    "post_apply" => $"Applied to {workspace}",
                    _ => $"Apply to {workspace}",
                },
            300
        );
    }

    private static JsonObject Facts(JsonObject call, string stage, bool isAdvisory, bool isSpeculative, string server)
    {
        var facts = new JsonObject();
        facts.Add("organization", GateText.Text(call, "organization_name"));
        facts.Add("workspace", GateText.Text(call, "workspace_name"));
        facts.Add("project", GateText.Text(call, "project_name"));
        facts.Add("stage", stage);
        facts["enforcement"] = isAdvisory ? "advisory: Terraform goes on whatever is decided" : "mandatory";
        if (isSpeculative)
            facts["speculative"] = "this plan can't be applied";
        facts.Add("run", GateText.Text(call, "run_id"));
        facts.Add("branch", GateText.Text(call, "vcs_branch"));
        facts.Add("requester", GateText.Text(call, "run_created_by"));
        // Links to the server itself only; the repository's come from its operator.
        if (GateText.Text(call, "run_app_url") is var link && GateAddress.IsAt(server, link))
            facts.Add("link", link);
        facts.Add("commit", GateText.Text(call, "vcs_commit_url"));
        facts.Add("pull_request", GateText.Text(call, "vcs_pull_request_url"));
        return facts;
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,100}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Id();
}
