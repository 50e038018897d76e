using System.Diagnostics;
using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary>
/// Who was matched as the requester, how sure that is, what it costs, and the button of the person who is named.
/// </summary>
internal static class RequesterSection
{
    public static string PathOf(RequestId id) => $"/requests/{id}/not-me";

    /// <summary>
    /// For the person in whose name it was opened, and for everyone after they have said that it was not they.
    /// </summary>
    public static void WriteNotices(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        if (request.IsInNameOf(sight.Me))
        {
            html.Notice(
                Tone.Careful,
                h =>
                    h.Add(
                            $"<p><strong>{says.OpenedInYourName}</strong> {says.OpenedInYourNameWhy(sight.Source?.Name)}</p>"
                        )
                        .Confirm(says.NotMe, says.NotMeAsk(request), PathOf(request.Id), says.NotMe)
            );
        }
        if (request.Claim is { Disowned.Count: > 0 } claim)
        {
            html.Notice(
                Tone.Bad,
                h => h.Add($"<p>{says.DisownedBy([.. claim.Disowned.Select(sight.NameOf).OfType<string>()])}</p>")
            );
        }
    }

    /// <summary>Beside the requester's name.</summary>
    public static void WriteStanding(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        html.Text(request.RequesterName);
        var matches = (request.Claim?.People ?? []).Select(sight.NameOf).OfType<string>().ToList();
        html.Add(
            $"<br><span class=\"small soft\">{says.RequesterStanding(request, matches)} {says.RequesterCosts(request)}</span>"
        );
    }

    public static async Task<IResult> Run(
        string id,
        HttpContext http,
        CurrentCaller caller,
        Disown disown,
        CancellationToken cancel
    )
    {
        if (!RequestId.TryParse(id, out var requestId))
            return NotFoundPage.Page(http);
        return await disown.Run(requestId, caller.Viewer, cancel) switch
        {
            DisownOutcome.Disowned => Results.Redirect($"{http.Request.PathBase}/requests/{id}"),
            DisownOutcome.NotInYourName or DisownOutcome.NotFound => NotFoundPage.Page(http),
            _ => throw new UnreachableException(),
        };
    }
}
