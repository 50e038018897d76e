using Countersign.Storage;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Countersign.Hosting;

/// <summary>
/// Refusals and faults as problem details (RFC 9457). <c>code</c> is stable and for programs; <c>detail</c> is for
/// people and says what to do. Nothing here reveals what the caller may not see.
/// </summary>
public static class Problems
{
    public static ProblemHttpResult Of(
        int status,
        string code,
        string detail,
        IDictionary<string, string[]>? errors = null,
        string? rule = null,
        object? request = null
    )
    {
        var extensions = new Dictionary<string, object?> { ["code"] = code };
        if (rule is not null)
            extensions["rule"] = rule;
        if (errors is not null)
            extensions["errors"] = errors;
        if (request is not null)
            extensions["request"] = request;
        return TypedResults.Problem(detail, statusCode: status, title: Title(status), extensions: extensions);
    }

    public static ProblemHttpResult Malformed(string detail) => Of(StatusCodes.Status400BadRequest, "invalid", detail);

    public static ProblemHttpResult Invalid(IDictionary<string, string[]> errors) =>
        Of(
            StatusCodes.Status422UnprocessableEntity,
            "invalid",
            string.Join(" ", errors.SelectMany(e => e.Value.Select(why => $"{e.Key}: {why}"))),
            errors
        );

    public static ProblemHttpResult Invalid(string field, string why) =>
        Invalid(new Dictionary<string, string[]> { [field] = [why] });

    public static ProblemHttpResult NotFound(string what = "This doesn't exist, or you don't have access.") =>
        Of(StatusCodes.Status404NotFound, "not_found", what);

    public static ProblemHttpResult NotAllowed(string rule, string why) =>
        Of(StatusCodes.Status403Forbidden, "not_allowed", why, rule: rule);

    /// <summary>A body for answers that would have none: unknown paths, wrong methods.</summary>
    public static Task WriteBare(StatusCodeContext context)
    {
        var status = context.HttpContext.Response.StatusCode;
        var (code, detail) = status switch
        {
            404 => ("not_found", "This address doesn't exist."),
            405 => ("method_not_allowed", $"This address doesn't support {context.HttpContext.Request.Method}."),
            413 => ("too_large", "The body is too large."),
            415 => ("unsupported_media_type", "Send JSON, with Content-Type: application/json."),
            _ => ("invalid", "The request couldn't be read."),
        };
        return ErrorFormat.Of(context.HttpContext).Refuse(context.HttpContext, status, code, detail);
    }

    internal static string Title(int status) =>
        status switch
        {
            400 => "The request can't be read",
            401 => "Not authenticated",
            403 => "Not allowed",
            404 => "Not found",
            405 => "Method not allowed",
            409 => "Conflict",
            413 => "Too large",
            415 => "Not JSON",
            422 => "The request is invalid",
            429 => "Too many requests",
            503 => "Unavailable",
            _ => "Something went wrong",
        };
}

/// <summary>
/// Faults become answers in one place: a store that cannot serve is 503 with its reason, everything else 500 without.
/// </summary>
public sealed partial class FaultAnswer(ILogger<FaultAnswer> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(
        HttpContext httpContext,
        Exception exception,
        CancellationToken cancellationToken
    )
    {
        var dialect = ErrorFormat.Of(httpContext);
        switch (exception)
        {
            case OperationCanceledException when httpContext.RequestAborted.IsCancellationRequested:
                // Whoever asked has gone.
                httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
                return true;
            case StoreUnavailable unavailable:
                Log.Unavailable(log, unavailable.Message);
                httpContext.Response.Headers.RetryAfter = "2";
                await dialect.Refuse(
                    httpContext,
                    StatusCodes.Status503ServiceUnavailable,
                    "unavailable",
                    unavailable.Message
                );
                return true;
            case BadHttpRequestException { StatusCode: var status }:
                await dialect.Refuse(
                    httpContext,
                    status,
                    status == 413 ? "too_large" : "invalid",
                    status == 413 ? "The body is too large." : "The request couldn't be read."
                );
                return true;
            // The framework says so of a null character, or of too long a name; nothing else reads forms.
            case InvalidDataException
                when httpContext.Request.HasFormContentType
                    && httpContext.Features.Get<IFormFeature>() is not { Form: not null }:
                await dialect.Refuse(
                    httpContext,
                    StatusCodes.Status400BadRequest,
                    "invalid",
                    "The request couldn't be read."
                );
                return true;
            default:
                Log.Fault(log, exception);
                await dialect.Refuse(
                    httpContext,
                    StatusCodes.Status500InternalServerError,
                    "internal",
                    "This is an error in Countersign. Find the details in its log by the trace ID."
                );
                return true;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Answered 503: {Reason}")]
        public static partial void Unavailable(ILogger log, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Answered 500")]
        public static partial void Fault(ILogger log, Exception exception);
    }
}
