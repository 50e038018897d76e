using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Gates.Terraform;

/// <summary>
/// Run tasks of HCP Terraform and Terraform Enterprise: a run waits at a stage while we write every few minutes,
/// and for an hour at most.
/// </summary>
public sealed class TerraformGate : IGate
{
    public const string Server = "server",
        HmacKey = "hmacKey",
        MaxMinutes = "maxMinutes";

    /// <summary>A minute before Terraform's own end, the request is closed, and that is told as failed.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    /// <summary>Terraform's page shows a short text.</summary>
    private const int MaxMessage = 200;

    public string Kind => Requests.SourceKinds.Terraform;

    public GateTraits Traits { get; } =
        new()
        {
            Margin = Margin,
            SecretMembers = ["access_token"],
            // Each vote is told at once, and the heartbeat tells it again.
            MaxNotes = 50,
            MaxNote = MaxMessage,
            // After ten minutes without a word from us Terraform gives the task up.
            WatchInterval = TimeSpan.FromMinutes(4.5),
        };

    public IReadOnlyList<GateField> Fields { get; } =
    [
        new(Server) { Default = "https://app.terraform.io" },
        new(HmacKey, IsSecret: true, Signs: true),
        new(MaxMinutes) { Default = "58" },
    ];

    public string? ProblemWith(string field, string value) =>
        field switch
        {
            Server => GateAddress.ProblemWith(value, "https://app.terraform.io"),
            HmacKey => GateSecrets.ProblemWith(value),
            _ => Minutes(value) is >= 5 and <= 59
                ? null
                : "5 to 59 minutes. HCP Terraform waits for 60, servers from before June 2025 for 10.",
        };

    public bool IsGenuine(GateCall call, GateSettings settings) =>
        GateSecrets.IsAny(
            settings.SecretsOf(HmacKey),
            key =>
                GateSecrets.IsHex(
                    call.Header("X-TFC-Task-Signature"),
                    HMACSHA512.HashData(Encoding.UTF8.GetBytes(key), call.Body)
                )
        );

    public GateMessage Parse(GateCall call, GateSettings settings) =>
        RunTaskCall.Read(call.Body, settings, TimeSpan.FromMinutes(Minutes(settings[MaxMinutes]) ?? 9));

    /// <summary>Anything but 200 is taken as a failure.</summary>
    public GateResponse Acknowledge(GateMessage message) => new(200);

    public IReadOnlyList<Uri> Origins(GateSettings settings) => [new(settings[Server])];

    public OutgoingCall Verdict(GateSettings settings, GateReply reply, GateVerdict verdict) =>
        Tell(
            reply,
            verdict.IsApproved ? "passed" : "failed",
            verdict.IsWithdrawn ? "Withdrawn, or no decision in time. Start the run again." : verdict.Text,
            verdict.Link
        );

    public OutgoingCall Note(GateSettings settings, GateReply reply, string text) => Watch(settings, reply, text);

    public CallResult Classify(CallAnswer answer, TimeSpan age) =>
        answer.Status switch
        {
            _ when answer.IsPage => new CallResult.Held(answer.WhyNoPage),
            >= 200 and < 300 => new CallResult.Delivered(),
            // The task has ended: by this verdict, whose answer was lost, or because the run was cancelled.
            409 => new CallResult.Over("The run task has ended already (409)."),
            401 or 404 or 410 => new CallResult.Gone(
                $"The run was cancelled, or its task timed out ({answer.Status})."
            ),
            429 => new CallResult.Retry("Terraform limits the rate of calls (429).", answer.RetryAfter),
            >= 500 => new CallResult.Retry($"Terraform couldn't answer ({answer.Status}).", answer.RetryAfter),
            _ => new CallResult.Held($"Terraform refuses it ({answer.Status})."),
        };

    public OutgoingCall? Watch(GateSettings settings, GateReply reply) => Watch(settings, reply, "");

    /// <summary>Tells Terraform that we are still at it.</summary>
    public OutgoingCall Watch(GateSettings settings, GateReply reply, string progress) =>
        Tell(reply, "running", progress, null);

    public WatchResult ReadWatch(
        GateSettings settings,
        GateReply reply,
        OutgoingCall step,
        CallAnswer answer,
        GateVerdict? verdict
    ) =>
        answer.Status switch
        {
            _ when answer.IsPage => new WatchResult.Unknown(answer.WhyNoPage),
            >= 200 and < 300 => new WatchResult.StillWaiting(),
            // With a verdict underway it may have ended by that, which its own answer will tell.
            401 or 404 or 409 or 410 when verdict is null => new WatchResult.Gone(
                "The run was cancelled or discarded, or its task timed out."
            ),
            _ => new WatchResult.Unknown($"Terraform answered with {answer.Status}."),
        };

    private static OutgoingCall Tell(GateReply reply, string status, string message, string? link)
    {
        var attributes = new JsonObject { ["status"] = status, ["message"] = GateText.Line(message, MaxMessage) };
        if (link is not null)
            attributes["url"] = link;
        return new OutgoingCall(HttpMethod.Patch, new Uri(reply.Url))
        {
            Json = new JsonObject
            {
                ["data"] = new JsonObject { ["type"] = "task-results", ["attributes"] = attributes },
            }.Json(),
            ContentType = "application/vnd.api+json",
            Headers = [("Authorization", "Bearer " + reply[RunTaskCall.Token])],
        };
    }

    private static int? Minutes(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) ? minutes : null;
}
