using Countersign.Access;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>GET /api/approvals/{id}/status</c>: every five minutes for every pending approval, and whenever somebody looks at
/// one. One cheap read; what is unknown is never given a status. A bare delegate, because binding parameters would cost
/// more than the read.
/// </summary>
internal sealed class StatusEndpoint(Store store)
{
    public async Task Run(HttpContext http)
    {
        var id = (string)http.Request.RouteValues["id"]!;
        var source = http.Features.Get<Caller>()!.Source!;
        var answer = ApprovalId.IsOne(id) && await Standing.Find(store, source.Id, id, http.RequestAborted) is { } standing
            ? Answer.Of(id, standing.Status, standing.Display)
            : Answer.NotFound();
        await answer.ExecuteAsync(http);
    }
}
