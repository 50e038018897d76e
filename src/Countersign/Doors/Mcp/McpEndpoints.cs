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

    private static readonly McpDoor Door = new();

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
            .AddMcpServer(options =>
            {
                options.ServerInfo = new Implementation { Name = "countersign", Version = Product.Version };
                options.ServerInstructions = Instructions.ReplaceLineEndings(" ");
            })
            .WithHttpTransport(options => options.Stateless = true)
            .WithTools<McpTools>(McpJson.Options);
        return services;
    }

    public static void MapMcpDoor(this IEndpointRouteBuilder routes) =>
        routes.MapMcp(Path).RequireAuthorization(Permissions.Source);

    /// <summary>
    /// Before anything is read: pages of other sites, and names that someone else has pointed at this machine, call
    /// from a browser with what the browser may reach.
    /// </summary>
    public static void UseMcpAddresses(this IApplicationBuilder app, ServerOptions server) =>
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments(Path),
            mcp =>
                mcp.Use(
                    (HttpContext http, RequestDelegate next) =>
                    {
                        if (ProblemWith(http.Request, server) is { } problem)
                        {
                            return ErrorFormat
                                .Of(http)
                                .Refuse(http, StatusCodes.Status403Forbidden, "foreign_address", problem);
                        }
                        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
                            size.MaxRequestBodySize = BodyBytes.MaxSize;
                        // A proxy that collects answers would hold back what a waiting call says.
                        http.Response.Headers["X-Accel-Buffering"] = "no";
                        return next(http);
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

/// <summary>For sources with their key, and for no one else: a person's token never stands behind an agent.</summary>
public sealed class McpDoor : ProgramDoor
{
    private static readonly McpErrorFormat Format = new();

    public override string Via => "mcp";
    public override bool TakesSources => true;
    public override string HowToCall => "Send the key of a source, as Authorization: Bearer KEY.";
    public override string WwwAuthenticate => "Bearer realm=\"Countersign\"";

    /// <summary>Sessions and cookies of a browser are ignored here.</summary>
    public override string SchemeOf(HttpContext http) => Schemes.SourceKey;

    public override ErrorFormat ErrorFormatOf(HttpContext http) => Format;
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
