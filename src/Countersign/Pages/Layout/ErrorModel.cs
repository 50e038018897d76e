namespace Countersign.Pages.Layout;

/// <summary>Why there is no page to show.</summary>
public sealed record ErrorModel(string Text)
{
    public static PageResult Page(HttpContext http, int status, string text) =>
        new(http.Strings()[TitleOf(status)], ErrorPage.Create(new ErrorModel(text))) { Status = status };

    private static string TitleOf(int status) =>
        status switch
        {
            StatusCodes.Status404NotFound => "error.notFound.title",
            StatusCodes.Status429TooManyRequests => "error.tooMany.title",
            StatusCodes.Status503ServiceUnavailable => "error.unavailable.title",
            >= StatusCodes.Status500InternalServerError => "error.fault.title",
            _ => "error.refused.title",
        };
}
