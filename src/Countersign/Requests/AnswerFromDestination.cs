using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>What a workflow system said of the content that it was asked about.</summary>
/// <param name="Destination">The destination's name, as the policy has it.</param>
/// <param name="Revision">The content for which the question was opened there; an answer speaks of no other.</param>
/// <param name="Value">The status as that system wrote it, and how it shows it to people.</param>
/// <param name="WasBoth">The answer looked like a yes and like a no at once, which counts as no.</param>
public sealed record DestinationAnswer(RequestId Request, string Destination, int Revision, bool Approves, string Value, string Display, bool WasBoth, string ExternalId);

public abstract record DestinationAnswerOutcome
{
    private DestinationAnswerOutcome() { }

    public sealed record Settled(ApprovalRequest Request) : DestinationAnswerOutcome;

    /// <summary>Too late: it is what the request says.</summary>
    public sealed record AlreadySettled(ApprovalRequest Request) : DestinationAnswerOutcome;

    /// <summary>The answer is to another content, or nobody left the decision to this system.</summary>
    public sealed record NotAsked(ApprovalRequest Request) : DestinationAnswerOutcome;

    public sealed record NotFound : DestinationAnswerOutcome;
}

/// <summary>
/// The way in for workflow systems, inside the transaction that takes down what they said: an answer settles an active
/// request whose stamped policy leaves the decision to that system, and only for the content it was asked about. It is
/// final, whatever the system says later.
/// </summary>
public static class AnswerFromDestination
{
    public static async ValueTask<DestinationAnswerOutcome> Take(Tx tx, DestinationAnswer answer, Origin origin)
    {
        if (await RequestRow.Find(tx, answer.Request, Viewer.Hub(origin)) is not { } request)
            return new DestinationAnswerOutcome.NotFound();
        if (request.IsSettled)
            return new DestinationAnswerOutcome.AlreadySettled(request);
        if (request.Revision != answer.Revision || !string.Equals(request.Policy.Destination, answer.Destination, StringComparison.OrdinalIgnoreCase))
            return new DestinationAnswerOutcome.NotAsked(request);

        var status = answer.Approves ? Status.Approved : Status.Rejected;
        var next = request with
        {
            Status = status,
            SettledAt = tx.Now,
            Display = $"{(answer.Approves ? "Approved" : "Declined")} by {request.Policy.Destination}{(answer.Display.Length > 0 ? $": {answer.Display}" : "")}",
        };
        return new DestinationAnswerOutcome.Settled(await Change.Save(tx, request, next, origin, $"request.{status.Ours()}", new
        {
            status = status.Ours(),
            destination = request.Policy.Destination,
            content = answer.Revision,
            externalId = answer.ExternalId,
            value = answer.Value,
            display = answer.Display,
            both = answer.WasBoth ? true : (bool?)null,
        }));
    }

    /// <summary>Takes down on the request what became of handing it over: <c>request.linked</c>, <c>request.held</c>. False when it is settled, whose story is not gone on with.</summary>
    public static async ValueTask<bool> Note(Tx tx, RequestId id, Origin origin, string kind, object data)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { IsSettled: false } request)
            return false;
        await Change.Save(tx, request, request, origin, kind, data);
        return true;
    }
}
