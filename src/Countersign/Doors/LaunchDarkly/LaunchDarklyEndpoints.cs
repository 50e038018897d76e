using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
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
    public const string Ours = "/api/launchdarkly";
    public const string Options = "/api/options";

    public static readonly LaunchDarklyDoor Door = new();

    /// <summary>The paths that belong to this door.</summary>
    internal static readonly (string Root, Door Door)[] Doors =
    [
        (Approvals, Door),
        (Members, Door),
        (Options, Door),
        (Ours, Door),
    ];

    public static void MapLaunchDarkly(this IEndpointRouteBuilder routes)
    {
        var sources = routes.MapGroup("").RequireAuthorization(Permissions.LaunchDarkly).WithMetadata(Door);
        sources
            .MapPost(Approvals, CreateEndpoint.Run)
            .Produces<ApprovalText>(201)
            .Produces<ApprovalText>()
            .Describe(Tags.LaunchDarkly, LaunchDarklyOperations.Create);
        var status = new StatusEndpoint(routes.ServiceProvider.GetRequiredService<Store>());
        sources
            .MapGet(Approvals + "/{id}/status", status.Run)
            .WithMetadata(((Delegate)status.Run).Method) // without it, a bare delegate isn't described
            .Describe(Tags.LaunchDarkly, LaunchDarklyOperations.Status);
        sources
            .MapPost(Approvals + "/{id}/apply", ApplyEndpoint.Run)
            .Produces<ApprovalText>()
            .Describe(Tags.LaunchDarkly, LaunchDarklyOperations.Apply);
        sources
            .MapPost(Approvals + "/{id}/cancel", CancelEndpoint.Run)
            .Produces<ApprovalText>()
            .Describe(Tags.LaunchDarkly, LaunchDarklyOperations.Cancel);
        sources
            .MapGet(Members, MembersEndpoint.Run)
            .Produces<MembersText>()
            .Describe(Tags.LaunchDarkly, LaunchDarklyOperations.Members);
        routes
            .MapPost(Ours + "/{source:long}/webhook", WebhookEndpoint.Run)
            .AllowAnonymous()
            .WithMetadata(Door)
            .Produces(204)
            .Describe(Tags.LaunchDarkly, LaunchDarklyOperations.Webhook);
        sources
            .MapGet(Options + "/{name}", OptionsEndpoint.Run)
            .Produces<OptionsText>()
            .Describe(Tags.LaunchDarkly, LaunchDarklyOperations.Options);
    }
}

/// <summary>For sources with their key.</summary>
public sealed class LaunchDarklyDoor : ProgramDoor
{
    private static readonly LaunchDarklyErrorFormat OurDialect = new();
    private static readonly LaunchDarklyErrors Shape = new();

    public override string Via => "launchdarkly";
    public override bool TakesSources => true;
    public override string HowToCall => "Send the key of a source, as Authorization: Bearer KEY.";
    public override string WwwAuthenticate => "Bearer realm=\"Countersign\"";

    internal override ErrorShape Errors => Shape;
    internal override string Schemas => LaunchDarklySchemas.Json;

    public override ErrorFormat ErrorFormatOf(HttpContext http) => OurDialect;
}

/// <summary>
/// Refusals hold no member <c>status</c>: LaunchDarkly reads that in every answer, and what is refused must say
/// nothing about an approval.
/// </summary>
internal sealed class LaunchDarklyErrorFormat : ErrorFormat
{
    public override Task Refuse(HttpContext http, int status, string code, string detail) =>
        Answer.Refusal(status, code, detail).ExecuteAsync(http);
}
