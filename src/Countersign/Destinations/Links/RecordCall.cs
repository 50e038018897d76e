using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>How a call to a destination ended, to be recorded.</summary>
/// <param name="Link">As it was before the call.</param>
/// <param name="Shown">The call and its answer as they may be shown.</param>
/// <param name="Spread">Between 0 and 1: keeps many links from being due at one moment.</param>
internal sealed record CallResult(Link Link, CallOutcome Outcome, string? Shown, double Spread);

/// <summary>Records how a call ended: the link, its next job, and what follows for the request.</summary>
internal static class RecordCall
{
    private static readonly TimeSpan DeadAfter = TimeSpan.FromHours(1);

    public static async ValueTask Take(Tx tx, Destination destination, CallResult result, TimeSpan pollEvery)
    {
        if (await LinkRow.Find(tx, result.Link.Id) is not { } link)
            return;
        await Record(tx, destination, link, result, pollEvery);
        await Health(tx, destination, result.Outcome);
    }

    /// <summary>
    /// The claim on the job ended during the call, so another run may be at the link. That a ticket was opened is
    /// never forgotten; the other run then counts no more.
    /// </summary>
    public static async ValueTask TakeLate(Tx tx, Destination destination, CallResult result, TimeSpan pollEvery)
    {
        if (
            result.Outcome is CallOutcome.Opened
            && await LinkRow.Find(tx, result.Link.Id) is { } link
            && IsToBeOpened(link)
        )
        {
            await Record(tx, destination, link, result, pollEvery);
        }
    }

    private static bool IsToBeOpened(Link link) =>
        link.State is LinkState.New or LinkState.Sending or LinkState.Unsure or LinkState.Held;

    private static async ValueTask Record(
        Tx tx,
        Destination destination,
        Link link,
        CallResult result,
        TimeSpan pollEvery
    )
    {
        var outcome = result.Outcome;
        var next = LinkTransitions.Next(
            link with
            {
                Exchange = result.Shown ?? link.Exchange,
            },
            outcome,
            destination.Manifest.CanLookUp,
            tx.Now,
            pollEvery,
            result.Spread
        );
        var origin = destination.Origin;
        var isActive = true;
        // Before its answer is looked at, because an answer counts only under the id that was recorded.
        if (IsToBeOpened(link) && next.State == LinkState.Open)
        {
            isActive = await NoteLinked(tx, destination.Name, next, origin);
            if (!isActive)
            {
                await tx.Append(
                    $"destination:{destination.Id}",
                    origin,
                    "destination.opened_late",
                    new
                    {
                        link = next.Id,
                        request = next.RequestId.Value,
                        content = next.Revision,
                        externalId = next.ExternalId,
                        url = next.Url,
                    }
                );
            }
        }
        else if (next is { State: LinkState.Open, Pending: PendingAction.None, DueAt: not null })
        {
            var status = await tx.Text("SELECT status FROM requests WHERE id = @id", new { id = next.RequestId });
            isActive = status == Status.Active.ToWireName();
        }
        if (link.Answer.Length == 0 && next.Answer.Length > 0)
        {
            var hasMatchedBoth =
                outcome
                is CallOutcome.Told { Reported.MatchedBoth: true }
                    or CallOutcome.Opened { Reported.MatchedBoth: true };
            var answer = new DestinationAnswer(
                next.RequestId,
                destination.Name,
                next.Revision,
                next.Answer == "approved",
                next.Value ?? "",
                next.Display ?? "",
                hasMatchedBoth,
                next.ExternalId ?? ""
            );
            var taken = await AnswerFromDestination.Take(tx, answer, origin);
            if (taken is DestinationAnswerOutcome.Refused { Why: var why })
                next = next with { Problem = $"Its decision doesn't count. {why}" };
        }
        // Settled here meanwhile: there is nothing to ask any more, but what is pending is still passed on.
        if (!isActive && next.Pending == PendingAction.None)
            next = next with { DueAt = null };
        if (link.State != LinkState.Held && next.State == LinkState.Held)
        {
            await AnswerFromDestination.Note(
                tx,
                next.RequestId,
                origin,
                "request.held",
                new { destination = destination.Name, why = next.Problem }
            );
        }
        await LinkRow.Save(tx, next);
        await LinkJob.Schedule(tx, next);
    }

    /// <summary>Records on the request under which id it is known there; false when it is settled.</summary>
    public static ValueTask<bool> NoteLinked(Tx tx, string destination, Link link, Origin origin) =>
        AnswerFromDestination.Note(
            tx,
            link.RequestId,
            origin,
            "request.linked",
            new
            {
                destination,
                externalId = link.ExternalId,
                url = link.Url,
                revision = link.Revision,
            }
        );

    /// <summary>
    /// Whether the destination answers at all. One that has not for an hour is reported once, until it answers again.
    /// </summary>
    private static async ValueTask Health(Tx tx, Destination destination, CallOutcome outcome)
    {
        var arguments = new
        {
            id = destination.Id,
            now = tx.Now,
            before = tx.Now - DeadAfter,
        };
        if (
            outcome is not (CallOutcome.Failed or CallOutcome.PerhapsOpened or CallOutcome.NotOpened { IsFinal: false })
        )
        {
            await tx.Execute(
                """
                UPDATE destinations SET failing_since = NULL, dead_at = NULL
                WHERE id = @id AND failing_since IS NOT NULL
                """,
                arguments
            );
            return;
        }
        await tx.Execute(
            "UPDATE destinations SET failing_since = @now WHERE id = @id AND failing_since IS NULL",
            arguments
        );
        var isDeadNow =
            await tx.Execute(
                "UPDATE destinations SET dead_at = @now WHERE id = @id AND dead_at IS NULL AND failing_since < @before",
                arguments
            ) == 1;
        if (isDeadNow)
        {
            await tx.Append(
                $"destination:{destination.Id}",
                destination.Origin,
                "destination.dead",
                new { destination = destination.Name }
            );
        }
    }
}
