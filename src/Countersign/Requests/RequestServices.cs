using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Requests;

internal static class RequestServices
{
    /// <summary>The use cases of requests, one class each, and what happens to requests by itself.</summary>
    public static IServiceCollection AddRequests(this IServiceCollection services) =>
        services
            .AddSingleton<RequestIds>()
            .AddSingleton<Submit>()
            .AddSingleton<Decide>()
            .AddSingleton<DelegateSeat>()
            .AddSingleton<EndDelegation>()
            .AddSingleton<Reassign>()
            .AddSingleton<Comment>()
            .AddSingleton<Withdraw>()
            .AddSingleton<MarkApplied>()
            .AddSingleton<Redeem>()
            .AddSingleton<Disown>()
            .AddSingleton<OverridePolicy>()
            .AddSingleton<Tickets>()
            .AddSingleton<Restamp>()
            .AddSingleton<RequestList>()
            .AddSingleton<RequestSummaries>()
            .AddSingleton<RequestTypes>()
            .AddSingleton<BlockedRequests>()
            .AddSingleton<ReweighRequests>()
            .AddSingleton<IJobHandler>(s => s.GetRequiredService<ReweighRequests>())
            .AddSingleton<IJobHandler, Remind>()
            .AddSingleton<IJobHandler, Escalate>()
            .AddSingleton<IJobHandler, Expire>()
            .AddSingleton<IJobHandler, CheckForBlocked>()
            .AddSingleton<IJobHandler, IndexTerms>()
            .AddSingleton<DeleteOldBodies>()
            .AddSingleton(s => new CleaningStep(
                "bodies of closed requests",
                s.GetRequiredService<DeleteOldBodies>().Run
            ))
            .AddSingleton(s => Submit.OldKeys(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>()));
}
