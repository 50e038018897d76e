using System.Globalization;
using System.Threading.RateLimiting;
using Countersign.Hosting;
using Microsoft.AspNetCore.RateLimiting;

namespace Countersign.SignIn;

/// <summary>
/// How many calls a minute each key may make, and each address without a key that is good. Minutes are those of the
/// clock: the number is exact within each, and <c>Retry-After</c> says when the next begins.
/// </summary>
public sealed class RateLimits : IDisposable
{
    private readonly TimeProvider _time;
    private readonly PartitionedRateLimiter<HttpContext>? _limiter;

    public RateLimits(RateLimitOptions options, TimeProvider time)
    {
        (_time, Limit) = (time, options.PerKeyPerMinute == 0 ? null : options.PerKeyPerMinute);
        if (Limit is { } limit)
        {
            _limiter = PartitionedRateLimiter.Create<HttpContext, (string Caller, long Minute)>(http =>
                RateLimitPartition.GetFixedWindowLimiter(
                    (CallerOf(http), Minute),
                    // The minute is part of the partition, so its window ends with it and is never filled again.
                    _ => new FixedWindowRateLimiterOptions { PermitLimit = limit, Window = TimeSpan.FromMinutes(2) }
                )
            );
        }
    }

    /// <summary>Calls per minute, or null when they are not counted.</summary>
    public int? Limit { get; }

    /// <summary>Until the next minute begins, in whole seconds.</summary>
    public int SecondsToReset => 60 - (int)(_time.GetUtcNow().ToUnixTimeSeconds() % 60);

    private long Minute => _time.GetUtcNow().ToUnixTimeSeconds() / 60;

    /// <summary>How many more calls this caller may make in this minute; null when they are not counted.</summary>
    public long? Left(HttpContext http) => _limiter?.GetStatistics(http)?.CurrentAvailablePermits;

    public void Configure(RateLimiterOptions options)
    {
        options.GlobalLimiter = _limiter;
        options.OnRejected = (rejected, _) =>
        {
            RefusalLog.Note(rejected.HttpContext, RefusalLog.RateLimit);
            return new ValueTask(
                Refuse(
                    rejected.HttpContext,
                    TimeSpan.FromSeconds(SecondsToReset),
                    "Too many calls in this minute. Try again after the time in Retry-After."
                )
            );
        };
    }

    /// <summary>429 in the words of the door, with when to come back.</summary>
    public static Task Refuse(HttpContext http, TimeSpan wait, string why)
    {
        SetRetryAfter(http, wait);
        return ErrorFormat.Of(http).Refuse(http, StatusCodes.Status429TooManyRequests, "rate_limited", why);
    }

    public static void SetRetryAfter(HttpContext http, TimeSpan wait) =>
        http.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds))
            .ToString(CultureInfo.InvariantCulture);

    public void Dispose() => _limiter?.Dispose();

    private static string CallerOf(HttpContext http) =>
        http.FindCaller()?.Key ?? $"address:{NetworkAddress.Of(http.Connection.RemoteIpAddress)}";
}
