using System.Text.Json;
using Countersign.Storage;
using Countersign.Work;

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

    /// <summary>LaunchDarkly is asked first; the answer counts when that has ended.</summary>
    public sealed record Kept(ApprovalRequest Request) : DestinationAnswerOutcome;

    /// <summary>
    /// The answer settles nothing: why, in a sentence for the destination's page. The request's activity says so too.
    /// </summary>
    public sealed record Refused(ApprovalRequest Request, string Why) : DestinationAnswerOutcome;

    public sealed record NotFound : DestinationAnswerOutcome;
}

/// <summary>
/// The way in for workflow systems, inside the transaction that takes down what they said: an answer settles an active
/// request whose stamped policy leaves the decision to that system, before it expires, and only for the content it was
/// asked about and under the id that the request's activity recorded when it was handed over. It is final, even if
/// the system says something else later; one that settles nothing is recorded all the same.
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

        if (answer.Approves && (request.OpenCheck != OpenCheck.None || request.ChangeDigest is not null))
            return new DestinationAnswerOutcome.Kept(await Keep(tx, request, answer, origin));
        return new DestinationAnswerOutcome.Settled(await Settled(tx, request, answer, origin));
    }

    /// <summary>The destination's answer, as it counts now.</summary>
    internal static ValueTask<ApprovalRequest> Settled(
        Tx tx,
        ApprovalRequest request,
        DestinationAnswer answer,
        Origin origin
    )
    {
        var status = answer.Approves ? Status.Approved : Status.Rejected;
        var display =
            $"{(answer.Approves ? "Approved" : "Declined")} by {request.Policy.Destination}"
            + (answer.Display.Length > 0 ? $": {answer.Display}" : "");
        return Settle.As(
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
        );
    }

    /// <summary>
    /// Kept in the request's activity, where it is found when LaunchDarkly has answered. Where nothing is open, whether
    /// the change is still the one that was handed over is asked now.
    /// </summary>
    private static async ValueTask<ApprovalRequest> Keep(
        Tx tx,
        ApprovalRequest request,
        DestinationAnswer answer,
        Origin origin
    )
    {
        var next = request.OpenCheck == OpenCheck.None ? request with { OpenCheck = OpenCheck.Comparison } : request;
        next = await RequestChange.Save(
            tx,
            request,
            next with
            {
                Display = Verdict.StillPending.Confirming,
            },
            origin,
            KeptKind,
            new
            {
                destination = answer.Destination,
                revision = answer.Revision,
                reading = request.Reading,
                externalId = answer.ExternalId,
                approves = answer.Approves,
                value = answer.Value,
                display = answer.Display,
                both = answer.WasBoth,
                check = request.OpenCheck == OpenCheck.None ? next.OpenCheck.ToText() : null,
            }
        );
        if (request.OpenCheck == OpenCheck.None)
            await Jobs.Put(tx, OpenChecks.Job(next, tx.Now));
        return next;
    }

    /// <summary>
    /// What the request's destination has answered to the content and the change that count now; null where nothing.
    /// </summary>
    internal static async ValueTask<(DestinationAnswer Answer, Origin Origin)?> Kept(Tx tx, ApprovalRequest request)
    {
        if (request.Policy.Destination is null)
            return null;
        var events = await tx.All<KeptRow>(
            "SELECT actor, via, data FROM events WHERE subject = @subject AND kind = @kind ORDER BY n DESC",
            new { subject = request.Id.Subject, kind = KeptKind }
        );
        foreach (var row in events)
        {
            var kept = JsonSerializer.Deserialize<KeptAnswer>(row.Data, JsonSerializerOptions.Web)!;
            if (
                kept.Revision == request.Revision
                && kept.Reading == request.Reading
                && string.Equals(kept.Destination, request.Policy.Destination, StringComparison.OrdinalIgnoreCase)
            )
            {
                return (
                    new DestinationAnswer(
                        request.Id,
                        kept.Destination!,
                        kept.Revision,
                        kept.Approves,
                        kept.Value ?? "",
                        kept.Display ?? "",
                        kept.Both,
                        kept.ExternalId ?? ""
                    ),
                    new Origin(new Actor(row.Actor), row.Via, "")
                );
            }
        }
        return null;
    }

    private const string KeptKind = "request.answer_kept";

    private sealed record KeptAnswer(
        string? Destination,
        int Revision,
        int Reading,
        string? ExternalId,
        bool Approves,
        string? Value,
        string? Display,
        bool Both
    );

    private sealed class KeptRow
    {
        public required string Actor { get; init; }
        public required string Via { get; init; }
        public required string Data { get; init; }
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
