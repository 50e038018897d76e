using System.Globalization;
using Countersign.Hosting;
using Microsoft.AspNetCore.Localization;

namespace Countersign.Pages.Layout;

/// <summary>How pages refuse: as a page, to people who read pages.</summary>
internal sealed class PageErrorFormat : ErrorFormat
{
    public override async Task Refuse(HttpContext http, int status, string code, string detail)
    {
        // Whatever refuses outside of the middleware that finds the reader's language doesn't have it any more.
        CultureInfo.CurrentUICulture =
            http.Features.Get<IRequestCultureFeature>()?.RequestCulture.UICulture
            ?? CultureInfo.GetCultureInfo(Strings.Languages[0]);
        var page =
            status == StatusCodes.Status404NotFound ? NotFoundPage.Page(http) : ErrorModel.Page(http, status, detail);
        await page.ExecuteAsync(http);
    }
}
