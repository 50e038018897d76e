using Countersign.Destinations.Links;
using Countersign.Work;

namespace Countersign.Destinations;

internal static class DestinationServices
{
    /// <summary>
    /// Workflow systems that decide: who they are, and how they are talked to.
    /// </summary>
    public static IServiceCollection AddDestinations(this IServiceCollection services) =>
        services
            .AddSingleton<DestinationCache>()
            .AddSingleton<AddDestination>()
            .AddSingleton<StartOpening>()
            .AddSingleton<ResolveLink>()
            .AddSingleton<StoreAccessToken>()
            .AddSingleton<AccessTokens>()
            .AddSingleton<DestinationCalls>()
            .AddSingleton<TestDestination>()
            .AddSingleton<DestinationViews>()
            .AddSingleton<IJobHandler, CallDestination>()
            .AddLogConsumer<OpenLinks>();
}
