using Countersign.Audit.Receipts;
using Countersign.Hosting;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

internal static class AuditServices
{
    /// <summary>The record: sealing, verification, export, and what may be taken out of it.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services) =>
        services
            .AddSingleton<SealKey>()
            .AddSingleton<RootKeyCheck>()
            .AddSingleton(s =>
                SigningPlace.Of(
                    s.GetRequiredService<StoreOptions>(),
                    s.GetRequiredService<ProofOptions>(),
                    s.GetRequiredService<ServerOptions>()
                )
            )
            .AddSingleton<LogTree>()
            .AddSingleton<ProofOf>()
            .AddSingleton<MakeReceipt>()
            .AddSingleton<LogFiles>()
            .AddSingleton<Verify>()
            .AddSingleton<LogChecks>()
            .AddSingleton<EventSubjects>()
            .AddSingleton<Export>()
            .AddSingleton<SearchEvents>()
            .AddSingleton<FailedSignIns>()
            .AddSingleton<ErasePerson>()
            .AddSingleton<IJobHandler>(s => s.GetRequiredService<ErasePerson>())
            .AddSingleton<RejectedBodies>()
            .AddSingleton(s =>
                RejectedBodies.Old(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>())
            );
}
