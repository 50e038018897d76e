using Countersign.Destinations;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Request;

/// <summary>Reads all that a request's page shows.</summary>
internal sealed class RequestPageLoader(
    Store store,
    PeopleDirectory directory,
    DestinationViews destinations,
    AbsenceHistory absences
)
{
    /// <summary>Null when it is not there or not the reader's to see.</summary>
    /// <param name="seen">The digest of the content that was read before.</param>
    public async Task<RequestPageModel?> Find(
        RequestId id,
        CurrentCaller caller,
        string? seen,
        CancellationToken cancel
    )
    {
        if (await RequestHistory.Find(store, id, caller.Viewer, seen, cancel) is not { } story)
            return null;
        var (request, snapshot) = (story.Request, directory.Current);
        var asked = request
            .Policy.Steps.SelectMany(snapshot.Pools.Of)
            .Where(person => !request.Bars(person))
            .ToHashSet();
        return new RequestPageModel(story, caller.Caller, snapshot)
        {
            Tickets = request.Policy.Destination is null ? [] : await destinations.Of(id, cancel),
            Absences = await absences.During(
                asked,
                request.CreatedAt,
                request.SettledAt ?? DateTimeOffset.MaxValue,
                cancel
            ),
        };
    }
}
