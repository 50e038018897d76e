namespace Countersign.Policies;

internal static class PolicyServices
{
    /// <summary>Who must approve: the policy file and its versions.</summary>
    public static IServiceCollection AddPolicies(this IServiceCollection services) =>
        services.AddSingleton<PolicyFiles>().AddSingleton<PolicyDrafts>();
}
