using Countersign.Hosting;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Witnessing;

namespace Countersign.Doors.Witness;

/// <summary>A server that is a witness and nothing else: no store, no people, no pages.</summary>
internal static class WitnessServer
{
    /// <summary>Not started. Tests start it the same way.</summary>
    public static WebApplication Build(
        CountersignOptions options,
        string[] switches,
        Action<IServiceCollection>? replace = null
    )
    {
        var server = options.Get<ServerOptions>();
        var builder = ServerHost.CreateBuilder(server, switches);
        replace?.Invoke(builder.Services);
        builder.Services.AddClock().AddCountersignOptions(options.Configuration).AddCosigning();
        builder.Services.AddServerHost(server).AddRateLimits();
        var app = builder.Build();
        app.UseHead().UseExceptionHandler();
        app.UseSafeHeaders();
        app.UseKnownProxies(server);
        app.UseStatusCodePages(Problems.WriteBare);
        app.UseOwnAddresses(server);
        app.UseDoors(WitnessEndpoints.Door);
        app.UseRouting();
        app.UseRateLimiter();
        app.MapGet("/health/live", () => TypedResults.Text("alive")).DisableRateLimiting();
        app.MapGet("/health/ready", () => TypedResults.Ok(new ReadyView("ready", []))).DisableRateLimiting();
        app.MapWitness();
        return app;
    }
}
