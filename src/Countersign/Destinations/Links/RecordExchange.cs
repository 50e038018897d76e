using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>
/// Takes down how a call ended: the link, what follows for the request, and whether the destination answers at all, in one
/// transaction. What a lost claim brought is taken down too, as far as it is news: an opened ticket is never forgotten.
/// </summary>
internal sealed class RecordExchange(Store store, DestinationOptions options)
{
    private static readonly TimeSpan DeadAfter = TimeSpan.FromHours(1);

    public Task Run(Destination destination, Link claimed, string holder, Exchanged exchanged, string? exchange, double spread, CancellationToken cancel) => store.InTransaction(async tx =>
    {
        if (await LinkRow.Find(tx, claimed.Id) is not { } link)
            return;
        var mine = await tx.Text("SELECT holder FROM links WHERE id = @id", new { id = link.Id }) == holder;
        var stillToOpen = link.State is LinkState.New or LinkState.Sending or LinkState.Unsure or LinkState.Held;
        if (!mine && !(exchanged is Exchanged.Opened && stillToOpen))
            return;

        var next = LinkCourse.Next(link, exchanged, destination.Manifest.CanLookUp, tx.Now, options.PollEvery, spread) with { Exchange = exchange ?? link.Exchange };
        var origin = destination.Origin;
        if (link.Answer.Length == 0 && next.Answer.Length > 0)
        {
            await AnswerFromDestination.Take(tx, new DestinationAnswer(next.RequestId, destination.Name, next.Revision, next.Answer == "approved",
                next.Value ?? "", next.Display ?? "", exchanged is Exchanged.Told { Heard.MatchedBoth: true } or Exchanged.Opened { Heard.MatchedBoth: true }, next.ExternalId ?? ""), origin);
        }
        else if (next is { State: LinkState.Open, Wish: Wish.None, DueAt: not null }
            && await tx.Text("SELECT status FROM requests WHERE id = @id", new { id = next.RequestId }) != Status.Active.Ours())
        {
            // Settled here meanwhile: there is nothing to ask any more.
            next = next with { DueAt = null };
        }
        if (stillToOpen && next.State == LinkState.Open)
            await AnswerFromDestination.Note(tx, next.RequestId, origin, "request.linked", new { destination = destination.Name, externalId = next.ExternalId, url = next.Url });
        if (link.State != LinkState.Held && next.State == LinkState.Held)
            await AnswerFromDestination.Note(tx, next.RequestId, origin, "request.held", new { destination = destination.Name, why = next.Problem });
        await LinkRow.Save(tx, next);
        await Health(tx, destination, exchanged);
    }, cancel);

    /// <summary>One that has not answered for an hour is reported once, until it answers again.</summary>
    private static async ValueTask Health(Tx tx, Destination destination, Exchanged exchanged)
    {
        var fails = exchanged is Exchanged.Failed or Exchanged.PerhapsOpened or Exchanged.NotOpened { IsFinal: false };
        if (!fails)
        {
            await tx.Execute("UPDATE destinations SET failing_since = NULL, dead_at = NULL WHERE id = @id AND failing_since IS NOT NULL", new { id = destination.Id });
            return;
        }
        await tx.Execute("UPDATE destinations SET failing_since = @now WHERE id = @id AND failing_since IS NULL", new { id = destination.Id, now = tx.Now });
        if (await tx.Execute("UPDATE destinations SET dead_at = @now WHERE id = @id AND dead_at IS NULL AND failing_since < @before", new { id = destination.Id, now = tx.Now, before = tx.Now - DeadAfter }) == 1)
        {
            await tx.Append($"destination:{destination.Id}", destination.Origin, "destination.dead", new { destination = destination.Name });
            await tx.MustBeTold("destination.dead");
        }
    }
}
