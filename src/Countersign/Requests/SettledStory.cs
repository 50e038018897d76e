using System.Text.Json;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// What an event that settles a request says beside its own data, so that it alone shows what was decided, about what
/// and by whom: the answers that count as a fact, and the people as they were known then.
/// </summary>
internal static class SettledStory
{
    public static EventText Tell(ApprovalRequest request, IReadOnlyList<Decision> decisions, Origin origin, object data)
    {
        var counting = Weigh.LatestThatCount(request, decisions);
        var story = JsonSerializer.Serialize(
            new
            {
                revision = request.Revision,
                digest = request.Digest,
                stamp = request.Policy.Stamp,
                requester = request.RequesterId,
                certainty = request.Certainty.ToWireName(),
                answers = counting.Select(d => new
                {
                    n = d.N,
                    person = d.PersonId,
                    answer = d.Answer.ToWireName(),
                    @for = d.ForPerson,
                    revision = d.Revision,
                    digest = d.Digest,
                    steps = d.Steps,
                    via = d.Via,
                    at = Instant.ToText(d.At),
                }),
            },
            History.Json
        );
        var people = JsonSerializer.Serialize(
            new
            {
                requester = request.RequesterName,
                answered = counting.Select(d => new
                {
                    id = d.PersonId,
                    name = d.PersonName,
                    login = d.PersonEmail,
                    via = d.Via,
                    @for = d.ForPersonName,
                }),
                by = origin.Actor.Text,
            },
            History.Json
        );
        var json = data is EventText text ? text.Json : History.ToJson(data);
        return new EventText($"{json[..^1]}{(json.Length > 2 ? "," : "")}\"story\":{story}}}", people);
    }
}
