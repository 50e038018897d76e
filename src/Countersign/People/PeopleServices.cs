using Countersign.Policies;

namespace Countersign.People;

internal static class PeopleServices
{
    /// <summary>People, groups, sources and absences, and what policies make of them.</summary>
    public static IServiceCollection AddPeople(this IServiceCollection services)
    {
        foreach (var handler in Absences.Handlers())
            services.AddSingleton(handler);
        return services
            .AddSingleton<PeopleDirectory>()
            .AddSingleton<IPolicyNames>(s => s.GetRequiredService<PeopleDirectory>())
            .AddSingleton<Accounts>()
            .AddSingleton<Aliases>()
            .AddSingleton<PeopleImport>()
            .AddSingleton<Groups>()
            .AddSingleton<Sources>()
            .AddSingleton<SetSourceForm>()
            .AddSingleton<SetAgentClient>()
            .AddSingleton<Absences>()
            .AddSingleton<AbsenceHistory>()
            .AddSingleton<ApplyPolicies>()
            .AddSingleton<ExplainPolicy>();
    }
}
