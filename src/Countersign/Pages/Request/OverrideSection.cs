using System.Diagnostics;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary>
/// On the request page: that nobody left could make it pass, that glass was broken, and, for admins, the way past the
/// policy.
/// </summary>
internal static class OverrideSection
{
    private const int MaxReason = 5_000;

    public static string PathOf(RequestId id) => $"/requests/{id}/break-glass";

    /// <summary>What everybody who looks has to know first.</summary>
    public static void WriteNotices(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        if (request.BrokeGlassAt is not null)
            html.Notice(Tone.Loud, h => h.Add($"<p><strong>{request.Display}.</strong> {says.GlassBrokenWhat}</p>"));
        if (request.Stuck is { } stuck)
        {
            html.Notice(
                Tone.Careful,
                h => h.Add($"<p><strong>{says.StuckTitle}</strong> {stuck.Why}.</p><p>{stuck.Fix}.</p>")
            );
        }
    }

    public static void Write(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        if (request.IsSettled || !sight.Reader.IsAdmin)
            return;
        if (request.Policy.ForbidsBreakGlass)
        {
            html.Add($"<p class=\"small soft\">{says.BreakGlassForbidden}</p>");
            return;
        }
        html.Confirm(
            says.BreakGlassDo,
            says.BreakGlassAsk,
            PathOf(request.Id),
            says.BreakGlassDo,
            fields =>
                fields
                    .Hidden("digest", request.Digest)
                    .Field(
                        new Field("reason", says.BreakGlassReason)
                        {
                            Value = sight.ShortReason,
                            Error = sight.ShortReason is null ? null : says.BreakGlassReasonShort,
                            Hint = says.BreakGlassReasonHint,
                            Lines = 3,
                            Required = true,
                            Longest = MaxReason,
                        }
                    ),
            isOpen: sight.ShortReason is not null
        );
    }

    public static async Task<IResult> Run(
        string id,
        HttpContext http,
        CurrentCaller caller,
        OverridePolicy breakGlass,
        RequestPageLoader sights,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (reason, digest, says) = (
            form["reason"].ToString().ReplaceLineEndings("\n").Trim(),
            form["digest"].ToString(),
            Texts.For(http)
        );
        var mistakes = new BodyErrors();
        mistakes.MultiLine("reason", reason, MaxReason, required: true);
        return mistakes.Any
            ? await Back(StatusCodes.Status422UnprocessableEntity, sight => sight.ShortReason = reason)
            : await breakGlass.Run(requestId, caller.Viewer, reason, digest, cancel) switch
            {
                OverrideOutcome.Approved => Results.Redirect($"{http.Request.PathBase}/requests/{id}"),
                OverrideOutcome.AlreadySettled { Request: var request } => await Back(
                    StatusCodes.Status409Conflict,
                    sight => (sight.Refused, sight.Note) = (says.TooLate(request), reason)
                ),
                OverrideOutcome.Changed => await Back(
                    StatusCodes.Status409Conflict,
                    sight => (sight.Refused, sight.HasChanged, sight.Note) = (says.ChangedMeanwhile, true, reason)
                ),
                OverrideOutcome.ReasonTooShort => await Back(
                    StatusCodes.Status422UnprocessableEntity,
                    sight => sight.ShortReason = reason
                ),
                OverrideOutcome.Forbidden => await Back(
                    StatusCodes.Status403Forbidden,
                    sight => (sight.Refused, sight.Note) = (says.BreakGlassForbidden, reason)
                ),
                OverrideOutcome.NotAllowed or OverrideOutcome.NotFound => NotFoundPage.Page(http),
                _ => throw new UnreachableException(),
            };

        // As it is now, with why it was refused and with what was typed.
        async Task<IResult> Back(int status, Action<RequestPageModel> because)
        {
            if (await sights.Find(requestId, caller, digest, cancel) is not { } sight)
                return NotFoundPage.Page(http);
            because(sight);
            return RequestPage.Of(sight, status);
        }
    }
}
