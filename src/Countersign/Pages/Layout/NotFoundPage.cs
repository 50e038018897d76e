namespace Countersign.Pages.Layout;

/// <summary>What is not there and what is not the reader's to see look the same.</summary>
internal static class NotFoundPage
{
    public static PageResult Page(HttpContext http) =>
        ErrorModel.Page(http, StatusCodes.Status404NotFound, http.Strings()["error.notFound"]);
}
