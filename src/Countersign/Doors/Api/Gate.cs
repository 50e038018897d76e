using System.Globalization;
using System.Reflection;
using System.Threading.RateLimiting;
using Countersign.Access;
using Countersign.Audit;
using Countersign.Web;

namespace Countersign.Doors.Api;

/// <summary>
/// Stands before every path of the API: knows the caller or answers 401, the same for every credential that is not good,
/// and slows down a key that asks too often.
/// </summary>
public sealed class Gate(RequestDelegate next, Callers callers, FailedSignIns failures, Settings settings)
{
    public const string Via = "api";

    private readonly PartitionedRateLimiter<string>? _limiter = settings.RateLimitPerKeyPerMinute == 0 ? null : PartitionedRateLimiter.Create<string, string>(
        key => RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = settings.RateLimitPerKeyPerMinute,
            TokensPerPeriod = Math.Max(1, settings.RateLimitPerKeyPerMinute / 60),
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        }));

    public async Task Invoke(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        var authorization = http.Request.Headers.Authorization.ToString();
        var caller = authorization.Length == 0 ? null : await callers.Find(authorization, Via, address, http.RequestAborted);
        if (caller is null)
        {
            if (authorization.Length > 0)
                failures.Note(Callers.AccountOf(authorization), address, Via);
            http.Response.Headers.WWWAuthenticate = "Basic realm=\"Countersign\", Bearer";
            await Problems.Of(StatusCodes.Status401Unauthorized, "unauthenticated",
                "Send a source's key as Bearer, or a person's token as Basic with the name EMAIL/token.").ExecuteAsync(http);
            return;
        }
        using var lease = _limiter?.AttemptAcquire(caller.Key);
        if (lease is { IsAcquired: false })
        {
            var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
            http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await Problems.Of(StatusCodes.Status429TooManyRequests, "rate_limited", "This key asks too often. Retry-After says when to go on.").ExecuteAsync(http);
            return;
        }
        http.Features.Set(caller);
        await next(http);
    }
}

/// <summary>The caller, as a parameter of handlers behind the gate.</summary>
public sealed record Asking(Caller Caller)
{
    public Requests.Viewer Viewer => Caller.Viewer;

    public static ValueTask<Asking> BindAsync(HttpContext http, ParameterInfo parameter) =>
        ValueTask.FromResult(new Asking(http.Features.Get<Caller>() ?? throw new InvalidOperationException("A path of the API stands outside its gate.")));
}
