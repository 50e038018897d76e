using Countersign.Access;
using Countersign.Web;

namespace Countersign.Review;

/// <summary>
/// Says on every page who is signed in: <c>http.Features.Get&lt;Caller&gt;()</c>, and for antiforgery <c>http.User</c>.
/// It lets everybody pass; what a stranger may see is for the page to say.
/// </summary>
public sealed class SessionReader(RequestDelegate next, Callers callers)
{
    public const string Via = "page";

    public static bool IsPage(PathString path) =>
        !path.StartsWithSegments("/api") && !path.StartsWithSegments("/health") && !path.StartsWithSegments("/openapi") && !path.StartsWithSegments("/docs");

    public async Task Invoke(HttpContext http)
    {
        if (SessionCookie.Of(http) is { } secret
            && await callers.FindBySession(secret, Via, http.Connection.RemoteIpAddress?.ToString() ?? "", http.RequestAborted) is { Person: { } person } caller)
        {
            http.Features.Set(caller);
            http.User = SessionCookie.PrincipalOf(person);
        }
        await next(http);
    }
}
