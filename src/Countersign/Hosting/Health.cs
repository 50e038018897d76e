using System.ComponentModel.DataAnnotations;
using Countersign.Audit;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Hosting;

public sealed record ReadyView(
    [AllowedValues("ready", "degraded", "not ready")] string Status,
    IReadOnlyList<string> Reasons
);

/// <summary>
/// For load balancers and orchestrators: alive is that the process answers; ready is that it can serve, or why not.
/// Degraded serves everyone, and something waits for an admin.
/// </summary>
internal static class Health
{
    /// <summary>Without the file's name: anyone may ask.</summary>
    private const string OtherKey =
        "The root key isn't the one that this store was sealed with. countersign doctor has more.";

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/health/live", () => TypedResults.Text("alive"))
            .AllowAnonymous()
            .DisableRateLimiting()
            .Produces<string>(200, "text/plain")
            .Describe(Tags.Health, DescribeLive);
        routes
            .MapGet("/health/ready", Ready)
            .AllowAnonymous()
            .DisableRateLimiting()
            .Produces<ReadyView>()
            .Produces<ReadyView>(503)
            .Describe(Tags.Health, DescribeReady);
    }

    private static void DescribeLive(OperationText call) =>
        call.Is("getLiveness", "Is the process alive?", "Answers as long as the process can answer at all.")
            .Answer(200, "`alive`");

    private static void DescribeReady(OperationText call) =>
        call.Is(
                "getReadiness",
                "Can the server serve?",
                "`degraded` still serves everyone, and something waits for an admin; `reasons` say what."
            )
            .Answer(200, "The server serves.")
            .Answer(503, "The server can't serve now; `reasons` say why.");

    private static async Task<IResult> Ready(
        Store store,
        PeopleDirectory directory,
        RootKeyCheck rootKey,
        StoreOptions place,
        WriteProbe probe,
        LogTree tree,
        Sealer sealer,
        Drain drain,
        IHostApplicationLifetime lifetime,
        CancellationToken cancel
    )
    {
        var (reasons, troubles) = (new List<string>(), new List<string>());
        if (drain.HasBegun || lifetime.ApplicationStopping.IsCancellationRequested)
            reasons.Add("The server is stopping.");
        try
        {
            if (await store.Read(Store.FindNewerMigration, cancel) is { } newer)
                troubles.Add($"This node is older than the store, which has migration {newer}. Replace it.");
            if (!await store.Read(rootKey.Fits, cancel))
                (place.RootKeyLost ? troubles : reasons).Add(OtherKey);
            await probe.Run(cancel);
            if (await store.Read(WorkList.CountSetAside, cancel) is > 0 and var count)
            {
                troubles.Add(
                    $"Jobs were set aside after repeated failures: {count}. Admins see them on the page Job queue."
                );
            }
            if (await store.Read(WitnessRow.FindFork, cancel) is not null)
                troubles.Add("A witness knows another history of the log. countersign doctor has more.");
            if (sealer.Trouble is not null)
                troubles.Add("Sealing the log has stopped. countersign doctor has more.");
            if (tree.Trouble is not null)
                troubles.Add("The log isn't signed. countersign doctor has more.");
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
