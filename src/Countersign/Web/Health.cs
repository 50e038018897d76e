using Countersign.Storage;
using Directory = Countersign.Access.Directory;

namespace Countersign.Web;

public sealed record ReadyView(string Status, IReadOnlyList<string> Reasons);

/// <summary>For load balancers and orchestrators: alive is that the process answers; ready is that it can serve, or why not.</summary>
internal static class Health
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Text("alive")).ExcludeFromDescription();
        routes.MapGet("/health/ready", Ready).ExcludeFromDescription();
    }

    private static async Task<IResult> Ready(Store store, Directory directory, IHostApplicationLifetime lifetime, CancellationToken cancel)
    {
        var reasons = new List<string>();
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            reasons.Add("The server is stopping.");
        try
        {
            _ = await store.Read(r => r.Number("SELECT max(number) FROM migrations"), cancel);
            _ = directory.Current;
        }
        catch (StoreUnavailable unavailable)
        {
            reasons.Add(unavailable.Message);
        }
        return reasons.Count == 0
            ? TypedResults.Ok(new ReadyView("ready", []))
            : TypedResults.Json(new ReadyView("not ready", reasons), statusCode: 503);
    }
}
