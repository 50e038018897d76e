using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>What a workflow system said of the content that it was asked about.</summary>
/// <param name="Destination">The destination's name, as the policy has it.</param>
/// <param name="Revision">The content for which the question was opened there; an answer speaks of no other.</param>
/// <param name="Value">The status as that system wrote it, and how it shows it to people.</param>
/// <param name="WasBoth">The answer looked like a yes and like a no at once, which counts as no.</param>
public sealed record DestinationAnswer(
    RequestId Request,
    string Destination,
    int Revision,
    bool Approves,
    string Value,
    string Display,
    bool WasBoth,
    string ExternalId
);

public abstract record DestinationAnswerOutcome
{
    private DestinationAnswerOutcome() { }

    public sealed record Settled(ApprovalRequest Request) : DestinationAnswerOutcome;

    /// <summary>
    /// The answer settles nothing: why, in a sentence for the destination's page. The request's activity says so too.
    /// </summary>
    public sealed record Refused(ApprovalRequest Request, string Why) : DestinationAnswerOutcome;

    public sealed record NotFound : DestinationAnswerOutcome;
}

/// <summary>
/// The way in for workflow systems, inside the transaction that takes down what they said: an answer settles an active
/// request whose stamped policy leaves the decision to that system, before it expires, and only for the content it was
/// asked about and under the id that the request's activity recorded when it was handed over. It is final, whatever the
/// system says later; one that settles nothing is recorded all the same.
/// </summary>
public static class AnswerFromDestination
{
    public static async ValueTask<DestinationAnswerOutcome> Take(Tx tx, DestinationAnswer answer, Origin origin)
    {
        if (await RequestRow.Find(tx, answer.Request, Viewer.Hub(origin)) is not { } request)
            return new DestinationAnswerOutcome.NotFound();
        request = await Settle.IfExpired(tx, request);
        var refusal =
            request.IsSettled ? ("settled", $"The request is already closed: {request.Display}.")
            : request.Revision != answer.Revision ? ("other_revision", "It decides an earlier revision of the request.")
            : !string.Equals(request.Policy.Destination, answer.Destination, StringComparison.OrdinalIgnoreCase)
                ? ("not_asked", "The request's policy doesn't leave the decision to this destination.")
            : await LinkedAs(tx, answer) != answer.ExternalId
                ? ("other_id", "The ID isn't the one that was recorded when the request was sent there.")
            : default;
        if (refusal is ({ } rule, { } why))
        {
            request = await RequestChange.Save(
                tx,
                request,
                request,
                origin,
                "request.answer_refused",
                new
                {
                    rule,
                    why,
                    destination = answer.Destination,
                    revision = answer.Revision,
                    externalId = answer.ExternalId,
                    approves = answer.Approves,
                    value = answer.Value,
                    display = answer.Display,
                }
            );
            return new DestinationAnswerOutcome.Refused(request, why);
        }

        var status = answer.Approves ? Status.Approved : Status.Rejected;
        var display =
            $"{(answer.Approves ? "Approved" : "Declined")} by {request.Policy.Destination}"
            + (answer.Display.Length > 0 ? $": {answer.Display}" : "");
        return new DestinationAnswerOutcome.Settled(
            await Settle.As(
                tx,
                request,
                answer.Revision,
                [],
                status,
                display,
                origin,
                new
                {
                    status = status.ToWireName(),
                    destination = request.Policy.Destination,
                    content = answer.Revision,
                    externalId = answer.ExternalId,
                    value = answer.Value,
                    display = answer.Display,
                    both = answer.WasBoth ? true : (bool?)null,
                }
            )
        );
    }

    /// <summary>
    /// The id under which the request's own activity says that this content was handed over, null where it says
    /// nothing. The link's row may have been changed past the hub; the activity is sealed.
    /// </summary>
    private static async ValueTask<string?> LinkedAs(Tx tx, DestinationAnswer answer)
    {
        var events = await tx.All<LinkedRow>(
            "SELECT data FROM events WHERE subject = @subject AND kind = 'request.linked' ORDER BY n DESC",
            new { subject = answer.Request.Subject }
        );
        return events
            .ConvertAll(e => JsonSerializer.Deserialize<Linked>(e.Data, JsonSerializerOptions.Web)!)
            .Find(e =>
                string.Equals(e.Destination, answer.Destination, StringComparison.OrdinalIgnoreCase)
                // Those of earlier versions do not say the revision.
                && (e.Revision ?? answer.Revision) == answer.Revision
            )
            ?.ExternalId;
    }

    private sealed record Linked(string? Destination, string? ExternalId, int? Revision);

    private sealed class LinkedRow
    {
        public required string Data { get; init; }
    }

    /// <summary>
    /// Takes down on the request what became of handing it over: <c>request.linked</c>, <c>request.held</c>. False when
    /// it is settled, whose story is not gone on with.
    /// </summary>
    public static async ValueTask<bool> Note(Tx tx, RequestId id, Origin origin, string kind, object data)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { IsSettled: false } request)
            return false;
        await RequestChange.Save(tx, request, request, origin, kind, data);
        return true;
    }
}
