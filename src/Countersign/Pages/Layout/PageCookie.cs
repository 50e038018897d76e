using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Countersign.SignIn;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.Layout;

/// <summary>A cookie that one page, or a few, need for a while.</summary>
internal static class PageCookie
{
    public static string NameFor(HttpContext http, string cookie) =>
        http.Request.IsHttps ? "__Secure-" + cookie : cookie;

    /// <param name="path">Below the path base: what is sent the cookie.</param>
    /// <param name="lasts">Null: to remove it.</param>
    public static CookieOptions Options(HttpContext http, string path, TimeSpan? lasts) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = SessionCookie.IsSecure(http),
            Path = http.Request.PathBase + path,
            IsEssential = true,
            MaxAge = lasts,
        };
}

/// <summary>A text that waits in the browser, which can neither read it nor change it.</summary>
internal sealed class SealedCookie(string name, string purpose, TimeSpan lasts)
{
    /// <summary>Browsers take no cookie beyond 4096 bytes with its name and options.</summary>
    private const int MaxLength = 3_800;

    /// <summary>False when the text is too long; then nothing is kept.</summary>
    public bool Leave(HttpContext http, string path, string text)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Optimal))
            brotli.Write(Encoding.UTF8.GetBytes(text));
        var value = WebEncoders.Base64UrlEncode(Seal(http).Protect(packed.ToArray()));
        if (value.Length > MaxLength)
            return false;
        http.Response.Cookies.Append(PageCookie.NameFor(http, name), value, PageCookie.Options(http, path, lasts));
        return true;
    }

    public bool IsThere(HttpContext http) => Value(http) is not null;

    /// <summary>Null if there is no such cookie, or if we did not seal it.</summary>
    public string? Read(HttpContext http)
    {
        if (Value(http) is not { } value)
            return null;
        try
        {
            using var brotli = new BrotliStream(
                new MemoryStream(Seal(http).Unprotect(WebEncoders.Base64UrlDecode(value))),
                CompressionMode.Decompress
            );
            using var reader = new StreamReader(brotli);
            return reader.ReadToEnd();
        }
        catch (Exception notOurs) when (notOurs is FormatException or CryptographicException)
        {
            return null;
        }
    }

    public void Remove(HttpContext http, string path) =>
        http.Response.Cookies.Delete(PageCookie.NameFor(http, name), PageCookie.Options(http, path, null));

    private string? Value(HttpContext http) =>
        http.Request.Cookies[PageCookie.NameFor(http, name)] is { Length: > 0 and <= MaxLength } value ? value : null;

    private IDataProtector Seal(HttpContext http) => http.RequestServices.GetDataProtector(purpose);
}
