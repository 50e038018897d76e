using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Outcomes.Email;

public abstract record MailDecisionOutcome
{
    private MailDecisionOutcome() { }

    /// <summary>The link is good: this is what it would answer.</summary>
    public sealed record Good(ApprovalRequest Request, Answer Answer, Viewer Viewer) : MailDecisionOutcome;

    public sealed record Done(ApprovalRequest Request, Answer Answer) : MailDecisionOutcome;

    /// <summary>A note is needed, and the link is still good.</summary>
    public sealed record NoteRequired(ApprovalRequest Request, Answer Answer, Viewer Viewer) : MailDecisionOutcome;

    /// <summary>
    /// Altered, over, used, for other content, not allowed, already settled: the same answer to all, for it says
    /// nothing to whoever found the link.
    /// </summary>
    public sealed record Refused : MailDecisionOutcome;
}

/// <summary>
/// An answer through a link in a mail: looking changes nothing, whoever looks and how often; pressing the button
/// decides, by the same rules as everywhere, if the policy allows answers by mail. The link works once.
/// </summary>
public sealed class DecideByMail(Store store, MailLinks links)
{
    private const string Via = "mail";

    public async Task<MailDecisionOutcome> Look(string token, CancellationToken cancel)
    {
        if (links.Read(token, store.Now) is not MailLink.Decide link)
            return new MailDecisionOutcome.Refused();
        var viewer = await store.Read(
            async reader => await IsUsed(reader, link) ? null : await ViewerOf(reader, link, ""),
            cancel
        );
        if (viewer is null || await RequestDetails.FindRequest(store, link.Request, viewer, cancel) is not { } request)
            return new MailDecisionOutcome.Refused();
        return
            request.IsSettled
            || request.AnswerDigest != link.Digest
            || !request.Policy.AllowsMailDecisions
            || request.Bars(link.Person)
            ? new MailDecisionOutcome.Refused()
            : new MailDecisionOutcome.Good(request, link.Answer, viewer);
    }

    public async Task<MailDecisionOutcome> Run(string token, string note, string address, CancellationToken cancel)
    {
        if (
            await Look(token, cancel) is not MailDecisionOutcome.Good good
            || links.Read(token, store.Now) is not MailLink.Decide link
        )
        {
            return new MailDecisionOutcome.Refused();
        }
        return await store.InTransaction(tx => Record(tx, link, note, address), cancel) switch
        {
            DecideOutcome.Recorded { Request: var request } => new MailDecisionOutcome.Done(request, link.Answer),
            DecideOutcome.Settled { Request: var request } => new MailDecisionOutcome.Done(request, link.Answer),
            DecideOutcome.NotAllowed { Rule: "note_required" } => new MailDecisionOutcome.NoteRequired(
                good.Request,
                link.Answer,
                good.Viewer
            ),
            _ => new MailDecisionOutcome.Refused(),
        };
    }

    /// <summary>
    /// The link is used up with the answer it gives: both stand or neither. Of two presses at once one waits here for
    /// the other; should the answer not be taken, the link may be used again. Null when the link is good for nothing
    /// any more.
    /// </summary>
    private static async ValueTask<DecideOutcome?> Record(Tx tx, MailLink.Decide link, string note, string address)
    {
        if (!await Use(tx, link))
            return null;
        DecideOutcome? outcome = null;
        if (
            await ViewerOf(tx, link, address) is { } viewer
            && await RequestRow.Find(tx, link.Request, viewer) is { Policy.AllowsMailDecisions: true }
        )
        {
            outcome = await Decide.Record(tx, link.Request, viewer, link.Answer, note, link.Digest);
        }
        if (outcome is DecideOutcome.Recorded or DecideOutcome.Settled)
            await NoteUse(tx, link, address);
        else
            await tx.Execute("DELETE FROM used_links WHERE delivery_id = @id", new { id = link.Delivery });
        return outcome;
    }

    /// <summary>True for the first who uses it.</summary>
    internal static async ValueTask<bool> Use(Tx tx, MailLink link) =>
        await tx.Execute(
            "INSERT INTO used_links (delivery_id, at) VALUES (@id, @now) ON CONFLICT (delivery_id) DO NOTHING",
            new { id = link.Delivery, now = tx.Now }
        ) == 1;

    /// <summary>Once what it was used for stands: from then on the record knows that the link is used up.</summary>
    internal static ValueTask NoteUse(Tx tx, MailLink link, string address) =>
        tx.Append(
            $"person:{link.Person}",
            new Origin(Actor.Person(link.Person), Via, address),
            "person.link_used",
            new { delivery = link.Delivery }
        );

    private static async ValueTask<bool> IsUsed(Reader reader, MailLink link) =>
        await reader.Number("SELECT count(*) FROM used_links WHERE delivery_id = @id", new { id = link.Delivery }) != 0;

    private static async ValueTask<Viewer?> ViewerOf(Reader reader, MailLink link, string address)
    {
        var person = await reader.First<PersonRow>(
            $"SELECT {PersonNames.Sql("people")} AS name, role FROM people WHERE id = @id AND disabled_at IS NULL",
            new { id = link.Person }
        );
        return person is null
            ? null
            : new Viewer(
                Party.Person(link.Person),
                link.Person,
                person.Role == "admin",
                person.Name,
                new Origin(Actor.Person(link.Person), Via, address)
            );
    }

    private sealed class PersonRow
    {
        public required string Name { get; init; }
        public required string Role { get; init; }
    }
}
