using Countersign.Hosting;

namespace Countersign.SignIn;

/// <summary>
/// How a browser carries its session: a secret that no script reads and that no other site's form sends along. Over TLS
/// its name begins with a prefix, so that browsers take it from this host alone; only that name is read there.
/// </summary>
public static class SessionCookie
{
    public const string Name = "countersign_session";

    public static string? Of(HttpContext http) =>
        http.Request.Cookies.Count > 0 && http.Request.Cookies[NameFor(http)] is { Length: > 0 } secret ? secret : null;

    public static void Set(HttpContext http, NewSession session)
    {
        var longest = http.RequestServices.GetRequiredService<BrowserSessionOptions>().Longest;
        http.Response.Cookies.Append(NameFor(http), session.Secret, Options(http, longest));
    }

    public static void Clear(HttpContext http) => http.Response.Cookies.Delete(NameFor(http), Options(http, null));

    public static bool IsSecure(HttpContext http) =>
        http.Request.IsHttps || Server(http).PublicUrl?.Scheme == Uri.UriSchemeHttps;

    /// <summary>
    /// Browsers take <c>__Host-</c> only for the whole host and <c>__Secure-</c> for a part of it, and both only over
    /// TLS.
    /// </summary>
    public static string Prefixed(string name, bool isSecure, string pathBase) =>
        !isSecure ? name : (pathBase.Length == 0 ? "__Host-" : "__Secure-") + name;

    private static string NameFor(HttpContext http) =>
        http.Request.IsHttps ? Prefixed(Name, isSecure: true, Server(http).PathBase) : Name;

    private static ServerOptions Server(HttpContext http) => http.RequestServices.GetRequiredService<ServerOptions>();

    private static CookieOptions Options(HttpContext http, TimeSpan? lasts) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = IsSecure(http),
            Path = Server(http).PathBase is { Length: > 0 } path ? path : "/",
            IsEssential = true,
            MaxAge = lasts,
        };
}

/// <summary>The cookie of antiforgery, whose name follows the scheme of the call as the session's does.</summary>
internal sealed class AntiforgeryCookie(IHttpContextAccessor current, string pathBase) : CookieBuilder
{
    private const string Plain = "countersign_antiforgery";

    public override string? Name
    {
        get => SessionCookie.Prefixed(Plain, current.HttpContext?.Request.IsHttps == true, pathBase);
        set => throw new NotSupportedException("The name follows the scheme of the call.");
    }
}
