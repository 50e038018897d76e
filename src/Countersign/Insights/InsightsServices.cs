using Countersign.Work;

namespace Countersign.Insights;

internal static class InsightsServices
{
    /// <summary>Figures about requests: what counts them, and what reads the counts.</summary>
    public static IServiceCollection AddInsights(this IServiceCollection services) =>
        services
            .AddLogConsumer<SummaryConsumer>()
            .AddSingleton<ReadInsights>()
            .AddSingleton<OldSummaries>()
            .AddSingleton(s => new CleaningStep(OldSummaries.What, s.GetRequiredService<OldSummaries>().Run));
}
