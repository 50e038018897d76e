using Countersign.Pages.Layout;
using Countersign.Pages.Request;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages;

/// <summary>
/// <c>GET /approvals?approvalID=…</c>: where LaunchDarkly's button leads. A stranger is asked to sign in, for every id
/// in the same way; whoever is known here goes on to the request that is theirs to see under this id.
/// </summary>
internal static class ApprovalPage
{
    public static async Task<IResult> Show(
        string? approvalID,
        HttpContext http,
        CurrentCaller caller,
        Store store,
        CancellationToken cancel
    )
    {
        var requests =
            approvalID is not null && LaunchDarklyApprovalId.IsOne(approvalID)
                ? await RequestsByExternalId.Find(store, approvalID, caller.Viewer, cancel)
                : [];
        return requests switch
        {
            [] => NotFoundPage.Page(http),
            [var one] => Results.Redirect($"{http.Request.PathBase}/requests/{one.Id}"),
            _ => new PageResult(http.Strings()["request.choose.title"], ApprovalChoiceSlice.Create(requests)),
        };
    }
}
