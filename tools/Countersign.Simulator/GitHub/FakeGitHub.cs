using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Countersign.Simulator.GitHub;

/// <summary>
/// A GitHub Enterprise Server on the loopback interface, as far as a deployment protection rule uses it: webhooks of an
/// App, its tokens, a run and what it waits for. <see cref="Traps"/> are what makes rules stumble over the real one.
/// </summary>
public sealed class FakeGitHub : IAsyncDisposable
{
    public const long AppId = 12345;

    /// <summary>The secret of GitHub's published example.</summary>
    public const string Secret = "It's a Secret to " + "Everybody";
    public const string Code = "a-manifest-code";

    /// <summary>Making a key takes long, and any will do.</summary>
    private static readonly Lazy<RSA> Key = new(() => RSA.Create(2048));

    private readonly WebApplication _app;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly ConcurrentQueue<GitHubCall> _calls = new();
    private readonly Dictionary<long, GitHubRun> _runs = [];
    private readonly List<GitHubDelivery> _deliveries = [];
    private readonly List<GitHubDeployment> _deployments = [];
    private readonly Dictionary<string, GitHubToken> _tokens = [];
    private readonly HttpClient _client = new();
    private long _id = 880_000;

    private FakeGitHub(WebApplication app, TimeProvider time)
    {
        (_app, _time) = (app, time);
        _app.Run(Serve);
    }

    public GitHubTraps Traps { get; } = new();

    /// <summary>The commits of the repositories, the oldest first.</summary>
    public List<GitHubCommit> Commits { get; } = [];

    /// <summary>What an admin would set as the server.</summary>
    public Uri Address { get; private set; } = null!;
    public static string PrivateKey => Key.Value.ExportRSAPrivateKeyPem();

    /// <summary>Where webhooks go; none are sent without it.</summary>
    public Func<GitHubDelivery, Task<int>>? Hook { get; set; }
    public IReadOnlyList<GitHubCall> Calls => [.. _calls];

    public IReadOnlyList<GitHubRun> Runs
    {
        get
        {
            lock (_lock)
                return [.. _runs.Values];
        }
    }

    /// <summary>Those to the run's callback address, the oldest first.</summary>
    public IReadOnlyList<JsonNode> Verdicts =>
        [
            .. _calls
                .Where(c => c.Path.EndsWith("/deployment_protection_rule", StringComparison.Ordinal))
                .Select(c => JsonNode.Parse(c.Body)!),
        ];

    public IReadOnlyList<GitHubDelivery> Deliveries
    {
        get
        {
            lock (_lock)
                return [.. _deliveries];
        }
    }

    public static async Task<FakeGitHub> Start(TimeProvider time, int port = 0)
    {
        // Nothing of the process's own settings: they may name addresses, and describe another program.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server => server.Listen(IPAddress.Loopback, port));
        var fake = new FakeGitHub(builder.Build(), time);
        await fake._app.StartAsync();
        fake.Address = new Uri(
            fake._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
        return fake;
    }

    /// <summary>Posts to this address, as GitHub does.</summary>
    public void SendTo(Uri hook) =>
        Hook = async delivery =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, hook)
            {
                Content = new ByteArrayContent(delivery.Body),
            };
            foreach (var (name, value) in delivery.Headers)
            {
                if (!request.Headers.TryAddWithoutValidation(name, value))
                    request.Content.Headers.TryAddWithoutValidation(name, value);
            }
            using var response = await _client.SendAsync(request);
            return (int)response.StatusCode;
        };

    public GitHubRun AddRun(string repository = "acme/shop")
    {
        lock (_lock)
        {
            var run = new GitHubRun { Id = 70_000_000 + ++_id, Repository = repository };
            _runs.Add(run.Id, run);
            return run;
        }
    }

    /// <summary>The environment was deployed to earlier.</summary>
    public void AddDeployment(string environment, string sha, params string[] states)
    {
        lock (_lock)
            _deployments.Add(new GitHubDeployment(++_id, environment, sha, states, _time.GetUtcNow()));
    }

    /// <summary>A job of the run wants the environment; the App is told, unless the delivery is lost.</summary>
    public async Task<GitHubDelivery> Want(GitHubRun run, string environment, Action<JsonObject>? change = null)
    {
        GitHubDelivery delivery;
        lock (_lock)
        {
            run.Pending.Add(environment);
            _deployments.Add(new GitHubDeployment(++_id, environment, run.Sha, ["waiting"], _time.GetUtcNow()));
            var body = Payload(run, environment, _id);
            change?.Invoke(body);
            delivery = New("deployment_protection_rule", Encoding.UTF8.GetBytes(body.ToJsonString()));
        }
        if (!Traps.LosesDeliveries)
            await Send(delivery);
        return delivery;
    }

    /// <summary>Signed as GitHub signs it.</summary>
    public GitHubDelivery New(string kind, byte[] body, string secret = Secret)
    {
        lock (_lock)
        {
            var delivery = new GitHubDelivery(
                ++_id,
                Guid.CreateVersion7(_time.GetUtcNow()).ToString(),
                kind,
                body,
                Sign(body, secret)
            )
            {
                At = _time.GetUtcNow(),
            };
            _deliveries.Add(delivery);
            return delivery;
        }
    }

    public async Task<int> Send(GitHubDelivery delivery)
    {
        var status = Hook is null ? 0 : await Hook(delivery);
        lock (_lock)
            delivery.Status = status;
        return status;
    }

    public static string Sign(byte[] body, string secret) =>
        "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body));

    /// <summary>Every job that waits goes on: an admin skipped the rules, or the run was ended.</summary>
    public void End(GitHubRun run, string status, string? conclusion = null)
    {
        lock (_lock)
        {
            run.Pending.Clear();
            (run.Status, run.Conclusion) = (status, conclusion);
        }
    }

    /// <summary>Tokens that were given so far are refused from now on.</summary>
    public void EndTokens()
    {
        lock (_lock)
            _tokens.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private string CallbackOf(GitHubRun run) =>
        (Traps.CallbackHost ?? Address.GetLeftPart(UriPartial.Authority))
        + $"/api/v3/repos/{run.Repository}/actions/runs/"
        + $"{run.Id.ToString(CultureInfo.InvariantCulture)}/deployment_protection_rule";

    private JsonObject Payload(GitHubRun run, string environment, long deployment) =>
        new()
        {
            ["action"] = "requested",
            ["environment"] = environment,
            ["event"] = run.Event,
            ["deployment_callback_url"] = CallbackOf(run),
            ["deployment"] = new JsonObject
            {
                ["id"] = deployment,
                ["task"] = "deploy",
                ["ref"] = run.Ref,
                ["sha"] = run.Sha,
                ["environment"] = environment,
                ["description"] = null,
                ["payload"] = Traps.PayloadIsText ? "{}" : new JsonObject(),
                ["creator"] = Account(run.Actor, run.ActorId, run.ActorType),
                ["production_environment"] = environment.Equals("production", StringComparison.OrdinalIgnoreCase),
            },
            ["pull_requests"] = new JsonArray([
                .. run.PullRequests.Select(number => new JsonObject
                {
                    ["number"] = number,
                    ["base"] = new JsonObject { ["sha"] = new string('b', 40) },
                    ["head"] = new JsonObject { ["sha"] = run.Sha },
                }),
            ]),
            ["repository"] = new JsonObject
            {
                ["id"] = 4711,
                ["full_name"] = run.Repository,
                ["private"] = true,
            },
            ["installation"] = new JsonObject { ["id"] = 5_550_001 },
            ["sender"] = Account(run.Actor, run.ActorId, run.ActorType),
        };

    private static JsonObject Account(string login, long id, string type) =>
        new()
        {
            ["login"] = login,
            ["id"] = id,
            ["type"] = type,
        };

    private async Task Serve(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var call = new GitHubCall(
            http.Request.Method,
            http.Request.Path.Value ?? "",
            http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync()
        )
        {
            Query = http.Request.QueryString.Value ?? "",
        };
        _calls.Enqueue(call);
        var path = call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        // github.com's own API has no such folder.
        if (path is not ["api", "v3", ..])
            path = ["api", "v3", .. path];
        var (status, answer) = path switch
        {
            ["api", "v3", "app-manifests", var code, "conversions"] => Converted(code),
            ["api", "v3", "app", "hook", "deliveries"] => AsApp(call, () => ListDeliveries(http)),
            ["api", "v3", "app", "hook", "deliveries", var id, "attempts"] => AsApp(call, () => (202, null)),
            ["api", "v3", "app", "installations", _, "access_tokens"] => AsApp(call, () => NewToken(call)),
            ["api", "v3", "repos", _, _, "deployments"] => WithToken(
                call,
                "deployments",
                () => ListDeployments(http.Request.Query["environment"].ToString())
            ),
            ["api", "v3", "repos", _, _, "deployments", var id, "statuses"] => WithToken(
                call,
                "deployments",
                () => ListStatuses(id)
            ),
            ["api", "v3", "repos", var owner, var name, "compare", var range] => WithToken(
                call,
                "contents",
                () => Compare($"{owner}/{name}", range, http.Request.Query["per_page"].ToString())
            ),
            ["api", "v3", "repos", _, _, "actions", "runs", var id, .. var rest] => OfRun(call, id, rest),
            _ => (404, Message("Not Found")),
        };
        if (path is [.., "deliveries", var again, "attempts"] && status == 202)
            await SendAgain(long.Parse(again, CultureInfo.InvariantCulture));
        if (Traps.RetryAfter is { } after && status is 429 or 403)
            http.Response.Headers.RetryAfter = after.ToString(CultureInfo.InvariantCulture);
        if (status == 0)
        {
            http.Abort();
            return;
        }
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=utf-8";
        if (answer is not null)
            await http.Response.WriteAsync(answer.ToJsonString());
    }

    private (int, JsonNode?) Converted(string code) =>
        code == Code
            ? (
                201,
                new JsonObject
                {
                    ["id"] = AppId,
                    ["slug"] = "countersign-acme",
                    ["pem"] = PrivateKey,
                    ["webhook_secret"] = Secret,
                    ["html_url"] = $"{Address}apps/countersign-acme",
                }
            )
            : (404, Message("Not Found"));

    private (int, JsonNode?) AsApp(GitHubCall call, Func<(int, JsonNode?)> answer) =>
        IsApp(call.Header("Authorization")) ? answer() : (401, Message("A JSON web token could not be decoded"));

    /// <summary>RS256 by the App's key, with a life of at most ten minutes from now.</summary>
    private bool IsApp(string authorization)
    {
        if (
            authorization.Split(' ') is not ["Bearer" or "bearer", var token]
            || token.Split('.') is not [var head, var claims, var signed]
        )
        {
            return false;
        }
        var body = JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(claims))!;
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        return Key.Value.VerifyData(
                Encoding.ASCII.GetBytes($"{head}.{claims}"),
                System.Buffers.Text.Base64Url.DecodeFromChars(signed),
                HashAlgorithmName.SHA256,
                RSASignaturePadding.Pkcs1
            )
            && body["iss"]!.ToString() == AppId.ToString(CultureInfo.InvariantCulture)
            && body["iat"]!.GetValue<long>() <= now
            && body["exp"]!.GetValue<long>() > now
            && body["exp"]!.GetValue<long>() <= now + 600;
    }

    private (int, JsonNode?) NewToken(GitHubCall call)
    {
        // Without a wish a token may do all that the installation may.
        var wished = call.Body.Length == 0 ? null : JsonNode.Parse(call.Body)?["permissions"] as JsonObject;
        var permissions = wished?.Select(p => p.Key).ToHashSet() ?? ["actions", "contents", "deployments"];
        if (Traps.HasNoContents && permissions.Contains("contents"))
            return (422, Message("The permissions requested are not granted to this installation."));
        lock (_lock)
        {
            // Either form that GitHub gives: forty characters, or a token that holds a JWT.
            var token = Traps.HasLongTokens
                ? $"ghs_{AppId}_eyJhbGciOiJSUzI1NiJ9.{new string('x', 400)}.{++_id}"
                : $"ghs_{++_id:x36}";
            var until = _time.GetUtcNow().AddHours(1);
            _tokens[token] = new GitHubToken(until, permissions);
            return (
                201,
                new JsonObject
                {
                    ["token"] = token,
                    ["expires_at"] = until.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                }
            );
        }
    }

    /// <summary>The newest first, a page at a time.</summary>
    private (int, JsonNode?) ListDeliveries(HttpContext http)
    {
        var (perPage, cursor) = (http.Request.Query["per_page"].ToString(), http.Request.Query["cursor"].ToString());
        var most = int.TryParse(perPage, CultureInfo.InvariantCulture, out var given) ? given : 30;
        var before =
            cursor.Length > 0 ? long.Parse(cursor["v1_".Length..], CultureInfo.InvariantCulture) : long.MaxValue;
        var kept = Deliveries
            .Where(d => d.Id < before && d.At > _time.GetUtcNow().AddDays(-3))
            .OrderByDescending(d => d.Id)
            .ToList();
        var page = kept.Take(most).ToList();
        if (kept.Count > page.Count)
        {
            http.Response.Headers.Link = FormattableString.Invariant(
                $"<{Address}api/v3/app/hook/deliveries?per_page={most}&cursor=v1_{page[^1].Id}>; rel=\"next\""
            );
        }
        return (
            200,
            new JsonArray([
                .. page.Select(d => new JsonObject
                {
                    ["id"] = d.Id,
                    ["guid"] = d.DeliveryId,
                    ["delivered_at"] = d.At.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                    ["status"] = d.Status is >= 200 and < 300 ? "OK" : "failed",
                    ["status_code"] = d.Status,
                    ["event"] = d.Kind,
                    ["action"] = "requested",
                }),
            ])
        );
    }

    /// <summary>The newest first.</summary>
    private (int, JsonNode?) ListDeployments(string environment) =>
        (
            200,
            new JsonArray([
                .. _deployments
                    .Where(d => d.Environment == environment)
                    .Reverse()
                    .Select(d => new JsonObject
                    {
                        ["id"] = d.Id,
                        ["sha"] = d.Sha,
                        ["environment"] = d.Environment,
                        ["created_at"] = d.At.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                    }),
            ])
        );

    private (int, JsonNode?) ListStatuses(string id) =>
        _deployments.Find(d => d.Id.ToString(CultureInfo.InvariantCulture) == id) is { } deployment
            ? (200, new JsonArray([.. deployment.States.Reverse().Select(s => new JsonObject { ["state"] = s })]))
            : (404, Message("Not Found"));

    /// <summary>The history is one line, so that one of both is always behind the other.</summary>
    private (int, JsonNode?) Compare(string repository, string range, string perPage)
    {
        var (from, to) = range.Split("...") is [var b, var h] ? (IndexOf(b), IndexOf(h)) : (-1, -1);
        if (from < 0 || to < 0)
            return (404, Message("Not Found"));
        var most = int.TryParse(perPage, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : 250;
        return (
            200,
            new JsonObject
            {
                ["html_url"] = $"{Address}{repository}/compare/{range}",
                ["status"] =
                    to == from ? "identical"
                    : to > from ? "ahead"
                    : "behind",
                ["ahead_by"] = Math.Max(0, to - from),
                ["behind_by"] = Math.Max(0, from - to),
                ["total_commits"] = Math.Max(0, to - from),
                ["commits"] = new JsonArray([
                    .. Commits
                        .Skip(from + 1)
                        .Take(Math.Max(0, to - from))
                        .Take(most)
                        .Select(c => new JsonObject
                        {
                            ["sha"] = c.Sha,
                            ["commit"] = new JsonObject
                            {
                                ["message"] = c.Message,
                                ["author"] = new JsonObject { ["name"] = c.Name },
                            },
                            ["author"] = c.Login is null ? null : Account(c.Login, 1, "User"),
                        }),
                ]),
            }
        );

        int IndexOf(string sha) => Commits.FindIndex(c => c.Sha == sha);
    }

    /// <summary>Under the same name, as one delivery more.</summary>
    private async Task SendAgain(long id)
    {
        GitHubDelivery again;
        lock (_lock)
        {
            if (_deliveries.FirstOrDefault(d => d.Id == id) is not { } lost)
                return;
            again = lost.Again(++_id, _time.GetUtcNow());
            _deliveries.Add(again);
        }
        await Send(again);
    }

    private (int, JsonNode?) WithToken(GitHubCall call, string permission, Func<(int, JsonNode?)> answer)
    {
        lock (_lock)
        {
            var token = call.Header("Authorization").Split(' ')[^1];
            if (!_tokens.TryGetValue(token, out var given) || given.Until <= _time.GetUtcNow())
                return (401, Message("Bad credentials"));
            if (call.Header("User-Agent").Length == 0)
                return (403, Message("Request forbidden by administrative rules."));
            return given.Permissions.Contains(permission)
                ? answer()
                : (403, Message("Resource not accessible by integration"));
        }
    }

    private (int, JsonNode?) OfRun(GitHubCall call, string id, string[] rest) =>
        WithToken(
            call,
            rest is ["deployment_protection_rule"] ? "deployments" : "actions",
            () => OfRunWithToken(call, id, rest)
        );

    private (int, JsonNode?) OfRunWithToken(GitHubCall call, string id, string[] rest)
    {
        if (
            Traps.RunsAreGone
            || !long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || !_runs.TryGetValue(number, out var run)
        )
        {
            return (404, Message("Not Found"));
        }
        return rest switch
        {
            [] => (
                200,
                new JsonObject
                {
                    ["id"] = run.Id,
                    ["status"] = run.Pending.Count > 0 ? "waiting" : run.Status,
                    ["conclusion"] = run.Conclusion,
                    ["run_attempt"] = 1,
                }
            ),
            ["pending_deployments"] => (
                200,
                new JsonArray([
                    .. run
                        .Pending.Distinct()
                        .Select(e => new JsonObject
                        {
                            ["environment"] = new JsonObject { ["id"] = 1, ["name"] = e },
                        }),
                ])
            ),
            ["approvals"] => (200, new JsonArray([.. run.Approvals.Select(a => a.DeepClone())])),
            ["deployment_protection_rule"] => Take(run, JsonNode.Parse(call.Body)!.AsObject()),
            _ => (404, Message("Not Found")),
        };
    }

    private (int, JsonNode?) Take(GitHubRun run, JsonObject body)
    {
        if (Traps.NotReady > 0)
        {
            Traps.NotReady--;
            return (422, NothingPending(run));
        }
        if (Traps.Refusals.TryDequeue(out var refusal))
            return (refusal, Message(refusal == 403 ? "Resource not accessible by integration" : "No"));
        var environment = body["environment_name"]?.GetValue<string>() ?? "";
        if (body["state"] is not { } state)
            return body["comment"] is null ? (422, Message("comment is missing")) : (204, null);
        if (!run.Pending.Contains(environment))
            return (422, NothingPending(run));
        run.Pending.RemoveAll(e => e == environment);
        run.Status = state.GetValue<string>() == "approved" ? "in_progress" : "completed";
        run.Conclusion = state.GetValue<string>() == "approved" ? null : "failure";
        run.Approvals.Add(
            new JsonObject
            {
                ["state"] = state.DeepClone(),
                ["comment"] = body["comment"]?.DeepClone(),
                ["environments"] = new JsonArray(new JsonObject { ["name"] = environment }),
            }
        );
        if (Traps.LosesAnswers > 0)
        {
            Traps.LosesAnswers--;
            return (0, null);
        }
        return (204, null);
    }

    private static JsonObject NothingPending(GitHubRun run) =>
        Message($"No pending custom deployment requests in workflow run `{run.Id}` to approve or reject");

    private static JsonObject Message(string text) => new() { ["message"] = text };
}

public sealed record GitHubCall(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string Query { get; init; } = "";

    public string Header(string name) => Headers.GetValueOrDefault(name, "");
}

internal sealed record GitHubToken(DateTimeOffset Until, IReadOnlySet<string> Permissions);

internal sealed record GitHubDeployment(
    long Id,
    string Environment,
    string Sha,
    IReadOnlyList<string> States,
    DateTimeOffset At
);

/// <param name="Login">The account of its author; null where GitHub knows none.</param>
public sealed record GitHubCommit(string Sha, string? Login, string Name, string Message);

/// <summary>A webhook that was sent, or lost.</summary>
public sealed class GitHubDelivery(long id, string deliveryId, string kind, byte[] body, string signature)
{
    public long Id => id;
    public string DeliveryId => deliveryId;
    public string Kind => kind;
    public byte[] Body => body;
    public DateTimeOffset At { get; init; }

    /// <summary>What was answered; 0: nothing.</summary>
    public int Status { get; set; }

    public GitHubDelivery Again(long id, DateTimeOffset now) => new(id, deliveryId, kind, body, signature) { At = now };

    public IReadOnlyDictionary<string, string> Headers { get; } =
        new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["User-Agent"] = "GitHub-Hookshot/044aadd",
            ["Content-Type"] = "application/json",
            ["X-GitHub-Event"] = kind,
            ["X-GitHub-Delivery"] = deliveryId,
            ["X-GitHub-Hook-Installation-Target-Type"] = "integration",
            ["X-Hub-Signature-256"] = signature,
        };
}

/// <summary>A workflow run and what it waits for.</summary>
public sealed class GitHubRun
{
    public required long Id { get; init; }
    public required string Repository { get; init; }
    public string Ref { get; set; } = "main";
    public string Sha { get; set; } = new('a', 40);
    public string Event { get; set; } = "push";
    public string Actor { get; set; } = "octo-jane";
    public long ActorId { get; set; } = 99;
    public string ActorType { get; set; } = "User";
    public IReadOnlyList<int> PullRequests { get; set; } = [];
    public string Status { get; set; } = "in_progress";
    public string? Conclusion { get; set; }
    public List<string> Pending { get; } = [];
    public List<JsonObject> Approvals { get; } = [];
}

/// <summary>What the real one does now and then.</summary>
public sealed class GitHubTraps
{
    /// <summary>Webhooks don't arrive, and GitHub doesn't send them again by itself.</summary>
    public bool LosesDeliveries { get; set; }

    /// <summary>How many verdicts come too early after the webhook: 422, in the words of a late one.</summary>
    public int NotReady { get; set; }

    /// <summary>What the next verdicts are answered with.</summary>
    public ConcurrentQueue<int> Refusals { get; } = new();

    /// <summary>Seconds, with 403 and 429.</summary>
    public int? RetryAfter { get; set; }

    /// <summary>The number of verdicts after which the connection breaks before the answer.</summary>
    public int LosesAnswers { get; set; }
    public bool RunsAreGone { get; set; }

    /// <summary>Tokens as they are given since 2026.</summary>
    public bool HasLongTokens { get; set; }

    /// <summary>The callback address names another host.</summary>
    public string? CallbackHost { get; set; }
    public bool PayloadIsText { get; set; }

    /// <summary>The App was installed before it read commits, and its owner hasn't accepted that.</summary>
    public bool HasNoContents { get; set; }
}
