using System.IO.Compression;
using System.Text;
using Countersign.Pages.Layout;
using Countersign.SignIn;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/sign-in/kept</c>: shows what somebody had typed before they went to sign in with the identity provider.
/// Meanwhile it waits sealed in their browser, in a cookie that only this page is sent.
/// </summary>
internal static class PendingFormCookie
{
    public const string Path = SignInPage.Path + "/kept";

    private const string Cookie = "countersign_kept",
        Purpose = "kept form";

    private static string NameFor(HttpContext http) => http.Request.IsHttps ? "__Secure-" + Cookie : Cookie;

    /// <summary>Browsers take no cookie beyond 4096 bytes with its name and options.</summary>
    private const int MaxCookie = 3800;
    private static readonly TimeSpan Lasts = TimeSpan.FromMinutes(15);

    /// <summary>Whether it waits now; a text that is too long for a cookie does not.</summary>
    public static bool Leave(HttpContext http, PendingForm kept)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Optimal))
        {
            brotli.Write(
                Encoding.UTF8.GetBytes(
                    QueryHelpers.AddQueryString(
                        "",
                        kept.Fields.Select(field => KeyValuePair.Create(field.Name, (string?)field.Value))
                    )
                )
            );
        }
        var text = WebEncoders.Base64UrlEncode(Seal(http).Protect(packed.ToArray()));
        if (text.Length > MaxCookie)
            return false;
        http.Response.Cookies.Append(NameFor(http), text, Options(http, Lasts));
        return true;
    }

    /// <summary>Nothing is sent before its author presses the button again.</summary>
    public static IResult Show(HttpContext http) =>
        Waiting(http)?.AskAgain(http, StatusCodes.Status200OK)
        ?? (IResult)TypedResults.LocalRedirect($"{http.Request.PathBase}/");

    public static void Forget(HttpContext http) => http.Response.Cookies.Delete(NameFor(http), Options(http, null));

    private static PendingForm? Waiting(HttpContext http)
    {
        if (http.Request.Cookies[NameFor(http)] is not { Length: > 0 and <= MaxCookie } text)
            return null;
        try
        {
            using var brotli = new BrotliStream(
                new MemoryStream(Seal(http).Unprotect(WebEncoders.Base64UrlDecode(text))),
                CompressionMode.Decompress
            );
            using var reader = new StreamReader(brotli);
            return PendingForm.Carried(new FormCollection(QueryHelpers.ParseQuery(reader.ReadToEnd())));
        }
        catch (Exception notOurs)
            when (notOurs is FormatException or System.Security.Cryptography.CryptographicException)
        {
            return null;
        }
    }

    private static IDataProtector Seal(HttpContext http) => http.RequestServices.GetDataProtector(Purpose);

    private static CookieOptions Options(HttpContext http, TimeSpan? lasts) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = SessionCookie.IsSecure(http),
            Path = http.Request.PathBase + Path,
            IsEssential = true,
            MaxAge = lasts,
        };
}
