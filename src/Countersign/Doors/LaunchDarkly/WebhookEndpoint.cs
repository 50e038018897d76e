using System.Diagnostics;
using Countersign.Hosting;
using Countersign.LaunchDarkly;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>POST /api/launchdarkly/{source}/webhook</c>: an entry of LaunchDarkly's audit log, signed with the secret of the
/// source's connection. The caller is known by the signature over the body as it came.
/// </summary>
internal static class WebhookEndpoint
{
    public const string Header = "X-LD-Signature";

    public static async Task<IResult> Run(long source, HttpContext http, HearWebhook hear, CancellationToken cancel) =>
        await BodyBytes.Read(http, BodyBytes.MaxSize) is not { } body
            ? Answer.Refusal(
                StatusCodes.Status413PayloadTooLarge,
                "too_large",
                $"A body can have at most {BodyBytes.MaxSize / 1024} KiB."
            )
            : await hear.Run(source, body, http.Request.Headers[Header], cancel) switch
            {
                HearWebhookOutcome.Heard => Results.NoContent(),
                HearWebhookOutcome.NotSigned => Answer.Refusal(
                    StatusCodes.Status401Unauthorized,
                    "not_signed",
                    $"Sign the body with the webhook's secret, in {Header}."
                ),
                HearWebhookOutcome.Unreadable => Answer.Refusal(
                    StatusCodes.Status400BadRequest,
                    "invalid",
                    "The body isn't JSON."
                ),
                _ => throw new UnreachableException(),
            };
}
