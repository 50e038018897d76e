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
        var id = IdOf(projectId, deployment);
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
        return new GateMessage.Asked(
            Ask(
                new Deploy(projectId, deployment, environment)
                {
                    Path = GateText.Text(project, "path_with_namespace"),
                    Tier = GateText.Text(body, "environment_tier"),
                    Ref = GateText.Text(body, "ref"),
                    Commit = GateText.Text(body, "short_sha"),
                    Title = GateText.Text(body, "commit_title"),
                    Job = GateText.Number(body["deployable_id"]),
                    Link = GateText.Text(body, "deployable_url"),
                    Diff = GateText.Text(body, "commit_url"),
                    User = body["user"] as JsonObject,
                },
                settings
            )
        );
    }

    public static string IdOf(long project, long deployment) =>
        FormattableString.Invariant($"deployment-{project}-{deployment}");

    /// <summary>A deployment as GitLab's API gives it; null where it waits for no approval.</summary>
    public static GateAsk? Found(JsonObject read, long project, GateSettings settings)
    {
        var (job, environment) = (read["deployable"] as JsonObject, read["environment"] as JsonObject);
        if (
            GateText.Text(read, "status") != "blocked"
            || GateText.Number(read["pending_approval_count"]) is null or 0
            || GateText.Number(read["id"]) is not { } deployment
            || GateText.Text(environment, "name") is not { Length: > 0 } name
        )
        {
            return null;
        }
        var commit = job?["commit"] as JsonObject;
        var sha = GateText.Text(read, "sha");
        return Ask(
            new Deploy(project, deployment, name)
            {
                Path = FormattableString.Invariant($"project {project}"),
                Tier = GateText.Text(environment, "tier"),
                Ref = GateText.Text(read, "ref"),
                Commit =
                    GateText.Text(commit, "short_id") is { Length: > 0 } shortId ? shortId
                    : sha.Length > 8 ? sha[..8]
                    : sha,
                Title = GateText.Text(commit, "title"),
                Job = GateText.Number(job?["id"]),
                Link = GateText.Text(job, "web_url"),
                Diff = GateText.Text(commit, "web_url"),
                User = read["user"] as JsonObject,
            },
            settings
        );
    }

    /// <summary>False while an approval is missing; null once it doesn't wait any more.</summary>
    public static bool? IsReadyToStart(JsonObject? read) =>
        read is not null && GateText.Text(read, "status") is "blocked" or "created"
            ? GateText.Number(read["pending_approval_count"]) is null or 0
            : null;

    /// <summary>Environments by their project's number, as an admin names them; null where one can't be read.</summary>
    public static IReadOnlyList<(long Project, string Environment)>? PlacesOf(string text)
    {
        var places = new List<(long, string)>();
        foreach (var place in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (
                place.Split('/', 2) is not [var number, { Length: > 0 and <= 255 } environment]
                || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var project)
            )
            {
                return null;
            }
            places.Add((project, environment));
        }
        return places;
    }

    private static GateAsk Ask(Deploy deploy, GateSettings settings) =>
        new()
        {
            Id = IdOf(deploy.Project, deploy.Deployment),
            Subject = GateText.Line($"Deploy {deploy.Ref} of {deploy.Path} to {deploy.Environment}", 300),
            Message = GateText.Line(deploy.Title, 1_000),
            Facts = Facts(deploy, settings).Json(),
            Content = new JsonObject
            {
                ["project"] = deploy.Project,
                ["environment"] = deploy.Environment,
                ["deployment"] = deploy.Deployment,
                ["commit"] = deploy.Commit,
            }.Json(),
            Requester = RequesterOf(deploy.User, settings),
            Reply = new GateReply(
                FormattableString.Invariant(
                    $"{GitLabGate.Api(settings, deploy.Project)}/deployments/{deploy.Deployment}"
                ),
                new Dictionary<string, string>
                {
                    [GitLabReply.Path] = "/approval",
                    [GitLabReply.Job] = deploy.Job?.ToString(CultureInfo.InvariantCulture) ?? "",
                }
            ),
        };

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
            // GitLab takes one decision from each user, and the first one stands.
            if (
                verdict is { IsApproved: false, Link: { } link }
                && ours.Any(a =>
                    GateText.Text(a, "status") == "approved"
                    && GateText.Text(a, "comment").EndsWith(link, StringComparison.Ordinal)
                )
            )
            {
                return new WatchResult.WentOn("GitLab had taken the approval before it was withdrawn.");
            }
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

    private static JsonObject Facts(Deploy deploy, GateSettings settings)
    {
        var facts = new JsonObject { ["environment"] = GateText.Line(deploy.Environment, 255) };
        facts.Add("project", deploy.Path);
        facts.Add("tier", deploy.Tier);
        facts.Add("ref", deploy.Ref);
        facts.Add("commit", deploy.Commit);
        facts.Add("requester", GateText.Text(deploy.User, "username"));
        foreach (var (fact, address) in new[] { ("link", deploy.Link), ("diff", deploy.Diff) })
        {
            if (GateAddress.IsAt(settings[GitLabGate.Server], address))
                facts.Add(fact, address);
        }
        return facts;
    }

    /// <summary>What the webhook and the API say of a deployment, in one form.</summary>
    private sealed record Deploy(long Project, long Deployment, string Environment)
    {
        public required string Path { get; init; }
        public required string Tier { get; init; }
        public required string Ref { get; init; }
        public required string Commit { get; init; }
        public required string Title { get; init; }
        public long? Job { get; init; }
        public required string Link { get; init; }
        public required string Diff { get; init; }
        public JsonObject? User { get; init; }
    }

    public static GateRequester RequesterOf(JsonObject? user, GateSettings settings)
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
