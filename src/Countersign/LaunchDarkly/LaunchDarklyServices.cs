using Countersign.Storage;
using Countersign.Work;

namespace Countersign.LaunchDarkly;

internal static class LaunchDarklyServices
{
    /// <summary>What we ask LaunchDarkly about the requests that it sends.</summary>
    public static IServiceCollection AddLaunchDarkly(this IServiceCollection services) =>
        services
            .AddSingleton<Connections>()
            .AddSingleton<LaunchDarklyClient>()
            .AddSingleton<TestConnection>()
            .AddSingleton<ImportMembers>()
            .AddSingleton<IJobHandler, ImportMembersDaily>()
            .AddSingleton<HearWebhook>()
            .AddSingleton<IJobHandler, AskLaunchDarkly>()
            .AddSingleton<IJobHandler, ApplyInLaunchDarkly>()
            .AddSingleton(s => Hints.Old(s.GetRequiredService<Store>()));
}
