using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.Mvc;

namespace Countersign.Doors.Api;

public sealed record RedemptionBody : IChecked
{
    [
        Description("Of what is about to be done: the request's fact `content_sha256`, or its `digest` without one."),
        Required,
        MaxLength(64)
    ]
    public string? Digest { get; init; }

    public void Check(BodyErrors mistakes) => mistakes.SingleLine("digest", Digest, 64, required: true);
}

/// <summary>An approval that was used.</summary>
/// <param name="Digest">Of the request that was approved.</param>
public sealed record RedemptionView(
    string Id,
    string Digest,
    [property: JsonPropertyName("redeemed_at")] [Format("date-time")] string RedeemedAt
)
{
    public static RedemptionView From(ApprovalRequest request) =>
        new(request.Id.Value, request.Digest, Instant.ToText(request.AppliedAt!.Value));
}

/// <summary><c>POST /api/v1/requests/{id}/redemption</c>: the source that asked uses its approval, once.</summary>
internal static class RedemptionEndpoint
{
    public const string Path = "/requests/{id}/redemption";

    private const int MaxKey = 255;

    public static async Task<IResult> Run(
        string id,
        JsonBody<RedemptionBody> body,
        CurrentCaller caller,
        [FromHeader(Name = SubmitEndpoint.KeyHeader)] string? idempotencyKey,
        Redeem redeem,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (idempotencyKey is { Length: 0 or > MaxKey })
            return Problems.Malformed($"{SubmitEndpoint.KeyHeader} has 1 to {MaxKey} characters.");
        if (!RequestId.TryParse(id, out var requestId))
            return Problems.NotFound();
        return await redeem.Run(requestId, caller.Viewer, body.Value.Digest!, idempotencyKey, Text, cancel) switch
        {
            RedeemOutcome.Redeemed { Request: var request } => TypedResults.Text(Text(request), "application/json"),
            RedeemOutcome.Replayed { Answer: var answer } => TypedResults.Text(answer, "application/json"),
            RedeemOutcome.KeyTaken => Problems.Of(
                409,
                "conflict",
                "This Idempotency-Key was used with a different body."
            ),
            RedeemOutcome.AlreadyUsed { Request: var request } => Refused(
                "already_used",
                "This approval has been used. Send a new request.",
                request
            ),
            RedeemOutcome.NotApproved { Request: var request } => Refused(
                "not_approved",
                $"This request is {request.Status.ToWireName()}: {request.Display}.",
                request
            ),
            RedeemOutcome.DigestMismatch { Request: var request } => Refused(
                "digest_mismatch",
                "This isn't the content that was approved. The approval wasn't used.",
                request
            ),
            RedeemOutcome.Expired { Request: var request } => Refused(
                "expired",
                "This approval was given too long ago. Send a new request.",
                request
            ),
            RedeemOutcome.NotAllowed => Problems.NotAllowed(
                "not_yours",
                "Only the source that sent a request can redeem it."
            ),
            RedeemOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };

        IResult Refused(string code, string detail, ApprovalRequest request) =>
            Problems.Of(409, code, detail, request: RequestView.From(request, directory.Current));
    }

    private static string Text(ApprovalRequest request) =>
        JsonSerializer.Serialize(RedemptionView.From(request), ApiJson.Wire.RedemptionView);
}
