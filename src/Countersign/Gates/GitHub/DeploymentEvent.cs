using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Storage;

namespace Countersign.Gates.GitHub;

/// <summary>
/// <c>deployment_protection_rule</c>: a job wants an environment. By GitHub's schema nearly everything may be missing;
/// without what an answer needs it is refused, which is shown, and the job goes on waiting.
/// </summary>
internal static partial class DeploymentEvent
{
    public const string Kind = "deployment_protection_rule";

    /// <summary>What the reply keeps: the name exactly as it came, and whose token answers.</summary>
    public const string Environment = "environment",
        Scope = "scope";

    private const int MaxName = 255;

    /// <summary>Members of an account by which a person may be known here.</summary>
    private static readonly string[] Naming = ["login", "name", "email"];

    public static GateMessage Read(byte[] body, GateSettings settings)
    {
        if (GateText.Object(body) is not { } call)
            return new GateMessage.Refused(GateText.NotAnObject);
        if (GateText.Text(call["action"]) != "requested")
            return new GateMessage.Ignored("Only the action requested asks for something.");
        var (environment, callback) = (
            GateText.Text(call, "environment"),
            GateText.Text(call, "deployment_callback_url")
        );
        var deployment = call["deployment"] as JsonObject;
        var repository = call["repository"] as JsonObject;
        if (
            environment.Length is 0 or > MaxName
            || GateText.Number(deployment?["id"]) is not { } id
            || GateText.Number(repository?["id"]) is not { } repositoryId
            || GateText.Number((call["installation"] as JsonObject)?["id"]) is not { } installation
        )
        {
            return new GateMessage.Refused(
                "GitHub left out the environment, the deployment, the repository or the installation, so it can't be "
                    + "answered."
            );
        }
        if (RunOf(callback, settings[GitHubGate.Server]) is not { } run)
        {
            return new GateMessage.Refused(
                $"The address to answer to isn't at {settings[GitHubGate.Server]}, so nothing is sent there: "
                    + SafeStart(callback)
            );
        }
        var name = GateText.Text(repository, "full_name") is { Length: > 0 } full ? full : $"repository {repositoryId}";
        var facts = Facts(call, deployment!, name, environment, run, settings[GitHubGate.Server]);
        return new GateMessage.Asked(
            new GateAsk
            {
                Id = Invariant($"deployment-{installation}-{id}"),
                Group = Invariant($"{repositoryId}/{run}/{environment.ToLowerInvariant()}"),
                Subject = Subject(deployment!, name, environment),
                Message = Message(call, deployment!),
                Facts = facts.ToJsonString(History.Json),
                Content = new JsonObject
                {
                    ["repository"] = repositoryId,
                    ["run"] = run,
                    ["environment"] = environment,
                    ["sha"] = GateText.Text(deployment?["sha"]),
                    ["ref"] = GateText.Text(deployment?["ref"]),
                }.ToJsonString(History.Json),
                Requester = RequesterOf(call, deployment!, settings[GitHubGate.Server]),
                Reply = new GateReply(
                    callback,
                    new Dictionary<string, string>
                    {
                        [Environment] = environment,
                        [Scope] = Invariant($"{installation}/{repositoryId}"),
                        [DeployedCommits.Deployment] = Invariant($"{id}"),
                        [DeployedCommits.Sha] = GateText.Text(deployment?["sha"]),
                    }
                ),
            }
        );
    }

    /// <summary>The run's id, which GitHub says nowhere else; null for an address of any other form or host.</summary>
    internal static string? RunOf(string callback, string server)
    {
        var api = GitHubAddresses.Api(server).ToString().TrimEnd('/');
        // The text itself is compared, because that is what is called.
        return
            callback.StartsWith(api + "/", StringComparison.OrdinalIgnoreCase)
            && Callback().Match(callback[api.Length..]) is { Success: true } match
            && Uri.TryCreate(callback, UriKind.Absolute, out var url)
            && url.AbsoluteUri.Equals(callback, StringComparison.OrdinalIgnoreCase)
            ? match.Groups["run"].Value
            : null;
    }

    private static string Subject(JsonObject deployment, string repository, string environment) =>
        GateText.Line($"Deploy {GateText.Text(deployment["ref"])} of {repository} to {environment}", 300);

    private static string Message(JsonObject call, JsonObject deployment) =>
        string.Join(
            "\n",
            new[] { GateText.Text(deployment["description"]) }
                .Concat(PullRequests(call).Select(p => p.Title))
                .Where(line => line.Length > 0)
                .Select(line => GateText.Line(line, 500))
                .Take(20)
        );

    private static JsonObject Facts(
        JsonObject call,
        JsonObject deployment,
        string repository,
        string environment,
        string run,
        string server
    )
    {
        var (sha, pulls) = (GateText.Text(deployment["sha"]), PullRequests(call));
        var page = GitHubAddresses.Page(server, $"/{repository}");
        var facts = new JsonObject { ["repository"] = repository, ["environment"] = environment };
        Add("ref", GateText.Text(deployment["ref"]));
        Add("commit", sha);
        Add("event", GateText.Text(call["event"]));
        Add("task", GateText.Text(deployment["task"]));
        if (deployment["production_environment"] is JsonValue production && production.TryGetValue<bool>(out var is_))
            facts["production"] = is_;
        if (pulls.Count > 0)
            facts["pull_requests"] = new JsonArray([.. pulls.Select(p => JsonValue.Create($"#{p.Number}"))]);
        // What can't be a path leads nowhere.
        if (Name().IsMatch(repository))
        {
            Add("link", $"{page}/actions/runs/{run}");
            if (Sha().IsMatch(sha))
            {
                Add(
                    "diff",
                    pulls is [{ Base: { } from, Number: var number }, ..] && Sha().IsMatch(from)
                        ? $"{page}/compare/{from}...{sha}"
                        : $"{page}/commit/{sha}"
                );
            }
        }
        var (sender, creator) = (call["sender"] as JsonObject, deployment["creator"] as JsonObject);
        Add("requester", GateText.Text(sender?["login"]));
        if (GateText.Text(creator?["login"]) is { Length: > 0 } by && by != GateText.Text(sender?["login"]))
            Add("deployment.creator", by);
        return facts;

        void Add(string fact, string value)
        {
            if (value.Length > 0)
                facts[fact] = value;
        }
    }

    private static List<(long Number, string Title, string? Base)> PullRequests(JsonObject call) =>
        [
            .. ((call["pull_requests"] as JsonArray) ?? [])
                .OfType<JsonObject>()
                .Where(p => GateText.Number(p["number"]) is not null)
                .Select(p =>
                    (
                        GateText.Number(p["number"])!.Value,
                        GateText.Text(p, "title") is { Length: > 0 } title
                            ? $"#{GateText.Number(p["number"])} {title}"
                            : "",
                        GateText.Text((p["base"] as JsonObject)?["sha"])
                    )
                )
                .Take(20)!,
        ];

    /// <summary>
    /// The sender, by the number of the account: logins are renamed and given to others. Both accounts that GitHub
    /// names are barred; a program or a schedule has no one behind it.
    /// </summary>
    private static GateRequester RequesterOf(JsonObject call, JsonObject deployment, string server)
    {
        JsonObject?[] accounts = [call["sender"] as JsonObject, deployment["creator"] as JsonObject];
        var isScheduled = GateText.Text(call["event"]) == "schedule";
        var people = accounts
            .OfType<JsonObject>()
            .Where(IsPerson)
            .DistinctBy(a => (GateText.Number(a["id"]), GateText.Text(a["login"])))
            .Select(a => Named(a, !isScheduled))
            .ToList();
        var shownAs = accounts.Select(a => GateText.Text(a?["login"])).FirstOrDefault(login => login.Length > 0);
        return people is [var first, .. var others]
            ? first with
            {
                ShownAs = shownAs ?? "GitHub",
                Beside = others.FirstOrDefault(),
            }
            : new GateRequester("", shownAs ?? "GitHub", [], IsPerson: false);

        GateRequester Named(JsonObject account, bool isPerson)
        {
            var number = GateText.Number(account["id"]) is { } id ? AccountOf(server, id) : "";
            var names = Naming.Select(member => GateText.Text(account, member)).Prepend(number);
            return new GateRequester(number, "GitHub", [.. names.Where(n => n.Length > 0)], isPerson);
        }
    }

    /// <summary>An account by its number and, elsewhere than at github.com, its server: each has its own.</summary>
    internal static string AccountOf(string server, long id)
    {
        var host = new Uri(server).Host;
        return host == new Uri(GitHubAddresses.DefaultServer).Host
            ? Invariant($"github:{id}")
            : Invariant($"github:{host}:{id}");
    }

    private static bool IsPerson(JsonObject account) =>
        GateText.Text(account["type"]) is "User" or ""
        && !GateText.Text(account["login"]).EndsWith("[bot]", StringComparison.OrdinalIgnoreCase);

    private static string SafeStart(string url) => GateText.Line(url, 200);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(
        "^/repos/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/actions/runs/(?<run>[0-9]{1,19})/deployment_protection_rule$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000
    )]
    private static partial Regex Callback();

    [GeneratedRegex("^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Name();

    [GeneratedRegex("^([0-9a-f]{40}|[0-9a-f]{64})$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    internal static partial Regex Sha();
}
