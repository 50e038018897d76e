using System.Diagnostics.Metrics;

namespace Countersign.SignIn;

/// <summary>
/// Tells of calls by known callers that were refused for what they may not: a line in the log and a count, with the
/// rule where one was named. Neither holds anything that the caller chose.
/// </summary>
internal sealed partial class RefusalLog(RequestDelegate next, ILogger<RefusalLog> log)
{
    public const string MeterName = "Countersign.Web";

    private const string NoRule = "not_allowed";
    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Count = Meter.CreateCounter<long>(
        "countersign.refusals",
        description: "Calls refused because of missing permissions, by rule"
    );

    /// <summary>
    /// The rule by which this call is refused; also where the answer does not say so, because it says "not found".
    /// </summary>
    public static void Note(HttpContext http, string rule) => http.Features.Set(new ByRule(rule));

    public async Task Invoke(HttpContext http)
    {
        await next(http);
        var rule =
            http.Features.Get<ByRule>()?.Rule
            ?? (http.Response.StatusCode == StatusCodes.Status403Forbidden ? NoRule : null);
        if (rule is null)
            return;
        Count.Add(1, new KeyValuePair<string, object?>("rule", rule));
        if (log.IsEnabled(LogLevel.Information))
        {
            var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";
            var (caller, method) = (CallerOf(http), http.Request.Method);
            Log.Refused(log, caller, method, route, rule);
        }
    }

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
