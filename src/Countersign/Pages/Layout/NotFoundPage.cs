namespace Countersign.Pages.Layout;

/// <summary>What is not there and what is not the reader's to see look the same.</summary>
internal static class NotFoundPage
{
    public static PageResponse Page(HttpContext http) =>
        new(
            Texts.For(http).RefusalTitle(StatusCodes.Status404NotFound),
            html => html.Add($"<p>{html.Says.NotFound}</p><p><a href=\"{html.Base}/\">{html.Says.BackToInbox}</a></p>")
        )
        {
            Status = StatusCodes.Status404NotFound,
        };
}
