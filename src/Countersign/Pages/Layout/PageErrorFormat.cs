using Countersign.Hosting;

namespace Countersign.Pages.Layout;

/// <summary>How pages say no: as a page, to whoever reads pages.</summary>
internal sealed class PageErrorFormat : ErrorFormat
{
    public override Task Refuse(HttpContext http, int status, string code, string detail) =>
        new PageResponse(
            Texts.For(http).RefusalTitle(status),
            html =>
                html.Add(
                    $"<p>{html.Says.Refusal(status, detail)}</p><p><a href=\"{html.Base}/\">{html.Says.BackToInbox}</a></p>"
                )
        )
        {
            Status = status,
        }.ExecuteAsync(http);
}
