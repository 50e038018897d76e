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
    public Task<RequestPageModel?> Find(RequestId id, CurrentCaller caller, string? seen, CancellationToken cancel) =>
        Find(id, caller.Viewer, caller.Caller.Person!, seen, cancel);

    /// <summary>For a reader who is known by a link and has no session.</summary>
    public async Task<RequestPageModel?> Find(RequestId id, Viewer viewer, CancellationToken cancel) =>
        viewer.PersonId is { } person && (await directory.Refresh(cancel)).People.TryGetValue(person, out var reader)
            ? await Find(id, viewer, reader, null, cancel)
            : null;

    private async Task<RequestPageModel?> Find(
        RequestId id,
        Viewer viewer,
        Person reader,
        string? seen,
        CancellationToken cancel
    )
    {
        if (await RequestHistory.Find(store, id, viewer, seen, cancel) is not { } story)
            return null;
        var (request, snapshot) = (story.Request, directory.Current);
        var asked = request
            .Policy.Steps.SelectMany(snapshot.Pools.Of)
            .Where(person => !request.Bars(person))
            .ToHashSet();
        return new RequestPageModel(story, viewer, reader, snapshot)
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
