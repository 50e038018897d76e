using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Storage;

namespace Countersign.Gates.GitHub;

/// <summary>
/// GitHub's custom deployment protection rules: a GitHub App that is told when a job wants an environment, and approves
/// or rejects that by a call of its own.
/// </summary>
public sealed partial class GitHubGate : IGate
{
    public const string Server = "server",
        AppId = "appId",
        PrivateKey = "privateKey",
        WebhookSecret = "webhookSecret",
        Slug = "slug",
        ReadsCommits = "commits";

    /// <summary>Off: the App may not read the repositories' contents, so it isn't asked for commits.</summary>
    public const string On = "on",
        Off = "off";

    private const string Pending = "pending",
        Run = "run",
        Approvals = "approvals";

    /// <summary>Sent too early after the webhook, a verdict is refused in the same words as one that is late.</summary>
    internal static readonly TimeSpan Early = TimeSpan.FromMinutes(2);

    private const string Deliveries = "/app/hook/deliveries?per_page=100";

    /// <summary>GitHub keeps what it sent for so long; what it is sending at this moment isn't missed yet.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(3),
        Underway = TimeSpan.FromSeconds(60);

    public string Kind => Requests.SourceKinds.GitHub;

    public GateTraits Traits { get; } =
        new()
        {
            MaxBody = 6 * 1024 * 1024,
            MaxWait = TimeSpan.FromDays(30),
            MaxNotes = 10,
            MaxNote = 1_024,
            WatchInterval = TimeSpan.FromMinutes(12),
            HasCommits = true,
        };

    public IReadOnlyList<GateField> Fields { get; } =
    [
        new(Server) { Default = GitHubAddresses.DefaultServer },
        new(AppId),
        new(PrivateKey, IsSecret: true),
        new(WebhookSecret, IsSecret: true, Signs: true),
        new(Slug, IsRequired: false),
        new(ReadsCommits, IsRequired: false) { Default = On, Choices = [On, Off] },
    ];

    public string? ProblemWith(string field, string value) =>
        field switch
        {
            Server => GitHubAddresses.ProblemWith(value),
            AppId => value.All(char.IsAsciiDigit) && value.Length <= 18
                ? null
                : "The App ID is a number. GitHub shows it on the App's page, under About.",
            PrivateKey => AppToken.CanSign(value)
                ? null
                : "Paste the whole private key, from -----BEGIN RSA PRIVATE KEY----- to the end.",
            WebhookSecret => value.Length is >= 8 and <= 500 && !value.Any(char.IsControl)
                ? null
                : "A webhook secret has 8 to 500 characters.",
            _ => value.Length <= 200 ? null : "At most 200 characters.",
        };

    public bool IsGenuine(GateCall call, GateSettings settings) =>
        settings
            .SecretsOf(WebhookSecret)
            .Aggregate(
                false,
                (any, secret) => GitHubSignature.Is(call.Header("X-Hub-Signature-256"), call.Body, secret) || any
            );

    public GateMessage Parse(GateCall call, GateSettings settings) =>
        Read(call, settings) with
        {
            CallId = call.Header("X-GitHub-Delivery") is { Length: > 0 } id ? id.ToLowerInvariant() : null,
        };

    private static GateMessage Read(GateCall call, GateSettings settings)
    {
        var kind = call.Header("X-GitHub-Event");
        if (kind == "ping")
            return new GateMessage.Ping();
        if (kind != DeploymentEvent.Kind)
            return new GateMessage.Ignored($"The event {kind} isn't needed.");
        if (!call.Header("Content-Type").StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
            return new GateMessage.Refused("Set the webhook's content type to application/json.");
        return DeploymentEvent.Read(call.Body, settings);
    }

    public GateResponse Acknowledge(GateMessage message) =>
        message switch
        {
            GateMessage.Ping => new GateResponse(200, "Countersign hears you."),
            GateMessage.Ignored { Why: var why } => new GateResponse(202, why),
            _ => GateResponse.Ok,
        };

    public IReadOnlyList<Uri> Origins(GateSettings settings) => [GitHubAddresses.Api(settings[Server])];

    public OutgoingCall Verdict(GateSettings settings, GateReply reply, GateVerdict verdict) =>
        Post(
            settings,
            reply,
            new JsonObject
            {
                ["environment_name"] = reply[DeploymentEvent.Environment],
                ["state"] = verdict.IsApproved ? "approved" : "rejected",
                ["comment"] = Comment(verdict),
            }
        );

    public OutgoingCall Note(GateSettings settings, GateReply reply, string text) =>
        Post(
            settings,
            reply,
            new JsonObject { ["environment_name"] = reply[DeploymentEvent.Environment], ["comment"] = text }
        );

    public CallResult Classify(CallAnswer answer, TimeSpan age) =>
        answer switch
        {
            { IsPage: true } => new CallResult.Held(answer.WhyNoPage),
            { Status: >= 200 and < 300 } => new CallResult.Delivered(),
            { Status: 422 } when age < Early => new CallResult.Retry(
                "GitHub isn't ready for it yet (422).",
                TimeSpan.FromSeconds(3)
            ),
            { Status: 422 } => new CallResult.Unclear("GitHub has no pending deployment for it (422)."),
            { Status: 429 } => new CallResult.Retry("GitHub limits the rate of calls (429).", PauseOf(answer)),
            { Status: 403 } when answer.RetryAfter is not null || answer.Header("x-ratelimit-remaining") == "0" =>
                new CallResult.Retry("GitHub limits the rate of calls (403).", PauseOf(answer)),
            { Status: 403 } => new CallResult.Held(
                "GitHub refuses it (403). The App needs the permission Deployments: write, and an owner must accept it."
            ),
            { Status: 401 } => new CallResult.TokenRefused("GitHub refused the token (401)."),
            { Status: 404 or 410 } => new CallResult.Gone(
                $"The run is gone, or the App isn't installed there any more ({answer.Status})."
            ),
            { Status: >= 500 } => new CallResult.Retry($"GitHub couldn't answer ({answer.Status}).", answer.RetryAfter),
            _ => new CallResult.Held($"GitHub refuses it ({answer.Status})."),
        };

    public OutgoingCall Watch(GateSettings settings, GateReply reply) =>
        Get(settings, reply, "pending_deployments", Pending);

    public WatchResult ReadWatch(
        GateSettings settings,
        GateReply reply,
        OutgoingCall step,
        CallAnswer answer,
        GateVerdict? verdict
    )
    {
        if (answer.Status is 404 or 410)
            return new WatchResult.Gone("The workflow run was deleted, or the App isn't installed there any more.");
        if (answer.Status != 200 || GateText.Node(answer.Body) is not { } json)
            return new WatchResult.Unknown($"GitHub answered with {answer.Status}.");
        var environment = reply[DeploymentEvent.Environment];
        switch (step.Step)
        {
            case Pending when json is JsonArray pending:
                return pending.Any(p => IsEnvironment(p?["environment"], environment)) ? new WatchResult.StillWaiting()
                    : verdict is null ? new WatchResult.Next(Get(settings, reply, "", Run))
                    : new WatchResult.Next(Get(settings, reply, "approvals", Approvals));
            case Approvals when json is JsonArray approvals:
                var state = verdict!.IsApproved ? "approved" : "rejected";
                return approvals.Any(a =>
                    GateText.Text(a?["state"]) == state
                    && GateText.Text(a?["comment"]) == Comment(verdict)
                    && a?["environments"] is JsonArray environments
                    && environments.Any(e => IsEnvironment(e, environment))
                )
                    ? new WatchResult.OursStands()
                    : new WatchResult.Next(Get(settings, reply, "", Run));
            case Run when json is JsonObject run:
                return GateText.Text(run["status"]) != "completed" || GateText.Text(run["conclusion"]) == "success"
                    ? new WatchResult.WentOn("The workflow run went on without a decision from here.")
                    : new WatchResult.Gone("The workflow run ended before a decision.");
            default:
                return new WatchResult.Unknown("GitHub answered with something else than it documents.");
        }
    }

    public CommitsStep? Commits(GateSettings settings, GateReply reply, IReadOnlyList<CallAnswer> answers) =>
        DeployedCommits.Next(
            settings,
            reply,
            answers,
            path => new OutgoingCall(
                HttpMethod.Get,
                new Uri(reply.Url[..reply.Url.IndexOf("/actions/runs/", StringComparison.Ordinal)] + "/" + path)
            )
            {
                Headers = Headers,
                TokenScope = $"{reply[DeploymentEvent.Scope]}/{DeployedCommits.Reading}",
                IsOptional = true,
            }
        );

    public OutgoingCall Recent(GateSettings settings, DateTimeOffset now) =>
        AsApp(settings, HttpMethod.Get, Deliveries, now);

    public OutgoingCall? RecentBefore(GateSettings settings, CallAnswer answer, DateTimeOffset now) =>
        NextPage().Match(answer.Header("Link")) is { Success: true } next
        && GateText.Objects(answer.Body) is [.., var oldest]
        && DeliveredAt(oldest) > now - Kept
            ? AsApp(settings, HttpMethod.Get, $"{Deliveries}&cursor={next.Groups["cursor"].Value}", now)
            : null;

    public IReadOnlyList<RecentCall> ReadRecent(GateSettings settings, CallAnswer answer, DateTimeOffset now) =>
        [
            .. GateText
                .Objects(answer.Body)
                .Where(d => GateText.Text(d, "event") == DeploymentEvent.Kind && DeliveredAt(d) < now - Underway)
                .Select(d => (Id: GateText.Number(d["id"]), Guid: GateText.Text(d, "guid").ToLowerInvariant()))
                .Where(d => d is { Id: not null, Guid.Length: > 0 })
                .Select(d => new RecentCall(
                    d.Guid,
                    AsApp(settings, HttpMethod.Post, $"/app/hook/deliveries/{d.Id}/attempts", now)
                )),
        ];

    private static DateTimeOffset? DeliveredAt(JsonObject delivery) => Time(delivery["delivered_at"]);

    private static DateTimeOffset? Time(JsonNode? node) =>
        DateTimeOffset.TryParse(
            GateText.Text(node),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var at
        )
            ? at
            : null;

    /// <summary>Of the address only the place in the list counts: what is called is the source's own server.</summary>
    [GeneratedRegex(
        "<[^>]*[?&]cursor=(?<cursor>[A-Za-z0-9_.%-]{1,200})[^>]*>; rel=\"next\"",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000
    )]
    private static partial Regex NextPage();

    public OutgoingCall Token(GateSettings settings, string scope, DateTimeOffset now)
    {
        var (installation, repository, isReading) = scope.Split('/') switch
        {
            [var i, var r] => (i, r, false),
            [var i, var r, DeployedCommits.Reading] => (i, r, true),
            _ => throw new ArgumentException("The scope isn't one of GitHub.", nameof(scope)),
        };
        return AsApp(settings, HttpMethod.Post, $"/app/installations/{installation}/access_tokens", now) with
        {
            Json = new JsonObject
            {
                ["repository_ids"] = new JsonArray(long.Parse(repository, CultureInfo.InvariantCulture)),
                ["permissions"] = isReading
                    ? new JsonObject { ["deployments"] = "read", ["contents"] = "read" }
                    : new JsonObject { ["deployments"] = "write", ["actions"] = "read" },
            }.ToJsonString(),
        };
    }

    /// <summary>No length and no form of a token is expected: GitHub changes both.</summary>
    public GateToken? ReadToken(CallAnswer answer) =>
        GateText.Object(answer.Body) is { } json
        && GateText.Text(json["token"]) is { Length: > 0 } token
        && !token.Any(char.IsControl)
        && Time(json["expires_at"]) is { } until
            ? new GateToken(token, until)
            : null;

    private static string Comment(GateVerdict verdict) =>
        verdict.Link is null ? verdict.Text : $"{verdict.Text} – {verdict.Link}";

    private static OutgoingCall Post(GateSettings settings, GateReply reply, JsonObject body) =>
        new(HttpMethod.Post, new Uri(reply.Url))
        {
            Json = body.ToJsonString(History.Json),
            Headers = Headers,
            TokenScope = reply[DeploymentEvent.Scope],
        };

    private static OutgoingCall Get(GateSettings settings, GateReply reply, string what, string step) =>
        new(HttpMethod.Get, new Uri(reply.Url[..reply.Url.LastIndexOf('/')] + (what.Length > 0 ? "/" + what : "")))
        {
            Headers = Headers,
            TokenScope = reply[DeploymentEvent.Scope],
            Step = step,
        };

    private static OutgoingCall AsApp(GateSettings settings, HttpMethod method, string path, DateTimeOffset now) =>
        new(method, new Uri(GitHubAddresses.Api(settings[Server]).ToString().TrimEnd('/') + path))
        {
            Headers =
            [
                .. Headers,
                ("Authorization", "Bearer " + AppToken.Of(settings[AppId], settings[PrivateKey], now)),
            ],
        };

    private static readonly IReadOnlyList<(string, string)> Headers =
    [
        ("Accept", "application/vnd.github+json"),
        ("X-GitHub-Api-Version", "2022-11-28"),
    ];

    private static TimeSpan? PauseOf(CallAnswer answer) => answer.RetryAfter ?? TimeSpan.FromMinutes(1);

    /// <summary>GitHub takes an environment's name in any case.</summary>
    private static bool IsEnvironment(JsonNode? environment, string name) =>
        GateText.Text((environment as JsonObject)?["name"]).Equals(name, StringComparison.OrdinalIgnoreCase);
}

/// <summary>
/// HMAC-SHA256 over the body as it came; the comparison's time says nothing about how much of it was right.
/// </summary>
internal static class GitHubSignature
{
    private const string Scheme = "sha256=";

    public static bool Is(string header, byte[] body, string secret)
    {
        if (secret.Length == 0)
            return false;
        var expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body);
        var given = new byte[expected.Length];
        return header.StartsWith(Scheme, StringComparison.Ordinal)
            && header.Length == Scheme.Length + (2 * expected.Length)
            && Convert.FromHexString(header.AsSpan(Scheme.Length), given, out _, out _)
                == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(expected, given);
    }
}

/// <summary>What a GitHub App proves itself with: a token that it signs, for ten minutes.</summary>
internal static class AppToken
{
    /// <summary>GitHub's clock may be behind ours.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(9);

    public static string Of(string appId, string privateKey, DateTimeOffset now)
    {
        using var key = RSA.Create();
        key.ImportFromPem(privateKey);
        var head = Part("""{"alg":"RS256","typ":"JWT"}""");
        var claims = Part(
            new JsonObject
            {
                ["iat"] = (now - Skew).ToUnixTimeSeconds(),
                ["exp"] = (now + Life).ToUnixTimeSeconds(),
                ["iss"] = appId,
            }.ToJsonString()
        );
        var signature = key.SignData(
            Encoding.ASCII.GetBytes($"{head}.{claims}"),
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        );
        return $"{head}.{claims}.{System.Buffers.Text.Base64Url.EncodeToString(signature)}";
    }

    public static bool CanSign(string privateKey)
    {
        try
        {
            return Of("1", privateKey, DateTimeOffset.UnixEpoch).Length > 0;
        }
        catch (Exception failure) when (failure is ArgumentException or CryptographicException)
        {
            return false;
        }
    }

    private static string Part(string json) =>
        System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}

/// <summary>
/// Where a GitHub's pages and its API are: github.com, a data-residency host, or an Enterprise Server.
/// </summary>
internal static class GitHubAddresses
{
    public const string DefaultServer = "https://github.com";

    public static string? ProblemWith(string server) =>
        !Uri.TryCreate(server, UriKind.Absolute, out var url)
        || url.Scheme is not ("https" or "http")
        || url.UserInfo.Length > 0
        || url is not { AbsolutePath: "/", Query: "", Fragment: "" }
            ? "Enter the address without a path, such as https://github.com or https://github.example.com."
        : url.Scheme == "http" && !url.IsLoopback ? "Tokens are only sent over https."
        : null;

    /// <summary>Without a slash at its end where it has a path.</summary>
    public static Uri Api(string server)
    {
        var url = new Uri(server);
        return url.Host.Equals("github.com", StringComparison.OrdinalIgnoreCase) ? new Uri("https://api.github.com")
            : url.Host.EndsWith(".ghe.com", StringComparison.OrdinalIgnoreCase) ? new Uri($"https://api.{url.Host}")
            : new Uri(url, "/api/v3");
    }

    public static bool IsEnterpriseServer(string server) => Api(server).AbsolutePath != "/";

    public static string Page(string server, string path) => new Uri(server).GetLeftPart(UriPartial.Authority) + path;
}
