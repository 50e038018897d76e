using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>GET /api/approvals/{id}/status</c>: every five minutes for every pending approval, and whenever somebody looks at
/// one. One cheap read; what is unknown is never given a status.
/// </summary>
internal static class StatusEndpoint
{
    public static async Task<IResult> Run(string id, Asking asking, Store store, CancellationToken cancel) =>
        ApprovalId.IsOne(id) && await Standing.Find(store, asking.Source.Id, id, cancel) is { } standing
            ? Answer.Of(id, standing.KnownStatus, standing.Display)
            : Answer.NotFound();
}
