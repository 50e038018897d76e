using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// <c>GET /api/v2/approval_requests/{id}</c>: for whoever may see it; what is not theirs looks like what is not there.
/// </summary>
internal static class ShowEndpoint
{
    public static async Task<IResult> Run(
        string id,
        CurrentCaller caller,
        Store store,
        PeopleDirectory directory,
        CancellationToken cancel
    ) =>
        RequestId.TryParse(id, out var requestId)
        && await Find(requestId, caller, store, directory, cancel) is { } shown
            ? Answer.Of(new ShowAnswer(shown))
            : Refusal.NotFound();

    public static async ValueTask<ShownItem?> Find(
        RequestId id,
        CurrentCaller caller,
        Store store,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (await RequestDetails.Find(store, id, caller.Viewer, cancel) is not { } details)
            return null;
        var ticket = details.Request.TicketId is { } ticketId ? await TicketRow.Find(store, ticketId, cancel) : null;
        return ShownItem.From(details, new Shapes(directory.Current, store.Now), ticket, caller.Person);
    }
}
