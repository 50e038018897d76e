using System.Globalization;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>
/// What a system that waits asks for becomes a request, or part of one, in one transaction with what is owed for it.
/// </summary>
public sealed class StoreAsk(Store store, GateSources sources, PeopleDirectory directory, Submit submit)
{
    /// <summary>What is asked together comes within moments, and is told in one note.</summary>
    private static readonly TimeSpan FirstNote = TimeSpan.FromSeconds(2);

    /// <param name="call">The caller's id of the call; null where it has none.</param>
    public async Task Run(IGate gate, Source source, GateAsk ask, string? call, Origin origin, CancellationToken cancel)
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
                var mayStand =
                    ask is { Group: { } group, GroupRule: GroupRule.Supersedes, PollGap: null }
                    && await GateReplies.HasApproval(tx, source.Id, group);
                if (ask.Group is not null)
                {
                    if (await IsAnsweredByGroup(tx, submission, ask, reply, origin))
                        return null;
                    asked = await AfterEarlier(tx, ask.Group, asked, origin);
                }
                var placed = await submit.Within(tx, asked, origin);
                if (placed is SubmitOutcome.Created { Request: var request })
                    await Owe(tx, gate, request, ask, reply, mayStand);
                return placed;
            },
            cancel
        );
        submit.NoteStamp(outcome);
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
        {
            await GateReplies.Reopen(tx, id, source, reply);
            // What was asked after it may not be waited for any more.
            if (ask.Group is not null && await GateReplies.OpenOf(tx, source, ask.Group) is { } later)
                await Jobs.Hurry(tx, WatchCaller.JobKind, later.Value);
        }
        return row.State == GateReplies.Gone;
    }

    /// <summary>
    /// Who asked for something of the group before goes on being barred: it is the same run, or the same merge request
    /// with what they pushed in it.
    /// </summary>
    private static async ValueTask<NewRequestDraft> AfterEarlier(
        Tx tx,
        string group,
        NewRequestDraft draft,
        Origin origin
    ) =>
        await GateReplies.LatestOf(tx, draft.Submission.SourceId, group) is { } latest
        && await RequestRow.Find(tx, latest, Viewer.Hub(GateReplies.OfHub)) is { } earlier
            ? NewRequestDraft.Of(await Submit.Following(tx, earlier, draft.Submission), origin, tx.Now)
            : draft;

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
                await GateReplies.Reopen(tx, rejection, source, reply);
                await GateReplies.Name(tx, rejection, source, ask.Id);
                return true;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>
    /// True where the open request of the group stands for this as well. What was reviewed is never extended in
    /// silence: with a review in, or with other content, it becomes a new revision, which dismisses what was reviewed.
    /// So it does where others ask, who are barred as well from then on.
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
        if (
            isReviewed
            || Submit.IsAskedByMore(request, submission.Requester)
            || await GateReplies.DigestOf(tx, open) != submission.Digest
        )
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

    /// <param name="watchesAtOnce">An approval of something before it may still count there.</param>
    private static async ValueTask Owe(
        Tx tx,
        IGate gate,
        ApprovalRequest request,
        GateAsk ask,
        string reply,
        bool watchesAtOnce
    )
    {
        var traits = gate.Traits;
        var closeAt = tx.Now + new[] { ask.MaxWait ?? traits.MaxWait, ask.CredentialLife }.Min() - traits.Margin;
        await GateReplies.Add(tx, request, ask, reply, closeAt);
        var interval = ask.PollGap ?? traits.FirstWatch ?? traits.WatchInterval;
        if (closeAt is not null || interval is not null)
        {
            await Jobs.Put(
                tx,
                GateReplies.Job(
                    WatchCaller.JobKind,
                    request,
                    watchesAtOnce ? tx.Now : WatchCaller.Next(interval, tx.Now, closeAt)
                )
            );
        }
        if (traits.HasCommits)
            await Jobs.Put(tx, GateReplies.Job(ReadCommits.JobKind, request, tx.Now));
        if (gate.Traits.MaxNotes > 0)
            await Jobs.Put(tx, GateReplies.Job(SendNote.JobKind, request, tx.Now + FirstNote));
    }

    /// <summary>False for a call that came before.</summary>
    internal static async ValueTask<bool> Take(Tx tx, long source, string call) =>
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
