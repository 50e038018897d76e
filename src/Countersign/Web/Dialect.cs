namespace Countersign.Web;

/// <summary>
/// How a door says no. Whatever refuses a call (authorization, routing, a fault) speaks through the dialect of the door
/// it came through, so a caller meets one shape of error and no other.
/// </summary>
public abstract class Dialect
{
    /// <summary>What is spoken where no door has another: problem details.</summary>
    public static readonly Dialect Ours = new ProblemDetailsDialect();

    public abstract Task Refuse(HttpContext http, int status, string code, string detail);

    public static Dialect Of(HttpContext http) => Door.Of(http)?.DialectOf(http) ?? Ours;

    private sealed class ProblemDetailsDialect : Dialect
    {
        public override Task Refuse(HttpContext http, int status, string code, string detail) =>
            Problems.Of(status, code, detail).ExecuteAsync(http);
    }
}
