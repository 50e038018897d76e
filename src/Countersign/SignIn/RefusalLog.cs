using System.Diagnostics.Metrics;

namespace Countersign.SignIn;

/// <summary>
/// Counts the calls that were refused for who called, for what they may not, or because there were too many, by
/// reason. What a known caller may not also leaves a line in the log. Neither holds anything that the caller chose.
/// </summary>
internal sealed partial class RefusalLog(RequestDelegate next, ILogger<RefusalLog> log)
{
    public const string MeterName = "Countersign.Web";

    /// <summary>More calls in this minute than a key or an address may make.</summary>
    public const string RateLimit = "rate_limit";

    public const string NoCredentials = "no_credentials",
        SessionEnded = "session_ended";

    private const string NoRule = "not_allowed",
        WrongCredentials = "wrong_credentials",
        TooManyAttempts = "too_many_attempts";

    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Count = Meter.CreateCounter<long>(
        "countersign.refusals",
        description: "Calls refused for their credentials, missing permissions or rate, by rule and status"
    );

    /// <summary>
    /// The rule by which this call is refused; also where the answer does not say so, because it says "not found".
    /// </summary>
    public static void Note(HttpContext http, string rule) => http.Features.Set(new ByRule(rule));

    public async Task Invoke(HttpContext http)
    {
        await next(http);
        var status = http.Response.StatusCode;
        var rule = http.Features.Get<ByRule>()?.Rule ?? RuleOf(status);
        if (rule is null)
            return;
        Count.Add(1, new("rule", rule), new("status", status));
        // FailedSignIns tells of the others.
        if (status is StatusCodes.Status401Unauthorized or StatusCodes.Status429TooManyRequests)
            return;
        if (log.IsEnabled(LogLevel.Information))
        {
            var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";
            var (caller, method) = (CallerOf(http), http.Request.Method);
            Log.Refused(log, caller, method, route, rule);
        }
    }

    private static string? RuleOf(int status) =>
        status switch
        {
            StatusCodes.Status403Forbidden => NoRule,
            StatusCodes.Status429TooManyRequests => TooManyAttempts,
            StatusCodes.Status401Unauthorized => WrongCredentials,
            _ => null,
        };

    private static string CallerOf(HttpContext http) =>
        http.FindCaller() is { } caller ? $"{caller.Viewer.Origin.Actor} ({caller.Key})" : "(no one)";

    private sealed record ByRule(string Rule);

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "Refused: {Caller} may not {Method} {Route}, by rule {Rule}"
        )]
        public static partial void Refused(ILogger log, string caller, string method, string route, string rule);
    }
}
