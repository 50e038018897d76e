using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Gates.GitLab;

/// <summary>
/// GitLab: external status checks, for which a merge request waits, and approvals of deployments to protected
/// environments. Both are answered with a token of the source's own bot user.
/// </summary>
public sealed class GitLabGate : IGate
{
    public const string Server = "server",
        Secret = "secret",
        Token = "token",
        HookSecret = "hookSecret";

    private const string Asked = "asked",
        Project = "project";

    public string Kind => Requests.SourceKinds.GitLab;

    public GateTraits Traits { get; } =
        new()
        {
            MaxBody = 6 * 1024 * 1024,
            WatchInterval = TimeSpan.FromMinutes(15),
            FirstWatch = TimeSpan.FromSeconds(20),
        };

    public IReadOnlyList<GateField> Fields { get; } =
    [
        new(Server) { Default = "https://gitlab.com" },
        new(Secret, IsSecret: true, Signs: true),
        new(Token, IsSecret: true),
        new(HookSecret, IsSecret: true, Signs: true, IsRequired: false),
    ];

    public string? ProblemWith(string field, string value) =>
        field switch
        {
            Server => GateAddress.ProblemWith(value, "https://gitlab.com"),
            Token => value.Length <= 500 && value.All(c => c is > ' ' and < (char)127)
                ? null
                : "Paste the access token that GitLab showed, such as glpat-….",
            _ => GateSecrets.ProblemWith(value),
        };

    public bool IsGenuine(GateCall call, GateSettings settings) =>
        IsHook(call)
            ? GateSecrets.IsAny(settings.SecretsOf(HookSecret), secret => GitLabHook.IsSigned(call, secret))
            : GateSecrets.IsAny(
                settings.SecretsOf(Secret),
                secret =>
                    GateSecrets.IsHex(
                        call.Header("X-Gitlab-Signature"),
                        HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), call.Body)
                    )
            );

    public GateMessage Parse(GateCall call, GateSettings settings)
    {
        if (GateText.Object(call.Body) is not { } body)
            return new GateMessage.Refused(GateText.NotAnObject);
        return IsHook(call) ? GitLabHook.Deployment(body, settings) : StatusCheckCall.Read(body, settings);
    }

    /// <summary>After four calls that weren't answered with success GitLab stops calling.</summary>
    public GateResponse Acknowledge(GateMessage message) =>
        message is GateMessage.Ignored { Why: var why } ? new GateResponse(202, why) : GateResponse.Ok;

    public IReadOnlyList<Uri> Origins(GateSettings settings) => [new(settings[Server])];

    public OutgoingCall Verdict(GateSettings settings, GateReply reply, GateVerdict verdict) =>
        With(settings, HttpMethod.Post, reply.Url + reply[GitLabReply.Path]) with
        {
            Json = (
                reply[GitLabReply.Check] is { Length: > 0 } check
                    ? new JsonObject
                    {
                        ["sha"] = reply[GitLabReply.Sha],
                        ["external_status_check_id"] = long.Parse(check, CultureInfo.InvariantCulture),
                        // Never "pending": GitLab turns that into a failure two minutes later.
                        ["status"] = verdict.IsApproved ? "passed" : "failed",
                    }
                    : new JsonObject
                    {
                        ["status"] = verdict.IsApproved ? "approved" : "rejected",
                        ["comment"] = GateText.WithLink(verdict),
                    }
            ).Json(),
        };

    public CallResult Classify(CallAnswer answer, TimeSpan age) =>
        answer.Status switch
        {
            >= 200 and < 300 => new CallResult.Delivered(),
            409 => new CallResult.Gone("The merge request has a newer commit (409)."),
            // A deployment that isn't waiting any more, or an approval by someone who may not give it.
            400 => new CallResult.Unclear("GitLab doesn't take the decision (400)."),
            401 or 403 => new CallResult.Held($"GitLab refuses the token ({answer.Status}). Replace it."),
            404 => new CallResult.Held("GitLab doesn't find it, or the token's user may not approve there (404)."),
            429 => new CallResult.Retry("GitLab limits the rate of calls (429).", answer.RetryAfter),
            >= 500 => new CallResult.Retry($"GitLab couldn't answer ({answer.Status}).", answer.RetryAfter),
            _ => new CallResult.Held($"GitLab refuses it ({answer.Status})."),
        };

    public OutgoingCall? Watch(GateSettings settings, GateReply reply) =>
        With(settings, HttpMethod.Get, reply.Url) with
        {
            Step = Asked,
        };

    public WatchResult ReadWatch(
        GateSettings settings,
        GateReply reply,
        OutgoingCall step,
        CallAnswer answer,
        GateVerdict? verdict
    )
    {
        if (answer.Status != 200 || GateText.Object(answer.Body) is not { } read)
            return new WatchResult.Unknown($"GitLab answered with {answer.Status}.");
        if (step.Step == Project)
        {
            return GateText.Bool(read["only_allow_merge_if_all_status_checks_passed"]) == false
                ? new WatchResult.NotHeeded(
                    "The project lets merge requests through whatever is decided. Turn on “Status checks must succeed”."
                )
                : new WatchResult.StillWaiting();
        }
        return reply[GitLabReply.Check].Length > 0
            ? OfMergeRequest(settings, reply, read)
            : GitLabHook.OfDeployment(read, verdict);
    }

    private static WatchResult OfMergeRequest(GateSettings settings, GateReply reply, JsonObject read) =>
        GateText.Text(read, "state") switch
        {
            "merged" => new WatchResult.WentOn("The merge request was merged without a decision from here."),
            "closed" => new WatchResult.Gone("The merge request was closed."),
            _ when GateText.Text(read, "sha") is { Length: > 0 } sha && sha != reply[GitLabReply.Sha] =>
                new WatchResult.Gone("The merge request has a newer commit."),
            _ => new WatchResult.Next(
                With(
                    settings,
                    HttpMethod.Get,
                    reply.Url[..reply.Url.IndexOf("/merge_requests/", StringComparison.Ordinal)]
                ) with
                {
                    Step = Project,
                }
            ),
        };

    /// <summary>Other hooks of GitLab name their event; a status check names none.</summary>
    private static bool IsHook(GateCall call) => call.Header("X-Gitlab-Event").Length > 0;

    private static OutgoingCall With(GateSettings settings, HttpMethod method, string url) =>
        new(method, new Uri(url)) { Headers = [("PRIVATE-TOKEN", settings[Token])] };

    internal static string Api(GateSettings settings, long project) =>
        FormattableString.Invariant($"{settings[Server].TrimEnd('/')}/api/v4/projects/{project}");

    /// <summary>An account by its number and its server: two servers give the same numbers.</summary>
    internal static string AccountOf(GateSettings settings, long id) =>
        FormattableString.Invariant($"gitlab:{new Uri(settings[Server]).Host}:{id}");

    /// <summary>Bots of access tokens have no one behind them that GitLab names.</summary>
    internal static bool IsBot(string username) =>
        username.EndsWith("[bot]", StringComparison.Ordinal)
        || (
            (
                username.StartsWith("project_", StringComparison.Ordinal)
                || username.StartsWith("group_", StringComparison.Ordinal)
                || username.StartsWith("service_account_", StringComparison.Ordinal)
            ) && username.Contains("bot", StringComparison.Ordinal)
        );
}

/// <summary>What a reply to GitLab keeps beside the address of what waits.</summary>
internal static class GitLabReply
{
    public const string Path = "path",
        Check = "check",
        Sha = "sha";
}
