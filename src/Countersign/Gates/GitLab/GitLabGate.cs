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
        HookSecret = "hookSecret",
        StartJob = "startJob",
        Environments = "environments";

    /// <summary>Each costs a call every five minutes.</summary>
    private const int MaxEnvironments = 50;

    private const string Asked = "asked",
        Looked = "looked",
        Checks = "checks",
        TakenBack = "taken back",
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
        new(StartJob) { Default = GateText.No, Choices = GateText.NoOrYes },
        new(Environments, IsRequired: false),
    ];

    public string? ProblemWith(string field, string value) =>
        field switch
        {
            Server => GateAddress.ProblemWith(value, "https://gitlab.com"),
            Token => value.Length <= 500 && value.All(c => c is > ' ' and < (char)127)
                ? null
                : "Paste the access token that GitLab showed, such as glpat-….",
            Environments => GitLabHook.PlacesOf(value) is { Count: <= MaxEnvironments }
                ? null
                : $"Up to {MaxEnvironments} of PROJECT/ENVIRONMENT with commas between, such as 1207/production.",
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
        reply[GitLabReply.Check].Length > 0
            ? CheckAnswer(settings, reply, verdict.IsApproved ? "passed" : "failed")
            : With(settings, HttpMethod.Post, reply.Url + reply[GitLabReply.Path]) with
            {
                Json = new JsonObject
                {
                    ["status"] = verdict.IsApproved ? "approved" : "rejected",
                    ["comment"] = GateText.WithLink(verdict),
                }.Json(),
            };

    /// <param name="status">Never "pending": GitLab turns that into a failure two minutes later.</param>
    private static OutgoingCall CheckAnswer(GateSettings settings, GateReply reply, string status) =>
        With(settings, HttpMethod.Post, reply.Url + reply[GitLabReply.Path]) with
        {
            Json = new JsonObject
            {
                ["sha"] = reply[GitLabReply.Sha],
                ["external_status_check_id"] = long.Parse(reply[GitLabReply.Check], CultureInfo.InvariantCulture),
                ["status"] = status,
            }.Json(),
        };

    /// <summary>
    /// GitLab takes an answer for a commit also when that goes into another branch by then, and a status check's call
    /// can't be told from an old one.
    /// </summary>
    public OutgoingCall? Look(GateSettings settings, GateReply reply) =>
        reply[GitLabReply.Check].Length > 0 ? With(settings, HttpMethod.Get, reply.Url) with { Step = Looked } : null;

    /// <summary>With approval rules, GitLab leaves it to people to start the job after the last approval.</summary>
    public OutgoingCall? FollowUp(GateSettings settings, GateReply reply, GateVerdict verdict) =>
        verdict.IsApproved && settings[StartJob] == GateText.Yes && reply[GitLabReply.Job].Length > 0
            ? With(settings, HttpMethod.Get, reply.Url) with
            {
                Step = Asked,
            }
            : null;

    public FollowUpResult ReadFollowUp(GateSettings settings, GateReply reply, OutgoingCall step, CallAnswer answer) =>
        answer.Status switch
        {
            _ when answer.IsPage => new FollowUpResult.Held(answer.WhyNoPage),
            401 or 403 or 404 => new FollowUpResult.Held(
                $"The approval was taken, but GitLab doesn't let the token's user start the job ({answer.Status}). "
                    + "Start it there."
            ),
            < 200 or >= 300 => new FollowUpResult.Retry(
                $"The approval was taken, but the job couldn't be started ({answer.Status}).",
                answer.RetryAfter
            ),
            _ when step.Method == HttpMethod.Post => new FollowUpResult.Done(),
            _ => GitLabHook.IsReadyToStart(GateText.Object(answer.Body)) switch
            {
                true => new FollowUpResult.Next(With(settings, HttpMethod.Post, PlayOf(reply))),
                false => new FollowUpResult.NotYet(),
                null => new FollowUpResult.Done(),
            },
        };

    private static string PlayOf(GateReply reply)
    {
        var project = reply.Url[..reply.Url.IndexOf("/deployments/", StringComparison.Ordinal)];
        return $"{project}/jobs/{reply[GitLabReply.Job]}/play";
    }

    /// <summary>Before 19.4 GitLab doesn't tell of a deployment that waits for approval; its list does.</summary>
    public IReadOnlyList<OutgoingCall> Waiting(GateSettings settings) =>
        [
            .. (GitLabHook.PlacesOf(settings[Environments]) ?? []).Select(place =>
                With(
                    settings,
                    HttpMethod.Get,
                    $"{Api(settings, place.Project)}/deployments?status=blocked&order_by=id&sort=desc&per_page=50"
                        + $"&environment={Uri.EscapeDataString(place.Environment)}"
                )
            ),
        ];

    public IReadOnlyList<WaitingAsk> ReadWaiting(GateSettings settings, OutgoingCall list, CallAnswer answer)
    {
        var deployments = list.Url.GetLeftPart(UriPartial.Path);
        return
        [
            .. GateText
                .Objects(answer.Body)
                .Select(d => GateText.Number(d["id"]))
                .OfType<long>()
                .Select(id => new WaitingAsk(
                    GitLabHook.IdOf(ProjectOf(list), id),
                    With(settings, HttpMethod.Get, FormattableString.Invariant($"{deployments}/{id}"))
                )),
        ];
    }

    public GateAsk? ReadAsk(GateSettings settings, OutgoingCall read, CallAnswer answer) =>
        GateText.Object(answer.Body) is { } deployment ? GitLabHook.Found(deployment, ProjectOf(read), settings) : null;

    /// <summary>The project in an address of ours.</summary>
    private static long ProjectOf(OutgoingCall call) =>
        long.Parse(call.Url.AbsolutePath.Split("/api/v4/projects/", 2)[1].Split('/')[0], CultureInfo.InvariantCulture);

    public CallResult Classify(CallAnswer answer, TimeSpan age) =>
        answer.Status switch
        {
            _ when answer.IsPage => new CallResult.Held(answer.WhyNoPage),
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
        switch (step.Step)
        {
            case Checks when verdict is null && answer.Status == 200 && IsPassed(answer.Body, reply):
                // By an answer for this commit that was given for another target branch.
                return new WatchResult.Next(
                    CheckAnswer(settings, reply, "failed") with
                    {
                        Step = TakenBack,
                        TakesBack = true,
                    }
                );
            case Checks or TakenBack:
                return new WatchResult.Next(
                    With(
                        settings,
                        HttpMethod.Get,
                        reply.Url[..reply.Url.IndexOf("/merge_requests/", StringComparison.Ordinal)]
                    ) with
                    {
                        Step = Project,
                    }
                );
        }
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
            ? OfMergeRequest(settings, reply, step, read)
            : GitLabHook.OfDeployment(read, verdict);
    }

    private static bool IsPassed(byte[] body, GateReply reply) =>
        GateText
            .Objects(body)
            .Any(c =>
                GateText.Number(c["id"])?.ToString(CultureInfo.InvariantCulture) == reply[GitLabReply.Check]
                && GateText.Text(c, "status") is "passed" or "approved"
            );

    private static WatchResult OfMergeRequest(
        GateSettings settings,
        GateReply reply,
        OutgoingCall step,
        JsonObject read
    ) =>
        GateText.Text(read, "state") switch
        {
            "merged" => new WatchResult.WentOn("The merge request was merged without a decision from here."),
            "closed" => new WatchResult.Gone("The merge request was closed."),
            _ when GateText.Text(read, "sha") is { Length: > 0 } sha && sha != reply[GitLabReply.Sha] =>
                new WatchResult.Gone("The merge request has a newer commit."),
            _ when reply[GitLabReply.Target] is { Length: > 0 } target
                    && GateText.Text(read, "target_branch") is { Length: > 0 } now
                    && now != target => new WatchResult.Gone("The merge request goes into another branch by now."),
            _ when step.Step == Looked => new WatchResult.StillWaiting(),
            _ => new WatchResult.Next(
                With(settings, HttpMethod.Get, reply.Url + "/status_checks") with
                {
                    Step = Checks,
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
        Sha = "sha",
        Target = "target",
        Job = "job";
}
