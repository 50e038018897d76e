using Countersign.Hosting;

namespace Countersign.Pages.Layout;

/// <summary>How pages refuse: as a page, to people who read pages.</summary>
internal sealed class PageErrorFormat : ErrorFormat
{
    public override Task Refuse(HttpContext http, int status, string code, string detail) =>
        (
            status == StatusCodes.Status404NotFound ? NotFoundPage.Page(http) : ErrorModel.Page(http, status, detail)
        ).ExecuteAsync(http);
}
