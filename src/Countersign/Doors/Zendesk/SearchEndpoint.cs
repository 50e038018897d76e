using System.ComponentModel.DataAnnotations;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Zendesk;

public sealed record SearchItem(
    string Id,
    string ApprovalWorkflowInstanceId,
    string Subject,
    string Message,
    [AllowedValues("active", "approved", "rejected", "withdrawn")] string Status,
    string RequesterName,
    string CreatedByName,
    string CreatedAt,
    [AllowedValues("API_ORIGINATION", "UI_ORIGINATION")] string OriginationType
);

public sealed record SearchAnswer(
    IReadOnlyList<SearchItem> ApprovalRequests,
    string? AfterCursor,
    string? AfterUrl,
    string? BeforeCursor,
    string? BeforeUrl
);

/// <summary>
/// <c>POST …/approval_requests/search</c>: what is or was the caller's to decide, newest first. It has no body; the
/// status stands in the address. Zendesk's page shows the first answer and asks for no second.
/// </summary>
internal static class SearchEndpoint
{
    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        RequestList listing,
        Store store,
        PeopleDirectory directory,
        Cursors cursors,
        CancellationToken cancel
    )
    {
        var query = http.Request.Query;
        var mistakes = new BodyErrors();
        var filter = new Filter { TakesPart = true };
        if (query["status"].ToString() is { Length: > 0 } word)
        {
            if (WireNames.StatusOfZendesk(word) is { } status)
                filter = filter with { Statuses = [status] };
            else
                mistakes.Add("status", "Allowed values are active, approved, rejected and withdrawn.");
        }
        var position = ListEndpoint.Cursor(query, cursors, "after_cursor", "page[after]", mistakes);
        if (mistakes.Any)
            return Refusal.Parameters(mistakes);

        var snapshot = directory.Current;
        var shapes = new Shapes(snapshot, store.Now);
        var found = new Dictionary<RequestId, RequestDetails>();
        var page = await listing.Sift(
            caller.Viewer,
            filter,
            RequestList.MaxPage,
            position is null ? null : position with { Newer = false },
            RequestList.MaxPage,
            async requests =>
            {
                foreach (var one in await RequestDetails.Of(store, requests, cancel))
                {
                    if (shapes.IsDecidedBy(caller.Person, one))
                        found[one.Request.Id] = one;
                }
                return requests.Where(r => found.ContainsKey(r.Id));
            },
            cancel
        );
        var tickets = page.Requests.Select(r => r.TicketId).OfType<long>().Distinct();
        var requesters = await TicketRow.RequestersOf(store, [.. tickets], cancel);
        var cursor = page.Older is { } on ? cursors.Write(on) : null;
        return Answer.Of(
            new SearchAnswer(
                [.. page.Requests.Select(r => Item(found[r.Id], snapshot, requesters))],
                cursor,
                ListEndpoint.Link(http.Request, "after_cursor", cursor),
                null,
                null
            )
        );
    }

    private static SearchItem Item(
        RequestDetails details,
        PeopleSnapshot directory,
        IReadOnlyDictionary<long, long> requesters
    )
    {
        var request = details.Request;
        var creator =
            request.CreatorId is { } id && directory.People.TryGetValue(id, out var person)
                ? person.DisplayName
                : request.RequesterName;
        var requester =
            request.TicketId is { } ticket
            && requesters.TryGetValue(ticket, out var asks)
            && directory.People.TryGetValue(asks, out var named)
                ? named.DisplayName
                : creator;
        return new SearchItem(
            request.Id.Value,
            request.Id.Value,
            request.Subject,
            details.Current.Message,
            request.Status.ToZendesk(),
            requester,
            creator,
            Shapes.Time(request.CreatedAt),
            request.SentBy.ToZendesk()
        );
    }
}
