using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Audit;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.LaunchDarkly;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Work;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Countersign.Doors.Api;

/// <summary>
/// Countersign's own API: all that the pages and the command line can do. This list is its table of contents.
/// </summary>
public static class ApiEndpoints
{
    public const string Root = "/api/v1";

    public static readonly ApiDoor Door = new();

    /// <summary>The paths that belong to this door.</summary>
    internal static readonly (string Root, Door Door)[] Doors = [(Root, Door)];

    public static void MapApi(this IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi().AllowAnonymous();
        var api = routes
            .MapGroup(Root)
            .RequireAuthorization(Permissions.AnyCaller)
            .AddEndpointFilter(NoteRefusal)
            .AddEndpointFilter(RejectInvalidBodies.Filter)
            .WithMetadata(Door);

        api.MapPost(SubmitEndpoint.Path, SubmitEndpoint.Run)
            .Produces<RequestView>(201)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Submit);
        api.MapGet("/requests", ListEndpoint.Run).Produces<PageView>().Describe(Tags.Requests, RequestOperations.List);
        api.MapGet("/requests/{id}", RequestEndpoints.Get)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Get);
        api.MapPost("/requests/{id}/decisions", RequestEndpoints.DecideOn)
            .RequireAuthorization(Permissions.Person)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Decide);
        api.MapPost("/requests/{id}/delegation", RequestEndpoints.DelegateOn)
            .RequireAuthorization(Permissions.Person)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Delegate);
        api.MapDelete("/requests/{id}/delegation", RequestEndpoints.EndDelegationOn)
            .RequireAuthorization(Permissions.Person)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.EndDelegation);
        api.MapPost("/requests/{id}/assignee", RequestEndpoints.ReassignOn)
            .RequireAuthorization(Permissions.Person)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Reassign);
        api.MapPost("/requests/{id}/comments", RequestEndpoints.CommentOn)
            .Produces<RequestView>(201)
            .Describe(Tags.Requests, RequestOperations.Comment);
        api.MapPost("/requests/{id}/withdrawal", RequestEndpoints.WithdrawOne)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Withdraw);
        api.MapPost("/requests/{id}/not-me", RequestEndpoints.NotMe)
            .RequireAuthorization(Permissions.Person)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.NotMe);
        api.MapPost("/requests/{id}/break-glass", RequestEndpoints.BreakGlassOn)
            .RequireAuthorization(Permissions.Person)
            .RequireRecentSignIn()
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Override);
        api.MapPost("/requests/{id}/applied", RequestEndpoints.Applied)
            .Produces<RequestView>()
            .Describe(Tags.Requests, RequestOperations.Applied);
        api.MapPost(RedemptionEndpoint.Path, RedemptionEndpoint.Run)
            .RequireAuthorization(Permissions.Source)
            .Produces<RedemptionView>()
            .Describe(Tags.Requests, RequestOperations.Redeem);
        api.MapGet(ReceiptEndpoint.Path, ReceiptEndpoint.Run)
            .Produces<ReceiptView>()
            .Describe(Tags.Requests, RequestOperations.Receipt);
        api.MapGet("/requests/{id}/revisions", RevisionEndpoints.List)
            .Produces<RevisionsView>()
            .Describe(Tags.Requests, RequestOperations.ListRevisions);
        api.MapGet("/requests/{id}/revisions/{n:long}", RevisionEndpoints.Get)
            .Produces<ContentView>()
            .Describe(Tags.Requests, RequestOperations.GetRevision);
        api.MapGet("/events", EventsEndpoint.Run)
            .Produces<EventView>(200, "text/event-stream")
            .Describe(Tags.Events, RequestOperations.Events);
        api.MapGet("/insights", InsightsEndpoint.Run)
            .Produces<InsightsView>()
            .Describe(Tags.Insights, RequestOperations.Insights);
        OutcomeEndpoints.MapOwn(api);
        AdminEndpoints.Map(api);
    }

    private static async ValueTask<object?> NoteRefusal(
        EndpointFilterInvocationContext context,
        EndpointFilterDelegate next
    )
    {
        var answer = await next(context);
        if (answer is ProblemHttpResult { StatusCode: StatusCodes.Status403Forbidden } refused)
        {
            RefusalLog.Note(
                context.HttpContext,
                (refused.ProblemDetails.Extensions.TryGetValue("rule", out var rule) ? rule as string : null)
                    ?? "not_allowed"
            );
        }
        return answer;
    }
}

/// <summary>For sources with their key, and for people with a token or, from our own pages, a session.</summary>
public sealed class ApiDoor : ProgramDoor
{
    public override string Via => "api";
    public override bool TakesSources => true;
    public override bool TakesPeople => true;
    public override string HowToCall =>
        "Send a source's key as Bearer, or a person's token as Basic with the user name EMAIL/token.";
    public override string WwwAuthenticate => "Basic realm=\"Countersign\", Bearer";

    public override ErrorFormat ErrorFormatOf(HttpContext http) => ErrorFormat.Ours;

    public override Task Forbid(HttpContext http, CallerRequirement requirement) =>
        Problems.NotAllowed(requirement.Rule, requirement.Why).ExecuteAsync(http);
}

/// <summary>
/// Readers and writers for the bodies, made at build time: the first answer then comes as fast as the thousandth.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SubmitBody))]
[JsonSerializable(typeof(DecisionBody))]
[JsonSerializable(typeof(CommentBody))]
[JsonSerializable(typeof(WithdrawalBody))]
[JsonSerializable(typeof(RedemptionBody))]
[JsonSerializable(typeof(RedemptionView))]
[JsonSerializable(typeof(BreakGlassBody))]
[JsonSerializable(typeof(DelegationBody))]
[JsonSerializable(typeof(AssignmentBody))]
[JsonSerializable(typeof(PolicyTextBody))]
[JsonSerializable(typeof(ApplyBody))]
[JsonSerializable(typeof(ExplainBody))]
[JsonSerializable(typeof(PolicyVersionView))]
[JsonSerializable(typeof(PolicyVersionsView))]
[JsonSerializable(typeof(CheckedView))]
[JsonSerializable(typeof(SetView))]
[JsonSerializable(typeof(AppliedView))]
[JsonSerializable(typeof(ExplanationView))]
[JsonSerializable(typeof(AbsenceBody))]
[JsonSerializable(typeof(AbsenceView))]
[JsonSerializable(typeof(AbsencesView))]
[JsonSerializable(typeof(PersonBody))]
[JsonSerializable(typeof(PasswordBody))]
[JsonSerializable(typeof(RoleBody))]
[JsonSerializable(typeof(NameBody))]
[JsonSerializable(typeof(AliasBody))]
[JsonSerializable(typeof(ImportBody))]
[JsonSerializable(typeof(Alias))]
[JsonSerializable(typeof(AliasesView))]
[JsonSerializable(typeof(ImportedPeople))]
[JsonSerializable(typeof(SessionsView))]
[JsonSerializable(typeof(GroupBody))]
[JsonSerializable(typeof(TokenBody))]
[JsonSerializable(typeof(SourceBody))]
[JsonSerializable(typeof(SourceChangeBody))]
[JsonSerializable(typeof(SourceView))]
[JsonSerializable(typeof(RequestView))]
[JsonSerializable(typeof(PageView))]
[JsonSerializable(typeof(ReceiptView))]
[JsonSerializable(typeof(RevisionsView))]
[JsonSerializable(typeof(ContentView))]
[JsonSerializable(typeof(EventView))]
[JsonSerializable(typeof(InsightsView))]
[JsonSerializable(typeof(VerificationView))]
[JsonSerializable(typeof(PersonView))]
[JsonSerializable(typeof(PeopleView))]
[JsonSerializable(typeof(GroupView))]
[JsonSerializable(typeof(GroupsView))]
[JsonSerializable(typeof(TokensView))]
[JsonSerializable(typeof(NewToken))]
[JsonSerializable(typeof(SourceFormBody))]
[JsonSerializable(typeof(SourceFormView))]
[JsonSerializable(typeof(SourcesView))]
[JsonSerializable(typeof(RejectedBodiesView))]
[JsonSerializable(typeof(Erased))]
[JsonSerializable(typeof(NewSourceKey))]
[JsonSerializable(typeof(WebhookBodyIn))]
[JsonSerializable(typeof(ReplayBody))]
[JsonSerializable(typeof(NewWebhook))]
[JsonSerializable(typeof(WebhooksView))]
[JsonSerializable(typeof(WebhookTest))]
[JsonSerializable(typeof(DeliveryPage))]
[JsonSerializable(typeof(DeliveryDetails))]
[JsonSerializable(typeof(WorkPage))]
[JsonSerializable(typeof(ReplayedView))]
[JsonSerializable(typeof(ChannelsBody))]
[JsonSerializable(typeof(ChannelsView))]
[JsonSerializable(typeof(DestinationBody))]
[JsonSerializable(typeof(DestinationValuesBody))]
[JsonSerializable(typeof(ManifestBody))]
[JsonSerializable(typeof(RehearsalBody))]
[JsonSerializable(typeof(ResolutionBody))]
[JsonSerializable(typeof(NewDestination))]
[JsonSerializable(typeof(DestinationView))]
[JsonSerializable(typeof(DestinationsView))]
[JsonSerializable(typeof(LinkPage))]
[JsonSerializable(typeof(FindingsView))]
[JsonSerializable(typeof(OptionsView))]
[JsonSerializable(typeof(DestinationTest))]
[JsonSerializable(typeof(ConnectionChange))]
[JsonSerializable(typeof(LaunchDarklyConnectionView))]
[JsonSerializable(typeof(MembersImportBody))]
[JsonSerializable(typeof(ConnectionReport))]
[JsonSerializable(typeof(ImportedMembers))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>
    /// Writes exactly as the server's answers are written, so that a replayed answer is the first one to the byte.
    /// </summary>
    public static readonly ApiJson Wire = new(Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web)));

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        return options;
    }
}
