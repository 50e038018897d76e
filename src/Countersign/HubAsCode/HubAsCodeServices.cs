namespace Countersign.HubAsCode;

internal static class HubAsCodeServices
{
    /// <summary>A hub's people, groups, sources and policies as one file.</summary>
    public static IServiceCollection AddHubAsCode(this IServiceCollection services) =>
        services.AddSingleton<PlanHub>().AddSingleton<ApplyHub>();
}
