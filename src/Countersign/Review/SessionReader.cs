using Countersign.Access;
using Countersign.Audit;
using Countersign.Review.Frame;
using Countersign.Web;

namespace Countersign.Review;

/// <summary>
/// Says on every page who is signed in: <c>http.Features.Get&lt;Caller&gt;()</c>, and for antiforgery <c>http.User</c>.
/// A token opens pages as it opens the API, for people on a command line. Everyone passes; what a stranger may see is for
/// the page to say.
/// </summary>
public sealed class SessionReader(RequestDelegate next, Callers callers, FailedSignIns failures)
{
    public const string Via = "page";

    public static bool IsPage(PathString path) =>
        !path.StartsWithSegments("/api") && !path.StartsWithSegments("/health") && !path.StartsWithSegments("/openapi") && !path.StartsWithSegments("/docs");

    public async Task Invoke(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        if (SessionCookie.Of(http) is { } secret
            && await callers.FindBySession(secret, Via, address, http.RequestAborted) is { Person: { } person } caller)
        {
            http.Features.Set(caller);
            http.User = SessionCookie.PrincipalOf(person);
        }
        else if (http.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization && http.GetEndpoint()?.Metadata.GetMetadata<OnlySignedIn>() is not null)
        {
            var (byToken, wait) = await callers.Find(authorization, Via, address, http.RequestAborted);
            if (byToken?.Person is not null)
            {
                http.Features.Set(byToken);
            }
            else
            {
                failures.Note(Callers.AccountOf(authorization), address, Via);
                if (wait > TimeSpan.Zero)
                {
                    await RateLimits.Refuse(http, wait, "Too many wrong credentials from this address. Retry-After says when to go on.");
                    return;
                }
            }
        }
        await next(http);
    }
}
