using Countersign.Outcomes;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>
/// Looks after a request that a system waits for: whether it still does, that it knows that we are at it, and that the
/// request is closed while an answer can still arrive.
/// </summary>
internal sealed class WatchCaller(Store store, CallerState state, OutcomeOptions outcomes) : IJobHandler
{
    public const string JobKind = "gate_watch";

    /// <summary>What the caller's limit closes is told why.</summary>
    private const string TimeIsUp = "The caller doesn't wait any longer.";

    private const string Silent = "The caller doesn't ask any more.";

    public string Kind => JobKind;
    public TimeSpan? Interval => TimeSpan.FromMinutes(15);

    /// <summary>
    /// Many, since each mostly waits for an answer: at one that takes a second, ten thousand Terraform tasks need
    /// forty.
    /// </summary>
    public ValueTask<int> AtOnce(Reader reader, string receiver) => new(64);

    /// <summary>When to look next: no later than when the request must be closed.</summary>
    /// <param name="interval">Null: only then.</param>
    public static DateTimeOffset Next(TimeSpan? interval, DateTimeOffset now, DateTimeOffset? closeAt)
    {
        var look = interval is { } wait ? now + wait : DateTimeOffset.MaxValue;
        var next = closeAt < look ? closeAt.Value : look;
        return next > now ? next : now;
    }

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = RequestId.Of(job.Key);
        var (row, request) = await store.Read(
            async reader =>
                (await GateReplies.Find(reader, id), await RequestRow.Find(reader, id, Viewer.Hub(GateReplies.OfHub))),
            cancel
        );
        if (row is not { IsOpen: true } || request is null)
            return new JobResult.Done();
        if (row.IsPolled)
        {
            return row.SilentAt is { } silent && silent > store.Now
                ? new JobResult.Again(silent)
                : new JobResult.Done(tx => EndIfSilent(tx, id)) { Lock = tx => DeliverVerdict.Lock(tx, id) };
        }
        var closeAt = row.CloseAt is { } at ? Instant.Parse(at) : (DateTimeOffset?)null;
        if (closeAt <= store.Now && !request.IsSettled)
            return new JobResult.Done(tx => Close(tx, id)) { Lock = tx => DeliverVerdict.Lock(tx, id) };
        if (await state.Open(row, cancel) is not ({ } gate, { } settings, { } reply))
            return new JobResult.Again(store.Now + Interval!.Value);
        var verdict = request.IsSettled ? DeliverVerdict.VerdictOf(request, outcomes) : null;
        var interval = gate.Traits.WatchInterval;
        var next = new JobResult.Again(Next(interval, store.Now, request.IsSettled ? null : closeAt));
        if (interval is null)
            return request.IsSettled ? new JobResult.Done() : next;
        var progress = SendNote.Progress(gate, request, outcomes);
        var seen = await state.Ask(gate, settings, reply, verdict, progress, cancel);
        JobResult.Done End(string how, string why, string? alarm = null) =>
            new(tx => EndUnlessChanged(tx, row, request.Status, how, why, alarm))
            {
                Lock = tx => DeliverVerdict.Lock(tx, id),
            };
        switch (seen)
        {
            case WatchResult.Gone { Why: var why } gone:
                return End(GateReplies.Gone, why, gone.NeverWaited ? GateAlarms.NotWaiting : null);
            case WatchResult.WentOn { Why: var why }:
                return End(verdict is { IsApproved: true } ? GateReplies.Elsewhere : GateReplies.Passed, why);
            // What is left to do after it is with the verdict.
            case WatchResult.OursStands when verdict is not null && gate.FollowUp(settings, reply, verdict) is null:
                return End(GateReplies.Delivered, verdict.Text);
            case WatchResult.Unknown:
                // Sooner than usual: the caller may give up when it doesn't hear of us.
                next = new JobResult.Again(Next(interval / 4, store.Now, request.IsSettled ? null : closeAt));
                break;
        }
        if (seen is not WatchResult.NotHeeded && !seen.TookBack)
            return next;
        return next with
        {
            Write = async tx =>
            {
                if (seen is WatchResult.NotHeeded { Why: var why })
                    await GateReplies.Alarm(tx, id, GateAlarms.NotWaiting, why);
                if (seen.TookBack)
                    await TellAfterTakingBack(tx, row);
            },
            Lock = tx => DeliverVerdict.Lock(tx, id),
        };
    }

    /// <summary>
    /// What the caller said was about the request as it was then. If that was decided or withdrawn meanwhile, it is
    /// asked once more.
    /// </summary>
    private static async ValueTask EndUnlessChanged(
        Tx tx,
        GateReplyRow row,
        Status status,
        string how,
        string why,
        string? alarm
    )
    {
        var id = RequestId.Of(row.RequestId);
        if (await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is not { } request)
            return;
        if (request.Status != status)
        {
            await Jobs.Put(tx, GateReplies.Job(JobKind, request, tx.Now));
            return;
        }
        if (alarm is not null)
            await GateReplies.Alarm(tx, id, alarm, why);
        await GateReplies.End(tx, id, how, why);
    }

    /// <summary>An approval that was told while this took back what it found may be what was taken back.</summary>
    private static async ValueTask TellAfterTakingBack(Tx tx, GateReplyRow row)
    {
        var id = RequestId.Of(row.RequestId);
        if (
            await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is { Status: Status.Approved }
            && await GateReplies.Find(tx, id) is { State: GateReplies.Open or GateReplies.Delivered }
        )
        {
            await GateReplies.Reopen(tx, id, row.SourceId, row.Reply!);
        }
    }

    /// <summary>A poll may have come since this was read.</summary>
    private static async ValueTask EndIfSilent(Tx tx, RequestId id)
    {
        if (await GateReplies.Find(tx, id) is not { IsOpen: true } row)
            return;
        if (row.SilentAt is { } silent && silent > tx.Now)
            await Jobs.Put(tx, GateReplies.Job(JobKind, id, row.SourceId, silent));
        else
            await GateReplies.End(tx, id, GateReplies.Gone, Silent);
    }

    /// <summary>Withdrawn, which the caller is told as a rejection while it still listens.</summary>
    private static async ValueTask Close(Tx tx, RequestId id)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is not { } request)
            return;
        request = await Settle.IfExpired(tx, request);
        if (!request.IsSettled)
            await Withdraw.By(tx, request, TimeIsUp, GateReplies.OfHub);
        await Jobs.Put(tx, GateReplies.Job(DeliverVerdict.JobKind, request, tx.Now));
    }
}
