using Countersign.Hosting;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// The door for LaunchDarkly's custom approvals: the five requests that its integration makes. The approval's id is
/// LaunchDarkly's own, in our first answer and in every later path.
/// </summary>
public static class LaunchDarklyEndpoints
{
    public const string Approvals = "/api/approvals";
    public const string Members = "/api/members";

    public static readonly LaunchDarklyDoor Door = new();

    public static void MapLaunchDarkly(this IEndpointRouteBuilder routes)
    {
        var sources = routes.MapGroup("").RequireAuthorization(Permissions.Source).ExcludeFromDescription();
        sources.MapPost(Approvals, CreateEndpoint.Run);
        sources.MapGet(
            Approvals + "/{id}/status",
            new StatusEndpoint(routes.ServiceProvider.GetRequiredService<Store>()).Run
        );
        sources.MapPost(Approvals + "/{id}/apply", ApplyEndpoint.Run);
        sources.MapPost(Approvals + "/{id}/cancel", CancelEndpoint.Run);
        sources.MapGet(Members, MembersEndpoint.Run);
    }
}

/// <summary>For sources with their key.</summary>
public sealed class LaunchDarklyDoor : ProgramDoor
{
    private static readonly LaunchDarklyErrorFormat OurDialect = new();

    public override string Via => "launchdarkly";
    public override bool TakesSources => true;
    public override string HowToCall => "Send the key of a source, as Authorization: Bearer KEY.";
    public override string WwwAuthenticate => "Bearer realm=\"Countersign\"";

    public override ErrorFormat ErrorFormatOf(HttpContext http) => OurDialect;
}

/// <summary>
/// Refusals hold no member <c>status</c>: LaunchDarkly reads that of whatever it gets, and what is refused must say
/// nothing about an approval.
/// </summary>
internal sealed class LaunchDarklyErrorFormat : ErrorFormat
{
    public override Task Refuse(HttpContext http, int status, string code, string detail) =>
        Answer.Refusal(status, code, detail).ExecuteAsync(http);
}
