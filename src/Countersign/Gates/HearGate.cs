using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

public abstract record HearGateOutcome
{
    private HearGateOutcome() { }

    /// <summary>Genuine, and stored where it asks something; the gate says how that is answered.</summary>
    public sealed record Heard(IGate Gate, GateMessage Message) : HearGateOutcome;

    /// <summary>Genuine, but nothing that we can answer.</summary>
    public sealed record Refused(string Why) : HearGateOutcome;

    public sealed record NotSigned : HearGateOutcome;

    /// <summary>Its secrets aren't set, so nothing could prove who calls.</summary>
    public sealed record NotSetUp : HearGateOutcome;

    public sealed record Disabled : HearGateOutcome;

    public sealed record NotFound : HearGateOutcome;
}

/// <summary>
/// A call of a system that waits. What it asks is stored before it is answered, and nothing else is waited for:
/// <code>
///   1  the source exists, is enabled, and has the secrets without which no call is taken
///   2  the signature is good over the bytes as they came; only then are they parsed
///   3  a call that came before, by its id or by what it asks, is answered alike and stored no more
///   4  what one verdict answers joins the open request of its group; with a review in, that review is dismissed
///   5  a verdict of the group that wasn't delivered yet never is: it would answer what came after it
/// </code>
/// </summary>
public sealed class HearGate(
    Store store,
    GateSources sources,
    PeopleDirectory directory,
    Submit submit,
    RejectedBodies rejected,
    LastUse lastUse
)
{
    /// <summary>What is asked together comes within moments, and is told in one note.</summary>
    private static readonly TimeSpan FirstNote = TimeSpan.FromSeconds(2);

    public async Task<HearGateOutcome> Run(
        string kind,
        long sourceId,
        GateCall call,
        string address,
        CancellationToken cancel
    )
    {
        if (
            !sources.ByKind.TryGetValue(kind, out var gate)
            || (await directory.UpToDate(cancel)).Sources.GetValueOrDefault(sourceId) is not { } source
            || source.Kind != kind
        )
        {
            return new HearGateOutcome.NotFound();
        }
        if (source.IsDisabled)
            return new HearGateOutcome.Disabled();
        var stored = await sources.Open(sourceId, cancel);
        if (stored is null || GateSources.MissingOf(gate, stored).Count > 0)
            return new HearGateOutcome.NotSetUp();
        var settings = GateSources.WithDefaults(gate, stored);
        if (!gate.IsGenuine(call, settings))
        {
            await sources.NoteRefused(sourceId, GateRefusals.Signature, cancel);
            return new HearGateOutcome.NotSigned();
        }
        if (source.LastUsedAt is null)
            lastUse.NoteFirst(source.Key);
        else
            lastUse.Note(source.Key);
        await sources.NoteHeard(sourceId, cancel);

        var origin = new Origin(Actor.Source(sourceId), kind, address);
        var message = gate.Parse(call, settings);
        switch (message)
        {
            case GateMessage.Asked { Ask: var ask }:
                await Store(gate, source, ask, message.CallId, origin, cancel);
                break;
            case GateMessage.Gone { Ask: var id, Why: var why }:
                await Withdraw(sourceId, id, why, origin, cancel);
                break;
            case GateMessage.Refused { Why: var why }:
                if (await IsNew(sourceId, message.CallId, cancel))
                    await rejected.Keep(sourceId, why, System.Text.Encoding.UTF8.GetString(call.Body), origin, cancel);
                return new HearGateOutcome.Refused(why);
        }
        return new HearGateOutcome.Heard(gate, message);
    }

    private async Task Store(
        IGate gate,
        Source source,
        GateAsk ask,
        string? call,
        Origin origin,
        CancellationToken cancel
    )
    {
        var people = directory.Current;
        var submission = ask.From(source, people);
        var draft = NewRequestDraft.Of(submission, origin, store.Now);
        var reply = sources.Hide(ask.Reply);
        var outcome = await store.InTransaction(
            async tx =>
            {
                if (call is not null && !await Take(tx, source.Id, call))
                    return null;
                if (ask.Group is not null)
                {
                    await tx.Text(
                        $"SELECT settings FROM gates WHERE source_id = @id{tx.ForUpdate}",
                        new { id = source.Id }
                    );
                }
                if (!await GateReplies.Begin(tx, source.Id, ask.Id))
                    return null;
                if (
                    ask.Group is not null
                    && await GateReplies.OpenOf(tx, source.Id, ask.Group) is { } open
                    && await Join(tx, open, submission, ask, reply, origin)
                )
                {
                    return null;
                }
                // A verdict that is still on its way would answer this, too.
                if (ask.Group is not null)
                    await GateReplies.Supersede(tx, source.Id, ask.Group, origin);
                var placed = await submit.Within(tx, draft, origin);
                if (placed is SubmitOutcome.Created { Request: var request })
                    await Owe(tx, gate, request, ask, reply);
                return placed;
            },
            cancel
        );
        if (outcome is SubmitOutcome.Created)
            submit.NoteStamp(submission.Policy.Stamp);
    }

    /// <summary>
    /// True where the open request of the group stands for this as well. What was reviewed is never extended in
    /// silence: with a review in, or with other content, it becomes a new revision, which dismisses what was reviewed.
    /// </summary>
    private async ValueTask<bool> Join(
        Tx tx,
        RequestId open,
        Submission submission,
        GateAsk ask,
        string reply,
        Origin origin
    )
    {
        if (await RequestRow.Find(tx, open, Viewer.Hub(GateReplies.OfHub)) is not { } request)
            return false;
        request = await Settle.IfExpired(tx, request);
        if (request.IsSettled)
            return false;
        var decisions = await DecisionRow.Of(tx, open);
        var isReviewed = decisions.Any(d => d.Revision == request.Revision);
        if (isReviewed || await GateReplies.DigestOf(tx, open) != submission.Digest)
        {
            var revised = submission with
            {
                ExternalId = request.ExternalId,
                Body = GateReplies.WithAsk(submission.Body, ask.Id),
            };
            revised = revised with { Digest = Digest.Of(revised.Body) };
            await submit.Within(tx, NewRequestDraft.Of(revised, origin, tx.Now), origin);
        }
        else
        {
            await RequestChange.Save(tx, request, request, origin, "request.gate_joined", new { ask = ask.Id });
        }
        await GateReplies.Join(tx, open, request.SourceId, ask.Id, reply);
        return true;
    }

    private static async ValueTask Owe(Tx tx, IGate gate, ApprovalRequest request, GateAsk ask, string reply)
    {
        var ends = new[] { ask.Deadline ?? tx.Now + gate.Traits.MaxWait, ask.CredentialUntil };
        await GateReplies.Add(tx, request, ask, reply, ends.Min() - gate.Traits.Margin);
        if (ends.Min() is not null || gate.Traits.WatchInterval is not null)
        {
            await Jobs.Put(
                tx,
                GateReplies.Job(WatchCaller.JobKind, request, WatchCaller.Next(gate, tx.Now, ends.Min()))
            );
        }
        if (gate.Traits.MaxNotes > 0)
            await Jobs.Put(tx, GateReplies.Job(SendNote.JobKind, request, tx.Now + FirstNote));
    }

    private Task Withdraw(long source, string ask, string why, Origin origin, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                if (await GateReplies.RequestOf(tx, source, ask) is { } id)
                    await GateReplies.End(tx, id, GateReplies.Gone, why, origin);
            },
            cancel
        );

    private Task<bool> IsNew(long source, string? call, CancellationToken cancel) =>
        call is null ? Task.FromResult(true) : store.InTransaction(tx => Take(tx, source, call), cancel);

    /// <summary>False for a call that came before.</summary>
    private static async ValueTask<bool> Take(Tx tx, long source, string call) =>
        await tx.Execute(
            """
            INSERT INTO gate_calls (source_id, call, at) VALUES (@source, @call, @now)
            ON CONFLICT (source_id, call) DO NOTHING
            """,
            new
            {
                source,
                call = call.Length > 200 ? Hashes.Sha256(call) : call,
                now = tx.Now,
            }
        ) == 1;
}

/// <summary>Why a call wasn't taken, as pages translate it.</summary>
public static class GateRefusals
{
    public const string Signature = "signature",
        TooLarge = "too_large";

    public static readonly IReadOnlyList<string> All = [Signature, TooLarge];
}
