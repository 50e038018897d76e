using System.Globalization;
using Countersign.SignIn;

namespace Countersign.Pages.Layout;

/// <summary>
/// What the page after a form shows a single time, such as a new key or the result of a test. Between the form's
/// redirect and that page it waits sealed in the browser, in a cookie: any node can show it, and reloading the page
/// neither shows it again nor sends the form again.
/// </summary>
internal static class ShownOnce
{
    private static readonly TimeSpan Lasts = TimeSpan.FromMinutes(5);
    private static readonly SealedCookie Cookie = new("countersign_once", "shown once", Lasts);

    /// <summary>False when the text is too long; then nothing is kept.</summary>
    /// <param name="path">The page that shows it, below the path base.</param>
    public static bool Leave(HttpContext http, string path, string text) =>
        Cookie.Leave(
            http,
            FirstSegmentOf(path),
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Now(http).ToUnixTimeSeconds()}\n{PersonOf(http)}\n{path}\n{text}"
            )
        );

    /// <summary>What waits for this page and this person, if anything does; it is gone afterwards.</summary>
    public static string? Take(HttpContext http, string path)
    {
        if (!HttpMethods.IsGet(http.Request.Method) || !Cookie.IsThere(http))
            return null;
        string? text = null;
        if (Cookie.Read(http)?.Split('\n', 4) is [var at, var person, var page, var left])
        {
            // What another page is to show waits for that page.
            if (page != path)
                return null;
            var age = Now(http) - DateTimeOffset.FromUnixTimeSeconds(long.Parse(at, CultureInfo.InvariantCulture));
            if (person == PersonOf(http) && age < Lasts)
                text = left;
        }
        Cookie.Remove(http, FirstSegmentOf(path));
        return text;
    }

    /// <summary>The form's own page is below it too: not every client takes a cookie for another place.</summary>
    private static string FirstSegmentOf(string path) => path.IndexOf('/', 1) is > 0 and var end ? path[..end] : path;

    private static DateTimeOffset Now(HttpContext http) =>
        http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();

    private static string PersonOf(HttpContext http) =>
        (http.FindCaller()?.Person?.Id ?? 0).ToString(CultureInfo.InvariantCulture);
}
