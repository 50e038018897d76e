using Countersign.Hosting;

namespace Countersign.SignIn;

/// <summary>
/// What changes something comes from a page of ours or from no browser at all: an unsafe call is refused when the
/// browser says that another site sent it. Scripts send neither header, and are known by their credential alone.
/// </summary>
internal sealed class SameOrigin(RequestDelegate next, ServerOptions server)
{
    public const string Rule = "cross_site";

    private readonly string? _public = server.PublicUrl?.GetLeftPart(UriPartial.Authority);

    public Task Invoke(HttpContext http) =>
        IsSafe(http.Request.Method) || IsFromHere(http.Request) ? next(http) : Refuse(http);

    private static bool IsSafe(string method) =>
        HttpMethods.IsGet(method)
        || HttpMethods.IsHead(method)
        || HttpMethods.IsOptions(method)
        || HttpMethods.IsTrace(method);

    private bool IsFromHere(HttpRequest request)
    {
        // A site that shares our domain is another site too.
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site)
            return site.ToString() is "same-origin" or "none";
        // Browsers of old, and all where there is no TLS.
        if (request.Headers.Origin is not { Count: > 0 } origins)
            return true;
        var origin = origins.ToString();
        return origin.Equals($"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase)
            // A proxy need not pass on under which name it was called.
            || origin.Equals(_public, StringComparison.OrdinalIgnoreCase);
    }

    private static Task Refuse(HttpContext http)
    {
        RefusalLog.Note(http, Rule);
        return ErrorFormat
            .Of(http)
            .Refuse(
                http,
                StatusCodes.Status403Forbidden,
                Rule,
                "This was sent from a page of another site, so nothing was changed."
            );
    }
}
