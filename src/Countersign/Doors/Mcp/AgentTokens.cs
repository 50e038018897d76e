using System.Text.Json;
using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.SignIn;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Countersign.Doors.Mcp;

/// <summary>
/// OAuth for <c>/mcp</c>: what protects it is described at a well-known address (RFC 9728), and access tokens that the
/// configured issuer made for it are checked by the framework's own handler. At no other door is a token looked at.
/// </summary>
internal static class AgentTokens
{
    public const string Scheme = "AgentToken";

    /// <summary>By how much clocks may differ.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private const string Metadata = "/.well-known/oauth-protected-resource";

    /// <summary>An issuer's own keys sign; no secret that someone else may know does.</summary>
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256,
        SecurityAlgorithms.RsaSha384,
        SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.RsaSsaPssSha384,
        SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256,
        SecurityAlgorithms.EcdsaSha384,
        SecurityAlgorithms.EcdsaSha512,
    ];

    /// <summary>As RFC 9068 says, and as issuers from before it say.</summary>
    private static readonly string[] Types = ["at+jwt", "application/at+jwt", "JWT"];

    /// <summary>How a token may be sent (RFC 6750).</summary>
    private static readonly string[] BearerMethods = ["header"];

    public static IServiceCollection AddAgentTokens(this IServiceCollection services)
    {
        services.AddSingleton<AgentTokenEvents>().AddAuthentication().AddJwtBearer(Scheme, _ => { });
        services
            .AddOptions<JwtBearerOptions>(Scheme)
            .Configure<McpOptions, ServerOptions, Egress>(
                (options, mcp, server, egress) =>
                {
                    if (mcp.Authority is { } authority)
                        Configure(options, authority, McpOptions.ResourceOf(server), egress);
                }
            );
        return services;
    }

    /// <summary>Where it is described what protects this address.</summary>
    public static string MetadataOf(ServerOptions server) => server.BaseUrl + Metadata + McpEndpoints.Path;

    /// <summary>Both of the places that clients try on their own, and the one that the refusal names.</summary>
    public static void MapMetadata(IEndpointRouteBuilder routes)
    {
        var server = routes.ServiceProvider.GetRequiredService<ServerOptions>();
        if (routes.ServiceProvider.GetRequiredService<McpOptions>().Authority is not { } authority)
            return;
        var resource = McpOptions.ResourceOf(server);
        var described = JsonSerializer.Serialize(
            new
            {
                resource,
                authorization_servers = new[] { authority.OriginalString },
                bearer_methods_supported = BearerMethods,
                resource_name = "Countersign",
            }
        );
        HashSet<string> paths = ["", McpEndpoints.Path, new Uri(resource).AbsolutePath];
        foreach (var path in paths)
        {
            routes
                .MapGet(Metadata + path, () => TypedResults.Text(described, "application/json"))
                .AllowAnonymous()
                .ExcludeFromDescription();
        }
    }

    private static void Configure(JwtBearerOptions options, Uri authority, string resource, Egress egress)
    {
        var issuer = authority.AbsoluteUri.TrimEnd('/');
        options.EventsType = typeof(AgentTokenEvents);
        options.MapInboundClaims = false;
        options.TokenValidationParameters = new TokenValidationParameters
        {
            ValidAudience = resource,
            ValidAlgorithms = Algorithms,
            ValidTypes = Types,
            ClockSkew = ClockSkew,
        };
        options.Backchannel = egress.ClientFor(Trust.Operator, guarded => guarded);
        options.ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
            issuer + "/.well-known/openid-configuration",
            new OpenIdConnectConfigurationRetriever(),
            new HttpDocumentRetriever(options.Backchannel)
            {
                RequireHttps = !authority.IsLoopback,
                SendAdditionalHeaderData = false,
            },
            new ProviderCheck(issuer)
        );
    }
}
