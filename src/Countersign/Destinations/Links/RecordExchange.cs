using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>What a call brought, to be taken down.</summary>
/// <param name="Claimed">The link as it was before it was claimed.</param>
/// <param name="Spread">Between 0 and 1: keeps many links from being due at one moment.</param>
internal sealed record Brought(Link Claimed, Exchanged Exchanged, string? Shown, double Spread);

/// <summary>
/// Takes down how a call ended: the link, and what follows for the request. What a lost claim brought is taken down too,
/// as far as it is news: an opened ticket is never forgotten.
/// </summary>
internal static class RecordExchange
{
    private static readonly TimeSpan DeadAfter = TimeSpan.FromHours(1);

    public static async ValueTask Take(Tx tx, Destination destination, string holder, Brought brought, TimeSpan pollEvery)
    {
        var exchanged = brought.Exchanged;
        if (await LinkRow.FindHeld(tx, brought.Claimed.Id) is not ({ } link, var heldBy))
            return;
        var stillToOpen = link.State is LinkState.New or LinkState.Sending or LinkState.Unsure or LinkState.Held;
        if (heldBy != holder && !(exchanged is Exchanged.Opened && stillToOpen))
            return;
        if (exchanged is Exchanged.NotTried)
        {
            // One that was found as being sent keeps its claim, by which the next to find it knows it from one that is sent now.
            if (brought.Claimed.State != LinkState.Sending)
                await LinkRow.Save(tx, link with { State = brought.Claimed.State });
            return;
        }

        var next = LinkCourse.Next(link, exchanged, destination.Manifest.CanLookUp, tx.Now, pollEvery, brought.Spread) with { Exchange = brought.Shown ?? link.Exchange };
        var origin = destination.Origin;
        var isActive = true;
        // Before its answer is looked at, because an answer counts only under the id that was recorded.
        if (stillToOpen && next.State == LinkState.Open)
        {
            isActive = await NoteLinked(tx, destination.Name, next, origin);
            if (!isActive)
            {
                await tx.Append($"destination:{destination.Id}", origin, "destination.opened_late", new
                {
                    link = next.Id,
                    request = next.RequestId.Value,
                    content = next.Revision,
                    externalId = next.ExternalId,
                    url = next.Url,
                });
            }
        }
        else if (next is { State: LinkState.Open, Wish: Wish.None, DueAt: not null })
        {
            isActive = await tx.Text("SELECT status FROM requests WHERE id = @id", new { id = next.RequestId }) == Status.Active.Ours();
        }
        if (link.Answer.Length == 0 && next.Answer.Length > 0)
        {
            var answer = new DestinationAnswer(
                next.RequestId, destination.Name, next.Revision, next.Answer == "approved", next.Value ?? "", next.Display ?? "",
                exchanged is Exchanged.Told { Heard.MatchedBoth: true } or Exchanged.Opened { Heard.MatchedBoth: true }, next.ExternalId ?? "");
            if (await AnswerFromDestination.Take(tx, answer, origin) is DestinationAnswerOutcome.Refused { Why: var why })
                next = next with { Problem = $"Its answer does not count. {why}" };
        }
        // Settled here meanwhile: there is nothing to ask any more, but what is wished is still passed on.
        if (!isActive && next.Wish == Wish.None)
            next = next with { DueAt = null };
        if (link.State != LinkState.Held && next.State == LinkState.Held)
            await AnswerFromDestination.Note(tx, next.RequestId, origin, "request.held", new { destination = destination.Name, why = next.Problem });
        await LinkRow.Save(tx, next);
    }

    /// <summary>Records on the request under which id it is known there; false when it is settled.</summary>
    public static ValueTask<bool> NoteLinked(Tx tx, string destination, Link link, Origin origin) =>
        AnswerFromDestination.Note(tx, link.RequestId, origin, "request.linked",
            new { destination, externalId = link.ExternalId, url = link.Url, revision = link.Revision });

    /// <summary>Whether the destination answers at all. One that has not for an hour is reported once, until it answers again.</summary>
    public static async ValueTask Health(Tx tx, Destination destination, IReadOnlyList<Brought> all)
    {
        var tried = all.Where(a => a.Exchanged is not Exchanged.NotTried).ToList();
        if (tried.Count == 0)
            return;
        if (tried.Exists(a => a.Exchanged is not (Exchanged.Failed or Exchanged.PerhapsOpened or Exchanged.NotOpened { IsFinal: false })))
        {
            await tx.Execute("UPDATE destinations SET failing_since = NULL, dead_at = NULL WHERE id = @id AND failing_since IS NOT NULL", new { id = destination.Id });
            return;
        }
        await tx.Execute("UPDATE destinations SET failing_since = @now WHERE id = @id AND failing_since IS NULL", new { id = destination.Id, now = tx.Now });
        if (await tx.Execute("UPDATE destinations SET dead_at = @now WHERE id = @id AND dead_at IS NULL AND failing_since < @before", new { id = destination.Id, now = tx.Now, before = tx.Now - DeadAfter }) == 1)
        {
            await tx.Append($"destination:{destination.Id}", destination.Origin, "destination.dead", new { destination = destination.Name });
        }
    }
}
