using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Audit;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Hosting;
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

    public static void MapApi(this IEndpointRouteBuilder routes)
    {
        var api = routes
            .MapGroup(Root)
            .RequireAuthorization(Permissions.AnyCaller)
            .AddEndpointFilter(NoteRefusal)
            .AddEndpointFilter(RejectInvalidBodies.Filter)
            .ProducesProblem(401)
            .ProducesProblem(429)
            .ProducesProblem(503);

        api.MapPost(SubmitEndpoint.Path, SubmitEndpoint.Run)
            .Produces<RequestView>(201)
            .Produces<RequestView>()
            .ProducesProblem(409)
            .ProducesProblem(422);
        api.MapGet("/requests", ListEndpoint.Run).Produces<PageView>().ProducesProblem(422);
        api.MapGet("/requests/{id}", RequestEndpoints.Get).Produces<RequestView>().ProducesProblem(404);
        api.MapPost("/requests/{id}/decisions", RequestEndpoints.DecideOn)
            .Produces<RequestView>()
            .ProducesProblem(403)
            .ProducesProblem(404)
            .ProducesProblem(409)
            .ProducesProblem(422);
        api.MapPost("/requests/{id}/comments", RequestEndpoints.CommentOn)
            .Produces<RequestView>(201)
            .ProducesProblem(404)
            .ProducesProblem(409)
            .ProducesProblem(422);
        api.MapPost("/requests/{id}/withdrawal", RequestEndpoints.WithdrawOne)
            .Produces<RequestView>()
            .ProducesProblem(403)
            .ProducesProblem(404)
            .ProducesProblem(409);
        api.MapPost("/requests/{id}/not-me", RequestEndpoints.NotMe)
            .Produces<RequestView>()
            .ProducesProblem(403)
            .ProducesProblem(404);
        api.MapPost("/requests/{id}/break-glass", RequestEndpoints.BreakGlassOn)
            .RequireRecentSignIn()
            .Produces<RequestView>()
            .ProducesProblem(403)
            .ProducesProblem(404)
            .ProducesProblem(409)
            .ProducesProblem(422);
        api.MapPost("/requests/{id}/applied", RequestEndpoints.Applied)
            .Produces<RequestView>()
            .ProducesProblem(403)
            .ProducesProblem(404);
        api.MapGet("/requests/{id}/revisions", RevisionEndpoints.List).Produces<RevisionsView>().ProducesProblem(404);
        api.MapGet("/requests/{id}/revisions/{n:long}", RevisionEndpoints.Get)
            .Produces<ContentView>()
            .ProducesProblem(404);
        api.MapGet("/events", EventsEndpoint.Run).Produces(200, contentType: "text/event-stream");
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
[JsonSerializable(typeof(BreakGlassBody))]
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
[JsonSerializable(typeof(RevisionsView))]
[JsonSerializable(typeof(ContentView))]
[JsonSerializable(typeof(EventView))]
[JsonSerializable(typeof(VerificationView))]
[JsonSerializable(typeof(PersonView))]
[JsonSerializable(typeof(PeopleView))]
[JsonSerializable(typeof(GroupView))]
[JsonSerializable(typeof(GroupsView))]
[JsonSerializable(typeof(TokensView))]
[JsonSerializable(typeof(NewToken))]
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
[JsonSerializable(typeof(LinksView))]
[JsonSerializable(typeof(FindingsView))]
[JsonSerializable(typeof(OptionsView))]
[JsonSerializable(typeof(DestinationTest))]
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
