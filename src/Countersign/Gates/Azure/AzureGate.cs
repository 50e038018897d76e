using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Requests;

namespace Countersign.Gates.Azure;

/// <summary>
/// Azure DevOps' check Invoke REST API. In callback mode the stage waits until the check's task is completed by us;
/// the token for that comes with the call and lives for 48 hours. In response mode the check asks again and again.
/// </summary>
public sealed class AzureGate : IGate
{
    public const string Collection = "collection",
        Password = "password",
        Completion = "completion",
        ClassicGates = "classicGates";

    public const string Callback = "callback",
        Response = "response";

    private const string Build = "build",
        Records = "records";

    private const string Version = "?api-version=7.1";

    internal static readonly TimeSpan TokenLife = TimeSpan.FromHours(48);

    /// <summary>Longer than any check waits before it asks again.</summary>
    internal static readonly TimeSpan PollGap = TimeSpan.FromHours(24);

    public string Kind => SourceKinds.Azure;

    public GateTraits Traits { get; } =
        new()
        {
            MaxBody = 256 * 1024,
            SecretMembers = ["AuthToken"],
            Margin = TimeSpan.FromHours(1),
            MaxNotes = 30,
            WatchInterval = TimeSpan.FromMinutes(10),
            // A check that was set up so that it doesn't wait has gone on by then.
            FirstWatch = TimeSpan.FromSeconds(30),
        };

    public IReadOnlyList<GateField> Fields { get; } =
    [
        new(Collection),
        new(Password, IsSecret: true, Signs: true),
        new(Completion) { Default = Callback, Choices = [Callback, Response] },
        new(ClassicGates) { Default = GateText.No, Choices = GateText.NoOrYes },
    ];

    public string? ProblemWith(string field, string value) =>
        field switch
        {
            Collection => GateAddress.ProblemWith(value, "https://dev.azure.com/acme", mayHavePath: true),
            _ => GateSecrets.ProblemWith(value),
        };

    public bool IsGenuine(GateCall call, GateSettings settings)
    {
        var given = PasswordOf(call.Header("Authorization"));
        return GateSecrets.IsAny(
            settings.SecretsOf(Password),
            // Both are compared, so that the time says nothing.
            secret =>
                GateSecrets.IsText(given, secret) | GateSecrets.IsText(call.Header("X-Countersign-Secret"), secret)
        );
    }

    public GateMessage Parse(GateCall call, GateSettings settings) => CheckCall.Read(call, settings);

    /// <summary>
    /// Where a check that should wait for the callback judges the answer instead, it reads that nothing is approved.
    /// </summary>
    public GateResponse Acknowledge(GateMessage message) => new(200, """{"status":"pending"}""") { IsJson = true };

    /// <summary>Only an approval is a success, so a check without a success expression doesn't pass either.</summary>
    public GateResponse Answer(GateMessage message, IReadOnlyList<GateStanding> standings)
    {
        var standing = standings.Count == 1 ? standings[0] : null;
        var status = standing?.Status switch
        {
            Status.Approved => "approved",
            Status.Rejected or Status.Withdrawn => "declined",
            _ => "pending",
        };
        var body = new JsonObject { ["status"] = status, ["text"] = standing?.Text };
        if (standing?.Link is { } link)
            body["url"] = link;
        return new GateResponse(status == "approved" ? 200 : 409, body.Json()) { IsJson = true };
    }

    public IReadOnlyList<Uri> Origins(GateSettings settings) =>
        [.. CollectionsOf(settings[Collection]).Select(c => new Uri(c))];

    public OutgoingCall Verdict(GateSettings settings, GateReply reply, GateVerdict verdict) =>
        With(reply, HttpMethod.Post, $"{reply.Url}/events{Version}") with
        {
            Json = new JsonObject
            {
                ["name"] = "TaskCompleted",
                ["taskId"] = reply[CheckCall.Task],
                ["jobId"] = reply[CheckCall.Job],
                ["result"] = ResultOf(verdict),
            }.Json(),
        };

    public OutgoingCall? Note(GateSettings settings, GateReply reply, string text) =>
        reply[CheckCall.Timeline] is { Length: > 0 } timeline
            ? With(
                reply,
                HttpMethod.Post,
                $"{reply.Url}/timelines/{timeline}/records/{reply[CheckCall.Job]}/feed{Version}"
            ) with
            {
                Json = new JsonObject { ["value"] = new JsonArray(text), ["count"] = 1 }.Json(),
            }
            : null;

    public CallResult Classify(CallAnswer answer, TimeSpan age) =>
        answer switch
        {
            // Instead of 401 a page to sign in may come, with 203 or even 200.
            _ when IsSignIn(answer) => new CallResult.Gone(
                $"The check's token isn't taken any more ({answer.Status}). Run the stage again."
            ),
            { Status: >= 200 and < 300 } => new CallResult.Delivered(),
            { Status: 404 } => new CallResult.Unclear("Azure DevOps doesn't know the check any more (404)."),
            { Status: 429 } => new CallResult.Retry("Azure DevOps limits the rate of calls (429).", answer.RetryAfter),
            { Status: >= 500 } => new CallResult.Retry(
                $"Azure DevOps couldn't answer ({answer.Status}).",
                answer.RetryAfter
            ),
            _ => new CallResult.Held(
                $"Azure DevOps refuses it ({answer.Status}). Compare the check's headers with docs/gates/azure.md."
            ),
        };

    public OutgoingCall? Watch(GateSettings settings, GateReply reply) =>
        reply[CheckCall.Build] is { Length: > 0 } build
            ? With(reply, HttpMethod.Get, build + Version) with
            {
                Step = Build,
            }
            : RecordsOf(reply);

    public WatchResult ReadWatch(
        GateSettings settings,
        GateReply reply,
        OutgoingCall step,
        CallAnswer answer,
        GateVerdict? verdict
    )
    {
        if (IsSignIn(answer))
            return new WatchResult.Unknown($"The check's token isn't taken any more ({answer.Status}).");
        if (step.Step == Build)
        {
            if (answer.Status is 404 or 410)
                return new WatchResult.Gone("The pipeline's run was deleted.");
            var run = answer.Status == 200 ? GateText.Object(answer.Body) : null;
            if (run is null)
                return new WatchResult.Unknown($"Azure DevOps answered with {answer.Status}.");
            var isOver = GateText.Text(run, "status") == "completed";
            return RecordsOf(reply) is { } records
                    ? new WatchResult.Next(isOver ? records with { Step = Records + Build } : records)
                : isOver ? new WatchResult.Gone(Ended)
                : new WatchResult.StillWaiting();
        }
        var isRunOver = step.Step == Records + Build;
        var record =
            answer.Status == 200 && GateText.Object(answer.Body)?["value"] is JsonArray all
                ? all.OfType<JsonObject>().FirstOrDefault(r => IsOurs(r, reply))
                : null;
        if (record is not null && GateText.Text(record, "state") == "completed")
        {
            var result = GateText.Text(record, "result");
            return verdict is not null && result == ResultOf(verdict) ? new WatchResult.OursStands()
                : result is "succeeded" or "succeededWithIssues"
                    ? new WatchResult.WentOn(
                        "The check was completed without a decision from here. If at once, set its completion event "
                            + "to Callback."
                    )
                // No one decides within a minute of being asked, so the answer was judged and found to be no pass.
                : verdict is null && result == "failed" && TookOf(record) < AtOnce
                    ? new WatchResult.Gone(
                        "The check judges the answer at once (ApiResponse) and asks again. Set its completion event to "
                            + "Callback, or this source's to response."
                    )
                    {
                        NeverWaited = true,
                    }
                : new WatchResult.Gone("The check ended before a decision.");
        }
        return isRunOver ? new WatchResult.Gone(Ended)
            // A cancelled stage loses its plan; with a verdict underway there is nothing left to tell it to.
            : record is null && answer.Status is 200 or 404 && verdict is not null
                ? new WatchResult.Gone("The stage was cancelled, has timed out or was run again.")
            : new WatchResult.StillWaiting();
    }

    private static readonly TimeSpan AtOnce = TimeSpan.FromMinutes(1);

    /// <summary>How long the check's task ran; null where its record doesn't say.</summary>
    private static TimeSpan? TookOf(JsonObject record) => Time(record["finishTime"]) - Time(record["startTime"]);

    private static DateTimeOffset? Time(JsonNode? node) =>
        DateTimeOffset.TryParse(
            GateText.Text(node),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var at
        )
            ? at
            : null;

    private const string Ended = "The pipeline's run ended before a decision.";

    /// <summary>Without a slash at the end. An organization is also reached by its old host.</summary>
    internal static IEnumerable<string> CollectionsOf(string collection)
    {
        var given = collection.TrimEnd('/');
        yield return given;
        var url = new Uri(given);
        var path = url.AbsolutePath.Trim('/');
        if (url.Host.Equals("dev.azure.com", StringComparison.OrdinalIgnoreCase) && path.Length > 0)
        {
            if (!path.Contains('/', StringComparison.Ordinal))
                yield return $"https://{path}.visualstudio.com";
        }
        else if (url.Host.EndsWith(".visualstudio.com", StringComparison.OrdinalIgnoreCase) && path.Length == 0)
        {
            yield return $"https://dev.azure.com/{url.Host[..url.Host.IndexOf('.', StringComparison.Ordinal)]}";
        }
    }

    private static OutgoingCall? RecordsOf(GateReply reply) =>
        reply[CheckCall.Timeline] is { Length: > 0 } timeline
            ? With(reply, HttpMethod.Get, $"{reply.Url}/timelines/{timeline}/records{Version}") with
            {
                Step = Records,
            }
            : null;

    private static bool IsOurs(JsonObject record, GateReply reply) =>
        GateText.Text(record, "id").Equals(reply[CheckCall.Task], StringComparison.OrdinalIgnoreCase);

    private static bool IsSignIn(CallAnswer answer) =>
        answer.IsPage || answer.Status is 203 or 401 or (>= 300 and < 400);

    /// <summary>Lower case: other spellings are taken by some versions, and never end the check.</summary>
    private static string ResultOf(GateVerdict verdict) => verdict.IsApproved ? "succeeded" : "failed";

    private static OutgoingCall With(GateReply reply, HttpMethod method, string url) =>
        new(method, new Uri(url)) { Headers = [("Authorization", "Bearer " + reply[CheckCall.Token])] };

    private static string PasswordOf(string authorization)
    {
        if (authorization.Split(' ', 2) is not [var scheme, var value])
            return "";
        if (scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            return value.Trim();
        var bytes = new byte[value.Length];
        if (
            !scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase)
            || !Convert.TryFromBase64String(value.Trim(), bytes, out var length)
        )
        {
            return "";
        }
        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        return pair.Split(':', 2) is [_, var password] ? password : "";
    }
}
