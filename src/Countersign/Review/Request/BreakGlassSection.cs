using System.Diagnostics;
using Countersign.Doors;
using Countersign.Requests;
using Countersign.Review.Frame;

namespace Countersign.Review.Request;

/// <summary>On the request page: that nobody left could make it pass, that glass was broken, and, for admins, the way past the policy.</summary>
internal static class BreakGlassSection
{
    public static string PathOf(RequestId id) => $"/requests/{id}/break-glass";

    /// <summary>What everybody who looks has to know first.</summary>
    public static void WriteNotices(Html html, Sight sight)
    {
        var (says, request) = (html.Says, sight.Request);
        if (request.BrokeGlassAt is not null)
            html.Notice(Tone.Bad, h => h.Badge(Tone.Bad, request.Display));
        if (request.Stuck is { } stuck)
            html.Notice(Tone.Careful, h => h.Add($"<p><strong>{says.StuckTitle}</strong> {stuck.Why}.</p><p>{stuck.Fix}.</p>"));
    }

    public static void Write(Html html, Sight sight)
    {
        var (says, request) = (html.Says, sight.Request);
        if (request.IsSettled || !sight.Reader.IsAdmin)
            return;
        if (request.Policy.ForbidsBreakGlass)
        {
            html.Add($"<p class=\"small soft\">{says.BreakGlassForbidden}</p>");
            return;
        }
        html.Confirm(says.BreakGlassDo, says.BreakGlassAsk, PathOf(request.Id), says.BreakGlassDo, fields => fields
            .Hidden("digest", request.Digest)
            .Field(new Field("reason", says.BreakGlassReason) { Lines = 3, Required = true, Hint = says.BreakGlassReasonHint, Longest = 5_000 }));
    }

    public static async Task<IResult> Run(string id, HttpContext http, Asking asking, BreakGlass breakGlass, CancellationToken cancel)
    {
        if (!RequestId.TryParse(id, out var requestId))
            return Missing.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var says = Texts.For(http);
        var mistakes = new Web.Mistakes();
        mistakes.Lines("reason", form["reason"], 5_000, required: true);
        if (mistakes.Any)
            return Refused(says.BreakGlassReasonHint, StatusCodes.Status422UnprocessableEntity);
        return await breakGlass.Run(requestId, asking.Viewer, form["reason"].ToString(), form["digest"].ToString(), cancel) switch
        {
            BreakGlassOutcome.Approved => Results.Redirect($"{http.Request.PathBase}/requests/{id}"),
            BreakGlassOutcome.AlreadySettled { Request: var request } => Refused(says.TooLate(request), StatusCodes.Status409Conflict),
            BreakGlassOutcome.Changed => Refused(says.ChangedMeanwhile, StatusCodes.Status409Conflict),
            BreakGlassOutcome.ReasonTooShort => Refused(says.BreakGlassReasonHint, StatusCodes.Status422UnprocessableEntity),
            BreakGlassOutcome.Forbidden => Refused(says.BreakGlassForbidden, StatusCodes.Status403Forbidden),
            BreakGlassOutcome.NotAllowed or BreakGlassOutcome.NotFound => Missing.Page(http),
            _ => throw new UnreachableException(),
        };

        PageAnswer Refused(string why, int status) => new(says.BreakGlassDo, html =>
        {
            html.Notice(Tone.Bad, why);
            html.Add($"<p><a href=\"{html.Base}/requests/{id}\">{html.Says.BackToRequest}</a></p>");
        })
        { Status = status, Section = "/" };
    }
}
