using Countersign.Audit;
using Countersign.Hosting;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Witnessing;

internal static class WitnessingServices
{
    /// <summary>Witnesses of this hub's log, and this server as a witness of others'.</summary>
    public static IServiceCollection AddWitnessing(this IServiceCollection services) =>
        services
            .AddSingleton<Witnesses>()
            .AddSingleton<IKnownHeads, KnownToWitnesses>()
            .AddSingleton<IJobHandler, AskWitness>()
            .AddCosigning();

    /// <summary>This server as a witness.</summary>
    public static IServiceCollection AddCosigning(this IServiceCollection services) =>
        services.AddSingleton(s =>
            Cosign.Open(
                s.GetRequiredService<WitnessOptions>(),
                s.GetRequiredService<StoreOptions>(),
                s.GetRequiredService<ServerOptions>(),
                s.GetRequiredService<TimeProvider>(),
                s.GetRequiredService<ILogger<Cosign>>()
            )
        );
}
