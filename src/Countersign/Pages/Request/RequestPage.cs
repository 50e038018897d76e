using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary><c>GET /requests/{id}</c>: ten seconds between two other things. It shows and never decides.</summary>
internal static class RequestPage
{
    /// <param name="seen">The digest of the content that was read before: what has changed since stands open.</param>
    public static async Task<IResult> Show(
        string id,
        string? seen,
        HttpContext http,
        CurrentCaller caller,
        RequestPageLoader loader,
        CancellationToken cancel
    )
    {
        if (
            !RequestId.TryParse(id, out var requestId)
            || await loader.Find(requestId, caller, seen, cancel) is not { } model
        )
        {
            return NotFoundPage.Page(http);
        }
        model.HasChanged = seen is not null && seen != model.Request.AnswerDigest;
        return await Of(http, model, StatusCodes.Status200OK);
    }

    public static async Task<IResult> Of(HttpContext http, RequestPageModel model, int status)
    {
        if (!model.MayDecide || model.Mine is not null)
            model.Next = await PendingCount.NextAfter(http, model.Request.Id);
        return new PageResult(
            new PageFrame(HeadlineModel.Of(model.Summary, http.Strings()).Text)
            {
                Section = "/",
                HasOwnHeading = true,
                Live = model.Request.Id.Value,
            },
            RequestSlice.Create(model)
        )
        {
            Status = status,
        };
    }
}
