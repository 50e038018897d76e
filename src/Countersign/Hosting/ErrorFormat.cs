using Countersign.SignIn;

namespace Countersign.Hosting;

/// <summary>
/// How a door refuses a call. Every refusal (authorization, routing, a fault) has the format of the door that the call
/// came through, so a caller meets one shape of error and no other.
/// </summary>
public abstract class ErrorFormat
{
    /// <summary>What is spoken where no door has another: problem details.</summary>
    public static readonly ErrorFormat Ours = new ProblemDetailsDialect();

    public abstract Task Refuse(HttpContext http, int status, string code, string detail);

    public static ErrorFormat Of(HttpContext http) => Door.Of(http)?.ErrorFormatOf(http) ?? Ours;

    private sealed class ProblemDetailsDialect : ErrorFormat
    {
        public override Task Refuse(HttpContext http, int status, string code, string detail) =>
            Problems.Of(status, code, detail).ExecuteAsync(http);
    }
}
