using System.Net;
using System.Text.Json;
using Countersign.Hosting;
using Countersign.SignIn;
using Microsoft.AspNetCore.Http.Features;
using ModelContextProtocol.Protocol;

namespace Countersign.Doors.Mcp;

/// <summary>
/// <c>/mcp</c>: agents ask for approval by the Model Context Protocol, in both of its revisions that are in use. The
/// protocol is the official SDK's; who calls, from where, and what the five tools do is ours.
/// </summary>
public static class McpEndpoints
{
    public const string Path = "/mcp";

    internal static readonly McpDoor Door = new();

    /// <summary>The paths that belong to this door.</summary>
    internal static readonly (string Root, Door Door)[] Doors = [(Path, Door)];

    /// <summary>What a model is told before it looks at a tool.</summary>
    private const string Instructions = """
        Countersign asks people to approve an action before it happens. Call request_approval before an action that
        needs approval, show the user review_url, then call wait_for_approval until status isn't pending. Act only if
        status is approved, and call redeem right before you act. Rejected or withdrawn means: don't act, and don't ask
        again in other words. You can't approve anything yourself.
        """;

    public static IServiceCollection AddMcp(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services
            .AddAgentTokens()
            .AddMcpServer(options =>
            {
                options.ServerInfo = new Implementation { Name = "countersign", Version = Product.Version };
                options.ServerInstructions = Instructions.ReplaceLineEndings(" ");
            })
            .WithHttpTransport(options => options.Stateless = true)
            .WithTools<McpTools>(McpJson.Options);
        return services;
    }

    public static void MapMcpDoor(this IEndpointRouteBuilder routes)
    {
        routes.MapMcp(Path).RequireAuthorization(Permissions.Source);
        AgentTokens.MapMetadata(routes);
    }

    /// <summary>
    /// Before anything is read: pages of other sites, and names that someone else has pointed at this machine, call
    /// from a browser with what the browser may reach.
    /// </summary>
    public static void UseMcpAddresses(this IApplicationBuilder app, ServerOptions server) =>
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments(Path),
            mcp =>
                mcp.Use(
                    async (HttpContext http, RequestDelegate next) =>
                    {
                        if (ProblemWith(http.Request, server) is { } problem)
                        {
                            await ErrorFormat
                                .Of(http)
                                .Refuse(http, StatusCodes.Status403Forbidden, "foreign_address", problem);
                            return;
                        }
                        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
                            size.MaxRequestBodySize = BodyBytes.MaxSize;
                        // A proxy that collects answers would hold back what a waiting call says.
                        http.Response.Headers["X-Accel-Buffering"] = "no";
                        var (response, body) = (http.Response, http.Response.Body);
                        await using var kept = new KeepAliveBody(
                            body,
                            () =>
                                response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) is true,
                            KeepAliveBody.Interval
                        );
                        response.Body = kept;
                        try
                        {
                            await next(http);
                        }
                        finally
                        {
                            response.Body = body;
                        }
                    }
                )
        );

    private static string? ProblemWith(HttpRequest request, ServerOptions server)
    {
        var host = request.Host.Host;
        var isNamed =
            server.AllowedHosts is not ["*"]
            || IPAddress.TryParse(host.Trim('[', ']'), out _)
            || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || host.Equals(server.PublicUrl?.Host, StringComparison.OrdinalIgnoreCase);
        if (!isNamed)
            return $"This hub isn't called {host}. Set PublicUrl or AllowedHosts to the name that agents use.";
        if (request.Headers.Origin is not { Count: > 0 } origins)
            return null;
        var origin = origins.ToString();
        return
            origin.Equals($"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase)
            || origin.Equals(server.PublicUrl?.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase)
            ? null
            : "This was sent from a page of another site.";
    }
}

/// <summary>
/// For sources, with their key or an access token of theirs, and for no one else: no credential of a person stands
/// behind an agent.
/// </summary>
public sealed class McpDoor : ProgramDoor
{
    private static readonly McpErrorFormat Format = new();

    public override string Via => "mcp";
    public override bool TakesSources => true;
    public override string HowToCall => "Send the key of a source, as Authorization: Bearer KEY.";
    public override string WwwAuthenticate => "Bearer realm=\"Countersign\"";

    /// <summary>Sessions and cookies of a browser are ignored here.</summary>
    public override string SchemeOf(HttpContext http) =>
        TakesTokens(http) && IsToken(http.Request.Headers.Authorization.ToString())
            ? AgentTokens.Scheme
            : Schemes.SourceKey;

    /// <summary>With an issuer, clients learn from the refusal where they get a token.</summary>
    public override string WwwAuthenticateOf(HttpContext http) =>
        TakesTokens(http)
            ? $"{WwwAuthenticate}, resource_metadata=\"{AgentTokens.MetadataOf(ServerOf(http))}\""
            : WwwAuthenticate;

    public override string HowToCallOf(HttpContext http) =>
        TakesTokens(http)
            ? $"Send the key of a source, or an access token for {McpOptions.ResourceOf(ServerOf(http))}, as "
                + "Authorization: Bearer …"
            : HowToCall;

    public override ErrorFormat ErrorFormatOf(HttpContext http) => Format;

    private static bool TakesTokens(HttpContext http) =>
        http.RequestServices.GetRequiredService<McpOptions>().Authority is not null;

    private static ServerOptions ServerOf(HttpContext http) => http.RequestServices.GetRequiredService<ServerOptions>();

    /// <summary>A signed token has three parts; keys have no dot.</summary>
    private static bool IsToken(string authorization) =>
        authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        && authorization.Contains('.', StringComparison.Ordinal);
}

/// <summary>Clients read refusals as JSON-RPC, too, and may fall back to another revision if they can't.</summary>
internal sealed class McpErrorFormat : ErrorFormat
{
    /// <summary>The first of the codes that the protocol leaves to servers.</summary>
    private const int ServerError = -32000;

    public override Task Refuse(HttpContext http, int status, string code, string detail)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(
            JsonSerializer.Serialize(
                new
                {
                    jsonrpc = "2.0",
                    id = (string?)null,
                    error = new
                    {
                        code = ServerError,
                        message = detail,
                        data = new { code },
                    },
                }
            ),
            http.RequestAborted
        );
    }
}
