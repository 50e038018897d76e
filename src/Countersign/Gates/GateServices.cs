namespace Countersign.Gates;

internal static class GateServices
{
    /// <summary>What systems that wait for an approval have in common; each has a door of its own.</summary>
    public static IServiceCollection AddGates(this IServiceCollection services) =>
        services.AddSingleton<WaitForRequest>();
}
