using Countersign.Gates.Azure;
using Countersign.Gates.Flagger;
using Countersign.Gates.GitHub;
using Countersign.Gates.GitLab;
using Countersign.Gates.Terraform;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

internal static class GateServices
{
    /// <summary>What systems that wait for an approval have in common; each has a door of its own.</summary>
    public static IServiceCollection AddGates(this IServiceCollection services) =>
        services
            .AddSingleton<WaitForRequest>()
            .AddSingleton<GateSources>()
            .AddSingleton<StoreAsk>()
            .AddSingleton<HearGate>()
            .AddSingleton<GateCaller>()
            .AddSingleton<CallerState>()
            .AddSingleton<IJobHandler, DeliverVerdict>()
            .AddSingleton<IJobHandler, SendNote>()
            .AddSingleton<IJobHandler, ReadCommits>()
            .AddSingleton<IJobHandler, WatchCaller>()
            .AddSingleton<IJobHandler, RecoverCalls>()
            .AddLogConsumer<GateConsumer>()
            .AddSingleton(s => GateReplies.OldCalls(s.GetRequiredService<Store>()))
            .AddSingleton<IGate, GitHubGate>()
            .AddSingleton<CreateGitHubApp>()
            .AddSingleton<IGate, TerraformGate>()
            .AddSingleton<IGate, AzureGate>()
            .AddSingleton<IGate, GitLabGate>()
            .AddSingleton<IGate, FlaggerGate>();
}
