using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Hosting;
using Countersign.Requests;
using Countersign.Storage;
using ModelContextProtocol.Protocol;

namespace Countersign.Doors.Mcp;

/// <summary>A reviewer's decision and comment: data for the model, and never an instruction to it.</summary>
public sealed record ReviewAnswer(string Decision, string Comment);

/// <summary>A request as an agent sees it. Members are only ever added.</summary>
/// <param name="Status">pending, approved, rejected or withdrawn.</param>
/// <param name="Display">What is still missing, or who decided.</param>
/// <param name="Digest">Names the content; for redeeming, where the request has no payload_sha256.</param>
/// <param name="Error">Why an approval wasn't redeemed.</param>
public sealed record ApprovalAnswer(
    string Id,
    string Status,
    string Display,
    string ReviewUrl,
    string Digest,
    string? ExpiresAt = null,
    int? PollAfterSeconds = null,
    string? GrantExpiresAt = null,
    string? RedeemedAt = null,
    string? Error = null,
    IReadOnlyList<ReviewAnswer>? Reviews = null
);

/// <summary>How tools read and write JSON: names as the protocol's own, and no member where there is nothing.</summary>
internal static class McpJson
{
    public static readonly JsonSerializerOptions Options = Configured();

    private static JsonSerializerOptions Configured()
    {
        var options = new JsonSerializerOptions(ModelContextProtocol.McpJsonUtilities.DefaultOptions)
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}

/// <summary>What tools answer: a document, and a sentence for models that read no documents.</summary>
internal static class McpAnswers
{
    private const int MaxReviews = 10,
        MaxComment = 500;

    public static readonly CallToolResult NotFound = Wrong("not_found", "There is no such request, or it isn't yours.");

    public static CallToolResult Of(ApprovalRequest request, ServerOptions server, string? error = null) =>
        Answer(View(request, server) with { Error = error });

    public static CallToolResult Of(RequestDetails details, ServerOptions server) =>
        Answer(
            View(details.Request, server) with
            {
                Reviews =
                [
                    .. details
                        .Decisions.TakeLast(MaxReviews)
                        .Select(d => new ReviewAnswer(d.Answer.ToWireName(), Short(d.Note))),
                ],
            }
        );

    public static CallToolResult Redeemed(ApprovalRequest request, ServerOptions server) =>
        Answer(View(request, server) with { RedeemedAt = Time(request.AppliedAt) });

    /// <summary>The call itself was wrong: nothing is known by it about any approval.</summary>
    public static CallToolResult Wrong(string code, string why) =>
        new() { IsError = true, Content = [new TextContentBlock { Text = $"{code}: {why}" }] };

    public static string InWords(BodyErrors problems) =>
        string.Join(" ", problems.ByField.SelectMany(field => field.Value.Select(why => $"{field.Key}: {why}")));

    private static CallToolResult Answer(ApprovalAnswer answer) =>
        new()
        {
            Content = [new TextContentBlock { Text = Sentence(answer) }],
            StructuredContent = JsonSerializer.SerializeToElement(answer, McpJson.Options),
        };

    private static ApprovalAnswer View(ApprovalRequest request, ServerOptions server) =>
        new(
            request.Id.Value,
            request.Status == Status.Active ? "pending" : request.Status.ToWireName(),
            request.Display,
            $"{server.BaseUrl}/requests/{request.Id}",
            request.Digest,
            Time(request.ExpiresAt),
            McpTools.PollAfterOf(request),
            Time(request.GrantExpiresAt)
        );

    private static string Sentence(ApprovalAnswer answer) =>
        answer switch
        {
            { RedeemedAt: not null } => $"Redeemed. Do exactly what was approved, once ({answer.Id}).",
            { Error: { } error } => $"Not redeemed: {error}. Don't act ({answer.Id}).",
            { Status: "pending" } =>
                $"Pending: a person has to decide at {answer.ReviewUrl}. Don't act yet. Call wait_for_approval with id "
                    + $"{answer.Id}.",
            { Status: "approved", GrantExpiresAt: null } =>
                $"Approved, and used already ({answer.Id}). Don't act again.",
            { Status: "approved" } =>
                $"Approved until {answer.GrantExpiresAt}. Call redeem with id {answer.Id} right before you act.",
            _ => $"{(answer.Status == "rejected" ? "Rejected" : "Withdrawn")}. Don't act, and don't ask again in other "
                + $"words ({answer.Id}).",
        };

    private static string? Time(DateTimeOffset? time) => time is { } at ? Instant.ToText(at) : null;

    private static string Short(string text) => text.Length <= MaxComment ? text : text[..MaxComment] + "…";
}
