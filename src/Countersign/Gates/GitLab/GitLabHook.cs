using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Gates.GitLab;

/// <summary>
/// A webhook with deployment events. A deployment that is blocked waits for approvals, of which ours is one.
/// </summary>
internal static class GitLabHook
{
    private const string Scheme = "v1,",
        SigningSecret = "whsec_";

    /// <summary>
    /// By a signing secret, as the Standard Webhooks rules say; other secrets are sent as they are. What is sent again
    /// later asks nothing new, so the time isn't compared with ours.
    /// </summary>
    public static bool IsSigned(GateCall call, string secret)
    {
        if (!secret.StartsWith(SigningSecret, StringComparison.Ordinal))
            return GateSecrets.IsText(call.Header("X-Gitlab-Token"), secret);
        var key = new byte[secret.Length];
        if (!Convert.TryFromBase64String(secret[SigningSecret.Length..], key, out var length))
            return false;
        var head = Encoding.UTF8.GetBytes($"{call.Header("webhook-id")}.{call.Header("webhook-timestamp")}.");
        var expected =
            Scheme + Convert.ToBase64String(HMACSHA256.HashData(key.AsSpan(0, length), [.. head, .. call.Body]));
        return call.Header("webhook-signature")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Aggregate(false, (any, given) => GateSecrets.IsText(given, expected) || any);
    }

    public static GateMessage Deployment(JsonObject body, GateSettings settings)
    {
        if (GateText.Text(body, "object_kind") != "deployment")
            return new GateMessage.Ignored("Only deployment events are needed.");
        var project = body["project"] as JsonObject;
        var environment = GateText.Text(body, "environment");
        if (
            GateText.Number(project?["id"]) is not { } projectId
            || GateText.Number(body["deployment_id"]) is not { } deployment
            || environment.Length == 0
        )
        {
            return new GateMessage.Refused("GitLab left out the project, the deployment or the environment.");
        }
        var id = FormattableString.Invariant($"deployment-{projectId}-{deployment}");
        switch (GateText.Text(body, "status"))
        {
            case "blocked":
                break;
            case "running" or "success":
                return new GateMessage.Gone(id, "The deployment started.") { WentOn = true };
            case "canceled" or "failed" or "skipped":
                return new GateMessage.Gone(id, "The deployment ended before a decision.");
            default:
                return new GateMessage.Ignored("Only deployments that are blocked ask for something.");
        }
        var (user, path) = (body["user"] as JsonObject, GateText.Text(project, "path_with_namespace"));
        return new GateMessage.Asked(
            new GateAsk
            {
                Id = id,
                Subject = GateText.Line($"Deploy {GateText.Text(body, "ref")} of {path} to {environment}", 300),
                Message = GateText.Line(GateText.Text(body, "commit_title"), 1_000),
                Facts = Facts(body, path, environment, user, settings).Json(),
                Content = new JsonObject
                {
                    ["project"] = projectId,
                    ["environment"] = environment,
                    ["deployment"] = deployment,
                    ["commit"] = GateText.Text(body, "short_sha"),
                }.Json(),
                Requester = RequesterOf(user, settings),
                Reply = new GateReply(
                    FormattableString.Invariant($"{GitLabGate.Api(settings, projectId)}/deployments/{deployment}"),
                    new Dictionary<string, string> { [GitLabReply.Path] = "/approval" }
                ),
            }
        );
    }

    /// <summary>
    /// Blocked is also a job that is started by hand and waits for no approval; there is nothing to decide about it.
    /// </summary>
    public static WatchResult OfDeployment(JsonObject read, GateVerdict? verdict)
    {
        var waiting = GateText.Number(read["pending_approval_count"]);
        var ours = (read["approvals"] as JsonArray ?? []).OfType<JsonObject>();
        if (verdict is not null)
        {
            var (wanted, comment) = (verdict.IsApproved ? "approved" : "rejected", GateText.WithLink(verdict));
            if (ours.Any(a => GateText.Text(a, "status") == wanted && GateText.Text(a, "comment") == comment))
                return new WatchResult.OursStands();
        }
        return GateText.Text(read, "status") switch
        {
            "blocked" when waiting == 0 && verdict is null => new WatchResult.Gone(
                "The deployment waits for no approval; its job is started by hand."
            ),
            "blocked" or "created" => new WatchResult.StillWaiting(),
            "running" or "success" => new WatchResult.WentOn("The deployment started without a decision from here."),
            "canceled" or "failed" or "skipped" => new WatchResult.Gone("The deployment ended before a decision."),
            var status => new WatchResult.Unknown($"GitLab says {status} of the deployment."),
        };
    }

    private static JsonObject Facts(
        JsonObject body,
        string path,
        string environment,
        JsonObject? user,
        GateSettings settings
    )
    {
        var facts = new JsonObject { ["environment"] = GateText.Line(environment, 255) };
        facts.Add("project", path);
        facts.Add("tier", GateText.Text(body, "environment_tier"));
        facts.Add("ref", GateText.Text(body, "ref"));
        facts.Add("commit", GateText.Text(body, "short_sha"));
        facts.Add("requester", GateText.Text(user, "username"));
        foreach (var (fact, from) in new[] { ("link", "deployable_url"), ("diff", "commit_url") })
        {
            if (GateText.Text(body, from) is var address && GateAddress.IsAt(settings[GitLabGate.Server], address))
                facts.Add(fact, address);
        }
        return facts;
    }

    private static GateRequester RequesterOf(JsonObject? user, GateSettings settings)
    {
        var username = GateText.Text(user, "username");
        var account = GateText.Number(user?["id"]) is { } id ? GitLabGate.AccountOf(settings, id) : "";
        var isPerson = account.Length > 0 && !GitLabGate.IsBot(username);
        return new GateRequester(
            isPerson ? account : "",
            username.Length > 0 ? username : "GitLab",
            [.. new[] { account, username, GateText.Text(user, "name") }.Where(n => n.Length > 0)],
            isPerson
        );
    }
}
