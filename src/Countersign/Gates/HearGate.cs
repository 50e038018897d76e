using System.Globalization;
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
    public sealed record Heard(IGate Gate, GateMessage Message) : HearGateOutcome
    {
        /// <summary>How far what a polling caller asks for is; null where it doesn't poll.</summary>
        internal IReadOnlyList<GateStanding>? Standings { get; init; }

        public GateResponse Answer => Standings is null ? Gate.Acknowledge(Message) : Gate.Answer(Message, Standings);
    }

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
///   6  a caller that polls is answered with how far its request is, which counts as told in the same transaction
/// </code>
/// </summary>
public sealed class HearGate(
    Store store,
    GateSources sources,
    PeopleDirectory directory,
    Submit submit,
    RejectedBodies rejected,
    LastUse lastUse,
    Outcomes.OutcomeOptions outcomes
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
            || (call.Path.Length > 0 && !gate.Traits.HasPaths)
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
                if (ask.PollGap is { } gap)
                {
                    return new HearGateOutcome.Heard(gate, message)
                    {
                        Standings = await Standings(sourceId, [ask.Id], gap, isTold: true, cancel),
                    };
                }
                break;
            case GateMessage.Looked looked:
                return new HearGateOutcome.Heard(gate, message)
                {
                    Standings = await Standings(sourceId, looked.Asks, looked.PollGap, isTold: false, cancel),
                };
            case GateMessage.Gone gone:
                await Withdraw(sourceId, gone, origin, cancel);
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
                if (ask.Group is not null || ask.PollGap is not null)
                {
                    await tx.Text(
                        $"SELECT settings FROM gates WHERE source_id = @id{tx.ForUpdate}",
                        new { id = source.Id }
                    );
                }
                var asked = draft;
                if (!await GateReplies.Begin(tx, source.Id, ask.Id))
                {
                    if (!await IsAskedAnew(tx, source.Id, ask, reply))
                        return null;
                    var again = $"{ask.Id}.{tx.Now.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)}";
                    asked = NewRequestDraft.Of(submission with { ExternalId = again }, origin, tx.Now);
                }
                if (ask.Group is not null && await IsAnsweredByGroup(tx, submission, ask, reply, origin))
                    return null;
                var placed = await submit.Within(tx, asked, origin);
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
    /// What was asked before is asked anew where its caller had gone. Elsewhere it is the same ask: a poll, or a call
    /// that is made again because the verdict is wanted again.
    /// </summary>
    private static async ValueTask<bool> IsAskedAnew(Tx tx, long source, GateAsk ask, string reply)
    {
        if (
            await GateReplies.RequestOf(tx, source, ask.Id) is not { } id
            || await GateReplies.Find(tx, id) is not { } row
        )
        {
            return false;
        }
        if (row.IsPolled)
        {
            if (row.State == GateReplies.Gone || row.SilentAt <= tx.Now)
            {
                await GateReplies.End(tx, id, GateReplies.Gone, "The caller had stopped asking, and asks anew.");
                return true;
            }
            await GateReplies.Polled(tx, id);
            return false;
        }
        if (ask.GroupRule != GroupRule.Supersedes)
            return false;
        if (row.State == GateReplies.Delivered)
            await GateReplies.Reopen(tx, id, source, ask.Id, reply);
        return row.State == GateReplies.Gone;
    }

    private async ValueTask<bool> IsAnsweredByGroup(
        Tx tx,
        Submission submission,
        GateAsk ask,
        string reply,
        Origin origin
    )
    {
        var source = submission.SourceId;
        switch (ask.GroupRule)
        {
            case GroupRule.Joins:
                if (
                    await GateReplies.OpenOf(tx, source, ask.Group!) is { } open
                    && await Join(tx, open, submission, ask, reply, origin)
                )
                {
                    return true;
                }
                // A verdict that is still on its way would answer this, too.
                await GateReplies.Supersede(tx, source, ask.Group!, origin);
                return false;
            case GroupRule.Supersedes:
                await GateReplies.Supersede(tx, source, ask.Group!, origin);
                return false;
            case GroupRule.RepeatsRejection:
                if (await GateReplies.RejectedOf(tx, source, ask.Group!) is not { } rejection)
                    return false;
                await GateReplies.Reopen(tx, rejection, source, ask.Id, reply);
                return true;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <param name="isTold">The answer tells the caller what was decided, so that nothing is owed after it.</param>
    private async Task<IReadOnlyList<GateStanding>> Standings(
        long source,
        IReadOnlyList<string> asks,
        TimeSpan gap,
        bool isTold,
        CancellationToken cancel
    ) =>
        await store.InTransaction(
            async tx =>
            {
                var found = new List<GateStanding>();
                foreach (var ask in asks)
                {
                    if (await GateReplies.RequestOf(tx, source, ask) is not { } id)
                        continue;
                    await DeliverVerdict.Lock(tx, id);
                    if (
                        await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is not { } request
                        || await GateReplies.Find(tx, id) is not { } row
                    )
                    {
                        continue;
                    }
                    request = await Settle.IfExpired(tx, request);
                    if (isTold && request.IsSettled && row.IsOpen)
                        await GateReplies.End(tx, id, GateReplies.Delivered, request.Display);
                    var isCurrent = row.PolledAt is { } at && Instant.Parse(at) + gap > tx.Now;
                    var link = outcomes.Link($"/requests/{id}");
                    found.Add(new GateStanding(request.Status, request.Display, link, isCurrent));
                }
                return found;
            },
            cancel
        );

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
        var traits = gate.Traits;
        var closeAt = tx.Now + new[] { ask.MaxWait ?? traits.MaxWait, ask.CredentialLife }.Min() - traits.Margin;
        await GateReplies.Add(tx, request, ask, reply, closeAt);
        var interval = ask.PollGap ?? traits.FirstWatch ?? traits.WatchInterval;
        if (closeAt is not null || interval is not null)
        {
            await Jobs.Put(
                tx,
                GateReplies.Job(WatchCaller.JobKind, request, WatchCaller.Next(interval, tx.Now, closeAt))
            );
        }
        if (gate.Traits.MaxNotes > 0)
            await Jobs.Put(tx, GateReplies.Job(SendNote.JobKind, request, tx.Now + FirstNote));
    }

    private Task Withdraw(long source, GateMessage.Gone gone, Origin origin, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                if (await GateReplies.RequestOf(tx, source, gone.Ask) is not { } id)
                    return;
                var how =
                    !gone.WentOn ? GateReplies.Gone
                    : await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is { Status: Status.Approved }
                        ? GateReplies.Elsewhere
                    : GateReplies.Passed;
                await GateReplies.End(tx, id, how, gone.Why, origin);
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
