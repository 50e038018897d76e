using System.Globalization;
using Countersign.SignIn;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// What stands around every call at this door, before the routing: the suffix, the dialect, the headers that clients
/// count by.
/// </summary>
public sealed class ZendeskConventions(RequestDelegate next, RateLimits limits)
{
    private const string Suffix = ".json";

    /// <summary>Told to clients where nothing counts their calls; they read a missing header as "none left".</summary>
    private const long Uncounted = 100_000;

    public Task Invoke(HttpContext http)
    {
        if (http.Request.Path.Value is { } path && path.EndsWith(Suffix, StringComparison.Ordinal))
        {
            http.Features.Set(new AskedWithSuffix());
            http.Request.Path = path[..^Suffix.Length];
        }
        http.Response.OnStarting(() =>
        {
            CountOn(http);
            return Task.CompletedTask;
        });
        return next(http);
    }

    /// <summary>The address that the caller used, as the links of a list must begin with it.</summary>
    public static string AddressOf(HttpRequest request) =>
        $"{request.Scheme}://{request.Host}{request.PathBase}{request.Path}"
        + (request.HttpContext.Features.Get<AskedWithSuffix>() is null ? "" : Suffix);

    /// <summary>Under which addresses of records begin.</summary>
    public static string RootOf(HttpRequest request) =>
        $"{request.Scheme}://{request.Host}{request.PathBase}{ZendeskEndpoints.Root}";

    /// <summary>
    /// A path that is not served, or not with this method, is said to be none before anybody is asked who they are.
    /// </summary>
    public static Task OnlyServed(HttpContext http, RequestDelegate next) =>
        http.GetEndpoint() is RouteEndpoint
            ? next(http)
            : ZendeskEndpoints.Door.ErrorFormatOf(http).Refuse(http, StatusCodes.Status404NotFound, "not_found", "");

    private void CountOn(HttpContext http)
    {
        var limit = limits.Limit ?? Uncounted;
        var left = http.Response.StatusCode == StatusCodes.Status429TooManyRequests ? 0 : limits.Left(http) ?? limit;
        var reset = limits.Limit is null ? 0 : limits.SecondsToReset;
        var headers = http.Response.Headers;
        headers["X-Rate-Limit"] = headers["ratelimit-limit"] = limit.ToString(CultureInfo.InvariantCulture);
        headers["X-Rate-Limit-Remaining"] = headers["ratelimit-remaining"] = left.ToString(
            CultureInfo.InvariantCulture
        );
        headers["ratelimit-reset"] = reset.ToString(CultureInfo.InvariantCulture);
    }

    private sealed class AskedWithSuffix;
}
