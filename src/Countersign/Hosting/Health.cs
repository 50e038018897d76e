using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Hosting;

public sealed record ReadyView(string Status, IReadOnlyList<string> Reasons);

/// <summary>
/// For load balancers and orchestrators: alive is that the process answers; ready is that it can serve, or why not.
/// Degraded serves everyone, and something waits for an admin.
/// </summary>
internal static class Health
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/health/live", () => TypedResults.Text("alive"))
            .AllowAnonymous()
            .DisableRateLimiting()
            .ExcludeFromDescription();
        routes.MapGet("/health/ready", Ready).AllowAnonymous().DisableRateLimiting().ExcludeFromDescription();
    }

    private static async Task<IResult> Ready(
        Store store,
        PeopleDirectory directory,
        IHostApplicationLifetime lifetime,
        CancellationToken cancel
    )
    {
        var (reasons, troubles) = (new List<string>(), new List<string>());
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            reasons.Add("The server is stopping.");
        try
        {
            _ = await store.Read(r => r.Number("SELECT max(number) FROM migrations"), cancel);
            if (await store.Read(WorkList.CountSetAside, cancel) is > 0 and var count)
            {
                troubles.Add(
                    $"Jobs were set aside after repeated failures: {count}. An admin can see them on the page Queue."
                );
            }
            if (directory.Current.Unreadable.Count is > 0 and var unreadable)
                troubles.Add($"People, groups or sources that can't be read: {unreadable}. The log lists them.");
        }
        catch (StoreUnavailable unavailable)
        {
            reasons.Add(unavailable.Message);
        }
        return reasons.Count == 0
            ? TypedResults.Ok(new ReadyView(troubles.Count == 0 ? "ready" : "degraded", troubles))
            : TypedResults.Json(new ReadyView("not ready", reasons), statusCode: 503);
    }
}
