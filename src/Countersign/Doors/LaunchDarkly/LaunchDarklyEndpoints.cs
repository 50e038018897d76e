using Countersign.Access;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Web;
using Directory = Countersign.Access.Directory;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// The door for LaunchDarkly's custom approvals: the five requests that its integration makes. The approval's id is
/// LaunchDarkly's own, in our first answer and in every later path.
/// </summary>
public static class LaunchDarklyEndpoints
{
    public const string Approvals = "/api/approvals";
    public const string Members = "/api/members";

    public static readonly Door Door = new(
        "launchdarkly", new LaunchDarklyDialect(), "Bearer realm=\"Countersign\"",
        "Send the key of a source, as Authorization: Bearer KEY.", ForPeople: false);

    public static void MapLaunchDarkly(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(Approvals, CreateEndpoint.Run).ExcludeFromDescription();
        routes.MapGet(Approvals + "/{id}/status", new StatusEndpoint(routes.ServiceProvider.GetRequiredService<Store>()).Run).ExcludeFromDescription();
        routes.MapPost(Approvals + "/{id}/apply", ApplyEndpoint.Run).ExcludeFromDescription();
        routes.MapPost(Approvals + "/{id}/cancel", CancelEndpoint.Run).ExcludeFromDescription();
        routes.MapGet(Members, MembersEndpoint.Run).ExcludeFromDescription();
    }
}

/// <summary>
/// Refusals hold no member <c>status</c>: LaunchDarkly reads that of whatever it gets, and what is refused must say
/// nothing about an approval.
/// </summary>
internal sealed class LaunchDarklyDialect : Dialect
{
    public override Task Refuse(HttpContext http, int status, string code, string detail) => Answer.Refusal(status, code, detail).ExecuteAsync(http);
}
