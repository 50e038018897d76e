using System.Diagnostics;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary><c>POST /requests/{id}/break-glass</c>: an admin overrides the policy and approves.</summary>
internal static class OverrideAction
{
    public const int MaxReason = 5_000;

    /// <summary>The id of the field, so that a refusal leads to it.</summary>
    public const string ReasonField = "override-reason";

    public static string PathOf(RequestId id) => $"/requests/{id}/break-glass";

    public static async Task<IResult> Run(
        string id,
        HttpContext http,
        CurrentCaller caller,
        OverridePolicy overridePolicy,
        RequestPageLoader loader,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (reason, digest, t) = (
            form["reason"].ToString().ReplaceLineEndings("\n").Trim(),
            form["digest"].ToString(),
            http.Strings()
        );
        var mistakes = new BodyErrors();
        mistakes.MultiLine("reason", reason, MaxReason, required: true);
        return mistakes.Any
            ? await TooShort()
            : await overridePolicy.Run(requestId, caller.Viewer, reason, digest, cancel) switch
            {
                OverrideOutcome.Approved => Results.Redirect($"{http.Request.PathBase}/requests/{id}"),
                OverrideOutcome.AlreadySettled { Request: var request } => await Back(
                    StatusCodes.Status409Conflict,
                    model => (model.Refused, model.Note) = (new Refusal(t.Closed(request)), reason)
                ),
                OverrideOutcome.Changed => await Back(
                    StatusCodes.Status409Conflict,
                    model =>
                        (model.Refused, model.HasChanged, model.Note) = (
                            new Refusal(t["request.refused.changed"]),
                            true,
                            reason
                        )
                ),
                OverrideOutcome.BeingConfirmed => await Back(
                    StatusCodes.Status409Conflict,
                    model => (model.Refused, model.Note) = (new Refusal(t["request.override.confirming"]), reason)
                ),
                OverrideOutcome.ReasonTooShort => await TooShort(),
                OverrideOutcome.Forbidden => await Back(
                    StatusCodes.Status403Forbidden,
                    model => (model.Refused, model.Note) = (new Refusal(t["request.override.forbidden"]), reason)
                ),
                OverrideOutcome.NotAllowed or OverrideOutcome.NotFound => NotFoundPage.Page(http),
                _ => throw new UnreachableException(),
            };

        Task<IResult> TooShort() =>
            Back(
                StatusCodes.Status422UnprocessableEntity,
                model =>
                    (model.ShortReason, model.Refused) = (
                        reason,
                        new Refusal(t["request.override.short", OverridePolicy.ShortestReason], ReasonField)
                    )
            );

        // As it is now, with why it was refused and with what was typed.
        async Task<IResult> Back(int status, Action<RequestPageModel> because)
        {
            if (await loader.Find(requestId, caller, digest, cancel) is not { } model)
                return NotFoundPage.Page(http);
            because(model);
            return await RequestPage.Of(http, model, status);
        }
    }
}
