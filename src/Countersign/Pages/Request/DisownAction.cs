using System.Diagnostics;
using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary>
/// <c>POST /requests/{id}/not-me</c>: the person who is named as the requester says that it wasn't them.
/// </summary>
internal static class DisownAction
{
    public static string PathOf(RequestId id) => $"/requests/{id}/not-me";

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
