using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Countersign.Simulator.Rest;

/// <summary>
/// LaunchDarkly's REST API on the loopback interface, as far as an approval application uses it: approval requests,
/// members, flags, segments, who the token is, and applying a change. Its account is what you put in; its
/// <see cref="Traps"/> are what makes clients stumble over the real one.
/// </summary>
public sealed class FakeLaunchDarkly : IAsyncDisposable
{
    public const string AccountId = "569f514183f2164430000001";

    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private readonly ConcurrentQueue<RestCall> _calls = new();
    private readonly List<RestToken> _tokens = [];
    private readonly List<RestMember> _members = [];
    private readonly List<RestApproval> _approvals = [];
    private readonly Dictionary<(string Project, string Key), JsonObject> _flags = [];
    private readonly Dictionary<(string Project, string Environment, string Key), JsonObject> _segments = [];
    private readonly TimeProvider _time;

    private FakeLaunchDarkly(WebApplication app, TimeProvider time)
    {
        (_app, _time) = (app, time);
        var routes = new RestRoutes(this);
        app.Run(routes.Serve);
    }

    public RestTraps Traps { get; } = new();

    /// <summary>Where it listens: what an operator would set as the base URL.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>All calls so far, the oldest first.</summary>
    public IReadOnlyList<RestCall> Calls => [.. _calls];

    /// <summary>Whether an applied change changes its flag; otherwise flags stay as they were made.</summary>
    public bool FlagsChange { get; set; } = true;

    /// <summary>LaunchDarkly has applied a change; what it does next is to tell the approval application.</summary>
    public Func<RestApproval, Task>? WhenApplied { get; set; }

    public static async Task<FakeLaunchDarkly> Start(TimeProvider time, int port = 0)
    {
        // Nothing of the process's own settings: they may name addresses, and describe another program.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server => server.Listen(IPAddress.Loopback, port));
        var fake = new FakeLaunchDarkly(builder.Build(), time);
        await fake._app.StartAsync();
        var addresses = fake._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        fake.Address = new Uri(addresses.Addresses.First());
        return fake;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    // --- The account ---

    public RestToken AddToken(RestRights rights = RestRights.Read, RestMember? member = null) =>
        AddToken(new RestToken { Rights = rights, Member = member });

    public RestToken AddToken(RestToken token)
    {
        lock (_lock)
            _tokens.Add(token);
        return token;
    }

    public RestMember AddMember(string name, string email) =>
        AddMember(
            new RestMember
            {
                Email = email,
                FirstName = name.Split(' ')[0],
                LastName = name.Contains(' ', StringComparison.Ordinal) ? name[(name.IndexOf(' ') + 1)..] : null,
            }
        );

    public RestMember AddMember(RestMember member)
    {
        lock (_lock)
            _members.Add(member);
        return member;
    }

    /// <summary>
    /// A flag as the API returns it, with IDs for its variations, in these environments. The result can be changed:
    /// the next read returns it so.
    /// </summary>
    public JsonObject AddFlag(
        string project,
        string key,
        string name,
        IReadOnlyList<(string? Name, JsonNode Value)> variations,
        params IReadOnlyList<string> environments
    )
    {
        var flag = RestFlags.New(project, key, name, variations, environments, Now);
        lock (_lock)
            _flags[(project, key)] = flag;
        return flag;
    }

    public JsonObject AddSegment(string project, string environment, string key, string name)
    {
        var segment = RestFlags.NewSegment(project, environment, key, name, Now);
        lock (_lock)
            _segments[(project, environment, key)] = segment;
        return segment;
    }

    /// <summary>A request for approval, before the application has heard of it.</summary>
    public RestApproval Open(RestApproval approval)
    {
        if (approval.CreatedAt == 0)
            approval.CreatedAt = Now;
        lock (_lock)
            _approvals.Add(approval);
        return approval;
    }

    /// <summary>LaunchDarkly has read this status from the application, by the creation or by a poll.</summary>
    public async Task Hear(RestApproval approval, string externalId, string url, string value, string display)
    {
        bool applies;
        lock (_lock)
        {
            approval.External = new RestExternal(externalId, url, value, display, Now);
            if (approval.Status == "pending")
            {
                approval.ReviewStatus =
                    value.Contains("declined", StringComparison.Ordinal) ? "declined"
                    : value.Contains("approved", StringComparison.Ordinal) ? "approved"
                    : "pending";
            }
            applies = approval is { AutoApply: true, ReviewStatus: "approved", Status: "pending" };
            if (applies)
                Complete(approval);
        }
        if (applies && WhenApplied is { } tell)
            await tell(approval);
    }

    /// <summary>Someone has applied the change on LaunchDarkly's own page.</summary>
    public void MarkApplied(RestApproval approval, RestMember? by = null)
    {
        lock (_lock)
        {
            approval.AppliedByMember = by?.Id;
            Complete(approval);
        }
    }

    public void Delete(RestApproval approval)
    {
        lock (_lock)
            approval.IsDeleted = true;
    }

    public RestApproval? FindApproval(string id)
    {
        lock (_lock)
            return _approvals.Find(a => (a.Id == id || a.WorkflowId == id) && !a.IsDeleted);
    }

    // --- Webhooks ---

    /// <summary>
    /// An entry of the audit log as a webhook delivers it: a member did something with a request for approval.
    /// </summary>
    /// <param name="action">createApprovalRequest, updateApprovalRequest, reviewApprovalRequest and so on.</param>
    public string WebhookBody(RestApproval approval, string action, RestMember? member)
    {
        var request = RestShapes.Approval(approval, instructionsAsText: false);
        return RestShapes
            .Filled(
                ("_id", ProposedChange.NewId()),
                ("_accountId", AccountId),
                ("date", Now),
                ("kind", "flag"),
                ("name", approval.Resource),
                ("description", approval.Description),
                ("shortDescription", ""),
                ("accesses", new JsonArray(RestShapes.Filled(("action", action), ("resource", approval.ResourceId)))),
                (
                    "member",
                    member is null
                        ? null
                        : RestShapes.Filled(
                            ("_id", member.Id),
                            ("email", member.Email),
                            ("firstName", member.FirstName),
                            ("lastName", member.LastName)
                        )
                ),
                (
                    "target",
                    RestShapes.Filled(("name", approval.Resource), ("resources", new JsonArray(approval.ResourceId)))
                ),
                ("currentVersion", request)
            )
            .ToJsonString();
    }

    /// <summary>The value of X-LD-Signature: bare lower-case hex.</summary>
    public static string Sign(string body, string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(body)));

    /// <summary>Delivers a webhook once. LaunchDarkly itself tries a second time when it's refused.</summary>
    /// <param name="secret">Null for an unsigned webhook.</param>
    public static async Task<int> Deliver(
        HttpClient http,
        Uri to,
        string body,
        string? secret,
        CancellationToken cancel = default
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, to);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (secret is not null)
            request.Headers.TryAddWithoutValidation("X-LD-Signature", Sign(body, secret));
        using var response = await http.SendAsync(request, cancel);
        return (int)response.StatusCode;
    }

    // --- For the routes ---

    internal long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    internal void Note(RestCall call) => _calls.Enqueue(call);

    internal RestToken? FindToken(string value)
    {
        lock (_lock)
            return _tokens.Find(t => t.Value == value && !t.IsRevoked);
    }

    internal RestToken? FindTokenById(string id)
    {
        lock (_lock)
            return _tokens.Find(t => t.Id == id);
    }

    internal IReadOnlyList<RestMember> Members
    {
        get
        {
            lock (_lock)
                return [.. _members.Where(m => !m.IsRemoved)];
        }
    }

    internal IReadOnlyList<RestApproval> Approvals
    {
        get
        {
            lock (_lock)
                return [.. _approvals.Where(a => !a.IsDeleted)];
        }
    }

    internal JsonObject? Flag(string project, string key)
    {
        lock (_lock)
            return _flags.GetValueOrDefault((project, key))?.DeepClone().AsObject();
    }

    internal JsonObject? Segment(string project, string environment, string key)
    {
        lock (_lock)
            return _segments.GetValueOrDefault((project, environment, key))?.DeepClone().AsObject();
    }

    internal IReadOnlyCollection<string> Projects
    {
        get
        {
            lock (_lock)
                return [.. _flags.Keys.Select(k => k.Project).Concat(_approvals.Select(a => a.Project)).Distinct()];
        }
    }

    /// <summary>Counts down the reads during which a request can't be seen yet.</summary>
    internal bool IsHidden(RestApproval approval)
    {
        lock (_lock)
        {
            if (approval.HiddenReads == 0)
                return false;
            approval.HiddenReads--;
            return true;
        }
    }

    /// <summary>An apply by a token. Null when it may proceed no further, with the reason in the error.</summary>
    internal async Task<JsonObject?> Apply(RestApproval approval, RestToken by, string? comment)
    {
        lock (_lock)
        {
            if (approval.Status is "completed" or "scheduled")
                return RestShapes.Error("invalid_request", "This approval request has already been applied.");
            if (approval.ReviewStatus != "approved")
                return RestShapes.Error("invalid_request", "This approval request has not been approved.");
            if (approval.ConflictReason is { } reason)
            {
                approval.Status = "failed";
                approval.Version++;
                approval.Conflicts = new JsonArray(
                    RestShapes.Filled(
                        ("instruction", JsonNode.Parse(approval.Instructions)!.AsArray().FirstOrDefault()?.DeepClone()),
                        ("reason", reason)
                    )
                ).ToJsonString();
                return RestShapes.Error("optimistic_locking_error", reason);
            }
            approval.ApplyComment = comment;
            if (by.Member is { } member)
                approval.AppliedByMember = member.Id;
            else
                approval.AppliedByToken = by.Id;
            if (approval.ExecutionDate is { } date && date > Now)
            {
                approval.Status = "scheduled";
                approval.Version++;
                return null;
            }
            Complete(approval);
        }
        if (WhenApplied is { } tell)
            await tell(approval);
        return null;
    }

    private void Complete(RestApproval approval)
    {
        approval.Status = "completed";
        approval.AppliedAt = Now;
        approval.Version++;
        if (approval.ResourceKind != "flag" || !FlagsChange)
            return;
        if (_flags.GetValueOrDefault((approval.Project, approval.Resource)) is { } flag)
            RestFlags.Apply(flag, approval.Environment, JsonNode.Parse(approval.Instructions)!.AsArray());
    }
}
