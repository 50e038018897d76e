using System.Security.Claims;
using Countersign.Access;

namespace Countersign.Web;

/// <summary>How a browser carries its session: a secret that no script reads and that no other site's form sends along.</summary>
public static class SessionCookie
{
    public const string Name = "countersign_session";

    public static string? Of(HttpContext http) => http.Request.Cookies[Name] is { Length: > 0 } secret ? secret : null;

    public static void Set(HttpContext http, NewSession session, Settings settings) => http.Response.Cookies.Append(Name, session.Secret, Options(http, settings, settings.Sessions.Longest));

    public static void Clear(HttpContext http, Settings settings) => http.Response.Cookies.Delete(Name, Options(http, settings, null));

    /// <summary>
    /// What antiforgery tokens are tied to: the person rather than the session, so that a form filled in before a session
    /// ended is still good after the same person signed in again.
    /// </summary>
    public static ClaimsPrincipal PrincipalOf(Person person) =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, person.Id.ToString(System.Globalization.CultureInfo.InvariantCulture))], "session"));

    public static bool IsSecure(HttpContext http, Settings settings) => http.Request.IsHttps || settings.PublicUrl?.Scheme == Uri.UriSchemeHttps;

    private static CookieOptions Options(HttpContext http, Settings settings, TimeSpan? lasts) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Lax,
        Secure = IsSecure(http, settings),
        Path = settings.PathBase.Length > 0 ? settings.PathBase : "/",
        IsEssential = true,
        MaxAge = lasts,
    };
}
