using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.SignIn;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// The door for clients of Zendesk's Approval Requests API: they change the host and nothing else. Every path is served
/// with and without <c>.json</c> (<see cref="ZendeskConventions"/> takes it off); this list is the table of contents.
/// </summary>
public static class ZendeskEndpoints
{
    public const string Root = "/api/v2";

    public static readonly ZendeskDoor Door = new();

    /// <summary>The paths that belong to this door.</summary>
    internal static readonly (string Root, Door Door)[] Doors = [(Root, Door)];

    /// <summary>Addresses as Zendesk's clients write them, before routing.</summary>
    internal static void UseZendeskConventions(this IApplicationBuilder app) =>
        app.UseWhen(IsForZendesk, zendesk => zendesk.UseMiddleware<ZendeskConventions>());

    /// <summary>After routing: this door says what it does not serve before it asks who is there.</summary>
    internal static void UseOnlyServedByZendesk(this IApplicationBuilder app) =>
        app.UseWhen(IsForZendesk, zendesk => zendesk.Use(ZendeskConventions.OnlyServed));

    private static bool IsForZendesk(HttpContext http) => http.Request.Path.StartsWithSegments(Root);

    public static void MapZendesk(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup(Root).RequireAuthorization(Permissions.Person).WithMetadata(Door);

        api.MapGet("/approval_requests", ListEndpoint.Run)
            .RequireAuthorization(Permissions.Admin)
            .Produces<ListAnswer>()
            .Describe(Tags.Zendesk, ZendeskOperations.List);
        api.MapPost("/approval_requests", CreateEndpoint.Run)
            .Produces<CreateAnswer>(201)
            .Describe(Tags.Zendesk, ZendeskOperations.Create);
        api.MapGet("/approval_requests/{id}", ShowEndpoint.Run)
            .Produces<ShowAnswer>()
            .Describe(Tags.Zendesk, ZendeskOperations.Show);
        InstanceEndpoints.Map(api);
        api.MapPost("/approval_clarification_flow_messages", MessageEndpoint.Run)
            .Produces<MessagesAnswer>(201)
            .Describe(Tags.Zendesk, ZendeskOperations.Message);
        UserEndpoints.Map(api);
        GroupEndpoints.Map(api);
        TicketEndpoints.Map(api);
    }
}

/// <summary>For people with a token or, as the original takes it, their password; also with a session.</summary>
public sealed class ZendeskDoor : ProgramDoor
{
    private static readonly ZendeskErrorFormat OurDialect = new();
    private static readonly ZendeskErrors Shape = new();

    public override string Via => "zendesk";
    public override bool TakesPeople => true;
    public override bool TakesPasswords => true;
    public override string HowToCall => "Couldn't authenticate you";
    public override string WwwAuthenticate => "Basic realm=\"Countersign\"";

    internal override ErrorShape Errors => Shape;
    internal override string Schemas => ZendeskSchemas.Json;

    public override ErrorFormat ErrorFormatOf(HttpContext http) => OurDialect;

    public override Task Forbid(HttpContext http, CallerRequirement requirement) =>
        Refusal.Forbidden(requirement.Why).ExecuteAsync(http);
}

/// <summary>
/// Writers for the answers, made at build time: snake case, nulls written, nothing but ASCII, since the media type
/// names no charset.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ListAnswer))]
[JsonSerializable(typeof(CreateAnswer))]
[JsonSerializable(typeof(ShowAnswer))]
[JsonSerializable(typeof(InstanceAnswer))]
[JsonSerializable(typeof(SearchAnswer))]
[JsonSerializable(typeof(MessagesAnswer))]
[JsonSerializable(typeof(ErrorText))]
[JsonSerializable(typeof(ErrorWithDescription))]
[JsonSerializable(typeof(BearerError))]
[JsonSerializable(typeof(ErrorWithTitle))]
[JsonSerializable(typeof(ErrorList))]
internal sealed partial class ZendeskJson : JsonSerializerContext;

internal static class Answer
{
    public const string MediaType = "application/json";

    public static IResult Of<T>(T value, int status = StatusCodes.Status200OK) =>
        TypedResults.Text(
            JsonSerializer.SerializeToUtf8Bytes(
                value,
                (System.Text.Json.Serialization.Metadata.JsonTypeInfo<T>)ZendeskJson.Default.GetTypeInfo(typeof(T))!
            ),
            MediaType,
            status
        );
}
