using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Countersign.SignIn;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.Layout;

/// <summary>
/// What the page after a form shows a single time, such as a new key or the result of a test. Between the form's
/// redirect and that page it waits sealed in the browser, in a cookie: any node can show it, and reloading the page
/// neither shows it again nor sends the form again.
/// </summary>
internal static class ShownOnce
{
    private const string Cookie = "countersign_once",
        Purpose = "shown once";

    /// <summary>Browsers take no cookie beyond 4096 bytes with its name and options.</summary>
    private const int MaxCookie = 3_800;
    private static readonly TimeSpan Lasts = TimeSpan.FromMinutes(5);

    /// <summary>False when the text is too long; then nothing is kept.</summary>
    /// <param name="path">The page that shows it, below the path base.</param>
    public static bool Leave(HttpContext http, string path, string text)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Optimal))
        {
            brotli.Write(
                Encoding.UTF8.GetBytes(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Now(http).ToUnixTimeSeconds()}\n{PersonOf(http)}\n{path}\n{text}"
                    )
                )
            );
        }
        var value = WebEncoders.Base64UrlEncode(Seal(http).Protect(packed.ToArray()));
        if (value.Length > MaxCookie)
            return false;
        http.Response.Cookies.Append(NameFor(http), value, Options(http, path, Lasts));
        return true;
    }

    /// <summary>What waits for this page and this person, if anything does; it is gone afterwards.</summary>
    public static string? Take(HttpContext http, string path)
    {
        if (
            !HttpMethods.IsGet(http.Request.Method)
            || http.Request.Cookies[NameFor(http)] is not { Length: > 0 and <= MaxCookie } value
        )
        {
            return null;
        }
        string? text = null;
        try
        {
            using var brotli = new BrotliStream(
                new MemoryStream(Seal(http).Unprotect(WebEncoders.Base64UrlDecode(value))),
                CompressionMode.Decompress
            );
            using var reader = new StreamReader(brotli);
            var at = long.Parse(reader.ReadLine() ?? "", CultureInfo.InvariantCulture);
            var person = reader.ReadLine();
            // What another page is to show waits for that page.
            if (reader.ReadLine() != path)
                return null;
            if (person == PersonOf(http) && Now(http) - DateTimeOffset.FromUnixTimeSeconds(at) < Lasts)
                text = reader.ReadToEnd();
        }
        catch (Exception notOurs) when (notOurs is FormatException or CryptographicException) { }
        http.Response.Cookies.Delete(NameFor(http), Options(http, path, null));
        return text;
    }

    private static string FirstSegmentOf(string path) => path.IndexOf('/', 1) is > 0 and var end ? path[..end] : path;

    private static DateTimeOffset Now(HttpContext http) =>
        http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();

    private static string PersonOf(HttpContext http) =>
        (http.FindCaller()?.Person?.Id ?? 0).ToString(CultureInfo.InvariantCulture);

    private static IDataProtector Seal(HttpContext http) => http.RequestServices.GetDataProtector(Purpose);

    private static string NameFor(HttpContext http) => http.Request.IsHttps ? "__Secure-" + Cookie : Cookie;

    private static CookieOptions Options(HttpContext http, string path, TimeSpan? lasts) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = SessionCookie.IsSecure(http),
            // The form's own page is below it too: not every client takes a cookie for another place.
            Path = http.Request.PathBase + FirstSegmentOf(path),
            IsEssential = true,
            MaxAge = lasts,
        };
}
