using Countersign.Doors.Api;
using Countersign.Doors.Gates;
using Countersign.Doors.LaunchDarkly;
using Countersign.Doors.Mcp;
using Countersign.Doors.Proof;
using Countersign.Doors.Witness;
using Countersign.Doors.Zendesk;
using Countersign.Hosting;
using Countersign.SignIn;

namespace Countersign.Doors;

/// <summary>The ways in for programs, one folder each.</summary>
internal static class ProgramDoors
{
    private static readonly (string Root, Door Door)[] All =
    [
        .. ApiEndpoints.Doors,
        .. LaunchDarklyEndpoints.Doors,
        .. ZendeskEndpoints.Doors,
        .. McpEndpoints.Doors,
        .. GateEndpoints.Doors,
        .. WitnessEndpoints.Doors,
        .. ProofEndpoints.Doors,
    ];

    public static IServiceCollection AddDoors(this IServiceCollection services) => services.AddApi().AddMcp();

    /// <param name="browsers">For everything that belongs to no program.</param>
    public static void UseDoors(this IApplicationBuilder app, Door browsers, ServerOptions server)
    {
        app.UseDoors(browsers, All);
        app.UseMcpAddresses(server);
    }

    public static void MapDoors(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(); // /api/v1
        routes.MapLaunchDarkly(); // /api/approvals, /api/members
        routes.MapZendesk(); // /api/v2
        routes.MapMcpDoor(); // /mcp
        routes.MapGates(); // /gates
        routes.MapWitness(); // /witness
        routes.MapProof(); // /proof
    }
}
