using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Doors.Api;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using RequestId = Countersign.Requests.RequestId;

namespace Countersign.Doors.Mcp;

/// <summary>
/// What an agent can do: ask, look, wait, take back, and use an approval once. It can't decide, choose who does, or see
/// what others ask. A decision against it is an answer like any other; only a call that is wrong is an error.
/// </summary>
[McpServerToolType]
internal sealed class McpTools(
    IHttpContextAccessor http,
    Store store,
    Submit submit,
    Withdraw withdraw,
    Redeem redeem,
    WaitForRequest waiting,
    PeopleDirectory directory,
    ServerOptions server
)
{
    /// <summary>Clients, and proxies on the way, give up on a call after a minute.</summary>
    public const int MaxWait = 50;

    private const int PollAfter = 30,
        MaxKey = 255;

    private HttpContext Http => http.HttpContext ?? throw new InvalidOperationException("Called without a request.");
    private Caller Caller => Http.FindCaller() ?? throw new InvalidOperationException("Called without a caller.");

    [McpServerTool(
        Name = "request_approval",
        Title = "Request approval",
        Destructive = false,
        Idempotent = true,
        OpenWorld = true,
        UseStructuredContent = true,
        OutputSchemaType = typeof(ApprovalAnswer)
    )]
    [Description(
        "Asks people to approve an action. Returns at once with status pending and a review_url to show to the user. "
            + "Don't act before wait_for_approval or get_approval says approved."
    )]
    public async Task<CallToolResult> RequestApproval(
        RequestContext<CallToolRequestParams> context,
        [Description("What is to be approved, in one line.")] string subject,
        CancellationToken cancel,
        [Description("Why it's needed, and what it does. Can use Markdown.")] string? reason = null,
        [Description("The kind of action, such as sql.execute.")] string? action = null,
        [Description("What it acts on, such as shop-prod.")] string? target = null,
        [Description("The environment, such as production.")] string? environment = null,
        [Description("SHA-256 of exactly what will be done, in hexadecimal. Redeeming needs the same one.")]
            string? payload_sha256 = null,
        [Description("Names this action: the same key and arguments return the same request.")]
            string? idempotency_key = null
    )
    {
        var (ask, problem) = Read(
            context,
            new Dictionary<string, string?>
            {
                ["subject"] = subject,
                ["reason"] = reason,
                ["action"] = action,
                ["target"] = target,
                ["environment"] = environment,
                ["payload_sha256"] = payload_sha256,
            }
        );
        if (ask is null)
            return McpAnswers.Wrong("invalid", problem!);
        if (idempotency_key is { Length: 0 or > MaxKey })
            return McpAnswers.Wrong("invalid", $"idempotency_key has 1 to {MaxKey} characters.");
        var viewer = Caller.Viewer;
        var repeatable = idempotency_key is null
            ? null
            : new Repeatable(
                Hashes.Sha256($"mcp\n{viewer.Party}\n{idempotency_key}"),
                ask.Digest,
                created => created.Id.Value
            );
        var submission = ask.From(Caller.Source!, null, directory.Current);
        return await submit.Run(submission, viewer.Origin, repeatable, cancel) switch
        {
            SubmitOutcome.Created { Request: var request } => McpAnswers.Of(request, server),
            SubmitOutcome.Replayed { Answer: var id } => await GetApproval(id, cancel),
            SubmitOutcome.KeyTaken => McpAnswers.Wrong(
                "conflict",
                "This idempotency_key was used with different arguments."
            ),
            _ => throw new UnreachableException(),
        };
    }

    [McpServerTool(
        Name = "get_approval",
        Title = "Get approval",
        ReadOnly = true,
        Idempotent = true,
        UseStructuredContent = true,
        OutputSchemaType = typeof(ApprovalAnswer)
    )]
    [Description("How a request stands now.")]
    public async Task<CallToolResult> GetApproval(
        [Description("The request's id.")] string id,
        CancellationToken cancel
    ) =>
        RequestId.TryParse(id, out var requestId)
        && await RequestDetails.Find(store, requestId, Caller.Viewer, cancel) is { } details
            ? McpAnswers.Of(details, server)
            : McpAnswers.NotFound;

    [McpServerTool(
        Name = "wait_for_approval",
        Title = "Wait for approval",
        ReadOnly = true,
        Idempotent = true,
        UseStructuredContent = true,
        OutputSchemaType = typeof(ApprovalAnswer)
    )]
    [Description(
        "Waits until a request is decided, for at most max_seconds, and returns how it stands. If it's still pending, "
            + "call it again."
    )]
    public async Task<CallToolResult> WaitForApproval(
        [Description("The request's id.")] string id,
        CancellationToken cancel,
        [Description("How long to wait, from 1 to 50 seconds.")] int max_seconds = MaxWait
    )
    {
        if (max_seconds is < 1 or > MaxWait)
            return McpAnswers.Wrong("invalid", $"max_seconds is from 1 to {MaxWait}.");
        if (!RequestId.TryParse(id, out var requestId))
            return McpAnswers.NotFound;
        await using var watch = CallerWatch.Over(Http, Caller);
        await waiting.UntilSettled(requestId, watch, TimeSpan.FromSeconds(max_seconds), cancel);
        if (watch.IsShutOut)
            return McpAnswers.Wrong("unauthenticated", "The source's key isn't valid any more.");
        return await RequestDetails.Find(store, requestId, watch.Caller.Viewer, cancel) is { } details
            ? McpAnswers.Of(details, server)
            : McpAnswers.NotFound;
    }

    [McpServerTool(
        Name = "cancel_request",
        Title = "Cancel request",
        Destructive = true,
        Idempotent = true,
        UseStructuredContent = true,
        OutputSchemaType = typeof(ApprovalAnswer)
    )]
    [Description("Withdraws a request that isn't needed any more. An approval that was redeemed can't be withdrawn.")]
    public async Task<CallToolResult> CancelRequest(
        [Description("The request's id.")] string id,
        CancellationToken cancel,
        [Description("Why it isn't needed.")] string? reason = null
    )
    {
        var problems = new BodyErrors();
        problems.MultiLine("reason", reason, DecisionBody.MaxNote, required: false);
        if (problems.Any)
            return McpAnswers.Wrong("invalid", McpAnswers.InWords(problems));
        if (!RequestId.TryParse(id, out var requestId))
            return McpAnswers.NotFound;
        return await withdraw.Run(requestId, Caller.Viewer, reason ?? "", cancel) switch
        {
            WithdrawOutcome.Withdrawn { Request: var request } => McpAnswers.Of(request, server),
            WithdrawOutcome.AlreadySettled { Request: var request } => McpAnswers.Of(request, server),
            WithdrawOutcome.NotAllowed or WithdrawOutcome.NotFound => McpAnswers.NotFound,
            _ => throw new UnreachableException(),
        };
    }

    [McpServerTool(
        Name = "redeem",
        Title = "Redeem approval",
        Destructive = true,
        Idempotent = true,
        UseStructuredContent = true,
        OutputSchemaType = typeof(ApprovalAnswer)
    )]
    [Description(
        "Uses an approval up, once, right before acting. Act only if the result has redeemed_at: otherwise, error says "
            + "why not (not_approved, already_used, digest_mismatch or expired)."
    )]
    public async Task<CallToolResult> RedeemApproval(
        [Description("The request's id.")] string id,
        [Description("SHA-256 of exactly what will be done now; without one in the request, its digest.")]
            string payload_sha256,
        CancellationToken cancel,
        [Description("Names this call: the same key returns the same answer.")] string? idempotency_key = null
    )
    {
        if (idempotency_key is { Length: 0 or > MaxKey })
            return McpAnswers.Wrong("invalid", $"idempotency_key has 1 to {MaxKey} characters.");
        if (payload_sha256 is not { Length: 64 } || !payload_sha256.All(char.IsAsciiHexDigit))
            return McpAnswers.Wrong("invalid", "payload_sha256 is 64 hexadecimal digits.");
        if (!RequestId.TryParse(id, out var requestId))
            return McpAnswers.NotFound;
        var outcome = await redeem.Run(
            requestId,
            Caller.Viewer,
            payload_sha256,
            idempotency_key,
            request => request.Id.Value,
            cancel
        );
        return outcome switch
        {
            RedeemOutcome.Redeemed { Request: var request } => McpAnswers.Redeemed(request, server),
            RedeemOutcome.Replayed => await RequestDetails.FindRequest(store, requestId, Caller.Viewer, cancel)
                is { } again
                ? McpAnswers.Redeemed(again, server)
                : McpAnswers.NotFound,
            RedeemOutcome.KeyTaken => McpAnswers.Wrong(
                "conflict",
                "This idempotency_key was used with a different payload_sha256."
            ),
            RedeemOutcome.AlreadyUsed { Request: var request } => McpAnswers.Of(request, server, "already_used"),
            RedeemOutcome.NotApproved { Request: var request } => McpAnswers.Of(request, server, "not_approved"),
            RedeemOutcome.DigestMismatch { Request: var request } => McpAnswers.Of(request, server, "digest_mismatch"),
            RedeemOutcome.Expired { Request: var request } => McpAnswers.Of(request, server, "expired"),
            RedeemOutcome.NotAllowed or RedeemOutcome.NotFound => McpAnswers.NotFound,
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>
    /// The arguments as a question, held to the same limits as one that comes by the API. What the client calls itself
    /// is an unverified fact, and no part of the content.
    /// </summary>
    private static (Ask? Ask, string? Problem) Read(
        RequestContext<CallToolRequestParams> context,
        Dictionary<string, string?> arguments
    )
    {
        var facts = new JsonObject();
        foreach (var name in new[] { "environment", "action", "target" })
        {
            if (arguments[name] is { Length: > 0 } fact)
                facts[name] = fact;
        }
        if (arguments["payload_sha256"] is { } digest)
        {
            if (digest is not { Length: 64 } || !digest.All(char.IsAsciiHexDigit))
                return (null, "payload_sha256 is 64 hexadecimal digits.");
            facts[Redeem.ContentFact] = digest.ToLowerInvariant();
        }
        if ((context.JsonRpcRequest.Context?.ClientInfo ?? context.Server.ClientInfo) is { } client)
            facts["client"] = Short($"{client.Name} {client.Version}");
        try
        {
            var body = new JsonObject(
                arguments.Where(a => a.Value is not null).Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value))
            ).ToJsonString(History.Json);
            var problems = new BodyErrors();
            new SubmitBody
            {
                Subject = arguments["subject"],
                Message = arguments["reason"],
                Facts = JsonElement.Parse(facts.ToJsonString()),
            }.Check(problems);
            if (problems.Any)
                return (null, McpAnswers.InWords(problems));
            return (
                new Ask
                {
                    Subject = arguments["subject"]!.Trim(),
                    Message = arguments["reason"] ?? "",
                    Facts = facts.ToJsonString(History.Json),
                    Body = body,
                    Digest = Digest.Of(body),
                },
                null
            );
        }
        catch (Exception broken) when (broken is InvalidOperationException or JsonException or ArgumentException)
        {
            return (null, "The arguments contain invalid Unicode (half of a surrogate pair).");
        }
    }

    /// <summary>One line of printable text, made from the client's.</summary>
    private static string Short(string text)
    {
        var line = new string([.. text.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(100)]).Trim();
        return line.Length > 0 ? line : "unknown";
    }

    /// <summary>Afterwards, for those who poll instead of waiting.</summary>
    internal static int? PollAfterOf(ApprovalRequest request) => request.IsSettled ? null : PollAfter;
}
