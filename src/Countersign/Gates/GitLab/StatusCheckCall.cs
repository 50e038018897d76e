using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Countersign.Gates.GitLab;

/// <summary>
/// A merge request that an external status check is asked for. It comes for each thing that happens to the merge
/// request: all that is about one commit is one request, and a newer commit takes its place.
/// </summary>
internal static partial class StatusCheckCall
{
    public static GateMessage Read(JsonObject body, GateSettings settings)
    {
        var request = body["object_attributes"] as JsonObject;
        var (project, rule) = (body["project"] as JsonObject, body["external_approval_rule"] as JsonObject);
        if (GateText.Text(body, "object_kind") != "merge_request" || rule is null)
            return new GateMessage.Ignored("Only status checks of merge requests ask for something.");
        var sha = GateText.Text((request?["last_commit"] as JsonObject)?["id"]);
        if (
            // A fork's merge request is answered in the project that it targets.
            GateText.Number(project?["id"])
                is not { } projectId
            || GateText.Number(request?["iid"]) is not { } iid
            || GateText.Number(rule["id"]) is not { } check
            || !Sha().IsMatch(sha)
        )
        {
            return new GateMessage.Refused(
                "GitLab left out the project, the merge request, its commit or the check, so it can't be answered."
            );
        }
        var target = GateText.Text(request, "target_branch");
        var group = FormattableString.Invariant($"merge-{projectId}-{iid}-{check}");
        var id = $"{group}-{sha}-{GateText.Line(target, 250)}";
        switch (GateText.Text(request, "state"), GateText.Text(request, "action"))
        {
            case ("merged", _) or (_, "merge"):
                return new GateMessage.Gone(id, "The merge request was merged.") { WentOn = true };
            case ("closed", _) or (_, "close"):
                return new GateMessage.Gone(id, "The merge request was closed.");
        }
        return new GateMessage.Asked(
            new GateAsk
            {
                Id = id,
                Group = group,
                GroupRule = GroupRule.Supersedes,
                Subject = GateText.Line(
                    FormattableString.Invariant($"Merge !{iid} into {target}: {GateText.Text(request, "title")}"),
                    300
                ),
                Message = GateText.Line(GateText.Text((request?["last_commit"] as JsonObject)?["message"]), 1_000),
                Facts = Facts(project!, request!, rule, body["user"] as JsonObject, sha, settings).Json(),
                Content = new JsonObject
                {
                    ["project"] = projectId,
                    ["merge_request"] = iid,
                    ["sha"] = sha,
                    ["target"] = target,
                }.Json(),
                Requester = RequesterOf(request!, body["user"] as JsonObject, settings),
                Reply = new GateReply(
                    FormattableString.Invariant($"{GitLabGate.Api(settings, projectId)}/merge_requests/{iid}"),
                    new Dictionary<string, string>
                    {
                        [GitLabReply.Path] = "/status_check_responses",
                        [GitLabReply.Check] = check.ToString(CultureInfo.InvariantCulture),
                        [GitLabReply.Sha] = sha,
                        [GitLabReply.Target] = target,
                    }
                ),
            }
        );
    }

    private static JsonObject Facts(
        JsonObject project,
        JsonObject request,
        JsonObject rule,
        JsonObject? user,
        string sha,
        GateSettings settings
    )
    {
        var facts = new JsonObject();
        facts.Add("project", GateText.Text(project, "path_with_namespace"));
        facts.Add("target", GateText.Text(request, "target_branch"));
        facts.Add("source", GateText.Text(request, "source_branch"));
        facts.Add("commit", sha);
        facts.Add("check", GateText.Text(rule, "name"));
        if (GateText.Bool(request["draft"]) == true)
            facts["draft"] = true;
        facts.Add("requester", GateText.Text(user, "username"));
        if (GateText.Text(request, "url") is var link && GateAddress.IsAt(settings[GitLabGate.Server], link))
        {
            facts.Add("link", link);
            facts.Add("diff", $"{link}/diffs");
        }
        return facts;
    }

    /// <summary>The author, and who pushed: both are barred. Of the author GitLab says the number alone.</summary>
    private static GateRequester RequesterOf(JsonObject request, JsonObject? user, GateSettings settings)
    {
        var pushed = GitLabHook.RequesterOf(user, settings);
        if (GateText.Number(request["author_id"]) is not { } author)
            return pushed;
        var account = GitLabGate.AccountOf(settings, author);
        return account == pushed.Account
            ? pushed
            : pushed with
            {
                Beside = new GateRequester(account, account, [account], IsPerson: true),
            };
    }

    [GeneratedRegex("^([0-9a-f]{40}|[0-9a-f]{64})$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Sha();
}
