using Countersign.Pages.Layout;
using Countersign.SignIn;

namespace Countersign.Pages;

/// <summary>
/// <c>GET /pending</c>: how many requests need the reader's review, for open pages that hear no news. Asking costs
/// nothing while nothing is written (<see cref="PendingCount"/>).
/// </summary>
internal static class PendingEndpoint
{
    public const string Path = "/pending";

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        PendingCount counts,
        CancellationToken cancel
    )
    {
        var pending = (await counts.Of(caller.Person.Id, caller.Viewer, cancel)).Count;
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new Pending(
                pending > 0 ? PendingCount.Text(pending) : "",
                http.Request.PathBase + PendingCount.IconFor(pending).Address
            )
        );
    }

    /// <param name="Count">As the navigation and the tab's title show it; empty: none.</param>
    /// <param name="Icon">The tab's icon.</param>
    private sealed record Pending(string Count, string Icon);
}
