using System.Text.Json.Serialization;
using Countersign.Hosting;

namespace Countersign.Doors.Zendesk;

public sealed record ErrorText(string Error);

public sealed record ErrorWithDescription(
    string Error,
    string Description,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        IReadOnlyDictionary<string, IReadOnlyList<FieldError>>? Details = null
);

public sealed record FieldError(string Description, string Error);

public sealed record BearerError(string Error, string ErrorDescription);

public sealed record TitledError(string Title, string Message);

public sealed record ErrorWithTitle(TitledError Error);

public sealed record ErrorItem(string Code, string Title)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Detail { get; init; }

    /// <summary><c>{parameter}</c> or <c>{pointer}</c>, as JSON:API has it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Source { get; init; }
}

public sealed record ErrorList(IReadOnlyList<ErrorItem> Errors);

/// <summary>
/// How this door says no: the original has several shapes of error side by side, and each case keeps its own.
/// </summary>
internal static class Refusal
{
    private const string InvalidParameter = "InvalidParameter";
    private const string InvalidAttribute = "InvalidAttribute";

    public static readonly ErrorWithDescription NoSuchEndpoint = new("InvalidEndpoint", "Not found");

    /// <summary>Not there, or not the caller's to see.</summary>
    public static IResult NotFound() =>
        Answer.Of(new ErrorWithDescription("RecordNotFound", "Not found"), StatusCodes.Status404NotFound);

    public static IResult Forbidden(string why) => Titled(StatusCodes.Status403Forbidden, "Forbidden", why);

    public static IResult Titled(int status, string title, string message) =>
        Answer.Of(new ErrorWithTitle(new TitledError(title, message)), status);

    public static IResult Listed(int status, string code, string title, string? detail = null) =>
        Answer.Of(new ErrorList([new ErrorItem(code, title) { Detail = detail }]), status);

    /// <summary>Parameters of the address that make no sense.</summary>
    public static IResult Parameters(BodyErrors mistakes) =>
        All(mistakes, StatusCodes.Status400BadRequest, InvalidParameter, "parameter", field => field);

    /// <summary>Members of a body that make no sense.</summary>
    public static IResult Attributes(BodyErrors mistakes) =>
        All(mistakes, StatusCodes.Status422UnprocessableEntity, InvalidAttribute, "pointer", field => "/" + field);

    public static IResult Attribute(string field, string why)
    {
        var mistakes = new BodyErrors();
        mistakes.Add(field, why);
        return Attributes(mistakes);
    }

    /// <summary>What the older parts of the API say to a record that is not valid.</summary>
    public static IResult Record(BodyErrors mistakes) =>
        Answer.Of(
            new ErrorWithDescription(
                "RecordInvalid",
                "Record validation errors",
                mistakes.ByField.ToDictionary(
                    field => field.Key,
                    field =>
                        (IReadOnlyList<FieldError>)
                            [.. field.Value.Select(why => new FieldError($"{field.Key}: {why}", "InvalidValue"))]
                )
            ),
            StatusCodes.Status422UnprocessableEntity
        );

    public static IResult Record(string field, string why)
    {
        var mistakes = new BodyErrors();
        mistakes.Add(field, why);
        return Record(mistakes);
    }

    private static IResult All(
        BodyErrors mistakes,
        int status,
        string code,
        string source,
        Func<string, string> place
    ) =>
        Answer.Of(
            new ErrorList([
                .. from field in mistakes.ByField
                from why in field.Value
                select new ErrorItem(code, $"{field.Key}: {why}")
                {
                    Source = new Dictionary<string, string> { [source] = place(field.Key) },
                },
            ]),
            status
        );
}

/// <summary>What the gate, the routing and faults say at this door.</summary>
internal sealed class ZendeskErrorFormat : ErrorFormat
{
    public override Task Refuse(HttpContext http, int status, string code, string detail)
    {
        // Clients read Retry-After on any other answer as a limit that was hit.
        if (status != StatusCodes.Status429TooManyRequests)
            http.Response.Headers.Remove("Retry-After");
        var answer = status switch
        {
            StatusCodes.Status401Unauthorized => http
                .Request.Headers.Authorization.ToString()
                .StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
                ? Answer.Of(
                    new BearerError("invalid_token", "This access token is unknown. Send Basic EMAIL/token:TOKEN."),
                    status
                )
                : Answer.Of(new ErrorText(detail), status),
            StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed => Answer.Of(
                Refusal.NoSuchEndpoint,
                StatusCodes.Status404NotFound
            ),
            StatusCodes.Status429TooManyRequests => Answer.Of(
                new ErrorWithDescription("APIRateLimitExceeded", detail),
                status
            ),
            StatusCodes.Status503ServiceUnavailable => Refusal.Titled(status, "Service unavailable", detail),
            >= 500 => Refusal.Titled(status, "Internal error", detail),
            _ => Refusal.Titled(status, "Invalid request", detail),
        };
        return answer.ExecuteAsync(http);
    }
}
