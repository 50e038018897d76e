using System.Diagnostics;
using Countersign.Outcomes;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>
/// Tells the caller what was decided, until it has taken it or waits no more. An error, here or there, is never a
/// verdict: it is tried again, slower and slower, and the admins are told. A request that was withdrawn is told as
/// rejected, because the caller would wait for ever.
/// </summary>
internal sealed class DeliverVerdict(Store store, GateCaller caller, CallerState state, OutcomeOptions outcomes)
    : IJobHandler
{
    public const string JobKind = "gate_verdict";

    /// <summary>After this number of attempts, about five minutes, the admins are notified.</summary>
    private const int AlarmAfter = 5;

    /// <summary>How often it is looked whether others, who must act first, have done so.</summary>
    private static readonly TimeSpan OthersActWithin = TimeSpan.FromMinutes(5);

    private static readonly RetrySchedule Waits = RetrySchedule.Parse("0s,2s,10s,1m,4m,10m,20m,30m,1h", null);

    public string Kind => JobKind;
    public TimeSpan MaxRun => TimeSpan.FromMinutes(3);
    public string WhyNotDiscard => "Its caller waits for it. Retry, or decide there.";

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = RequestId.Of(job.Key);
        var (row, request) = await store.Read(
            async reader =>
                (await GateReplies.Find(reader, id), await RequestRow.Find(reader, id, Viewer.Hub(GateReplies.OfHub))),
            cancel
        );
        if (row is not { IsOpen: true, IsPolled: false } || request is not { IsSettled: true })
            return new JobResult.Done();
        var verdict = VerdictOf(request, outcomes);
        if (await state.Open(row, cancel) is not ({ } gate, { } settings, { } reply))
            return Again(job, id, "The source's secrets can't be read.", null, mustAlarm: true);
        // Nothing is sent to it, as nothing that it sends is taken.
        if (await store.Read(reader => Sources.IsDisabled(reader, row.SourceId), cancel))
            return Again(job, id, "The source is disabled.", TimeSpan.FromMinutes(15), mustAlarm: true);

        // Taken before: only what comes after it is left.
        if (request.AppliedAt is not null && gate.FollowUp(settings, reply, verdict) is not null)
            return await Finish(job, id, gate, settings, reply, verdict, cancel);
        var call = gate.Verdict(settings, reply, verdict);
        var look = verdict.IsApproved ? gate.Look(settings, reply) : null;
        var sent = await caller.Send(gate, settings, look ?? call, cancel);
        if (look is not null && sent is GateCallOutcome.Answered { Answer: { IsGood: true } seen })
        {
            switch (gate.ReadWatch(settings, reply, look, seen, verdict))
            {
                case WatchResult.StillWaiting:
                    sent = await caller.Send(gate, settings, call, cancel);
                    break;
                case WatchResult.Gone { Why: var why }:
                    return End(id, GateReplies.Gone, why);
                case WatchResult.WentOn { Why: var why }:
                    return End(id, GateReplies.Elsewhere, why);
                default:
                    return Again(job, id, "What it is about couldn't be read there.", null);
            }
        }
        var age = store.Now - Instant.Parse(row.AskedAt);
        switch (sent)
        {
            case GateCallOutcome.NotAllowed { Why: var why }:
                return Again(job, id, why, TimeSpan.FromHours(1), mustAlarm: true);
            case GateCallOutcome.Failed { Why: var why }:
                return Again(job, id, why, null);
            case GateCallOutcome.Answered { Answer: var answer }:
                var result = gate.Classify(answer, age);
                if (result is CallResult.TokenRefused)
                    caller.ForgetToken(settings, call.TokenScope);
                return result switch
                {
                    CallResult.Delivered => await Finish(job, id, gate, settings, reply, verdict, cancel),
                    CallResult.Gone { Why: var why } => End(id, GateReplies.Gone, why),
                    CallResult.Over when job.Attempts > 0 => await Finish(
                        job,
                        id,
                        gate,
                        settings,
                        reply,
                        verdict,
                        cancel
                    ),
                    CallResult.Over { Why: var why } => End(id, GateReplies.Gone, why),
                    CallResult.Retry { Why: var why, After: var after } => Again(job, id, why, after),
                    CallResult.TokenRefused { Why: var why } => Again(job, id, why, null),
                    CallResult.Held { Why: var why } => Again(job, id, why, TimeSpan.FromMinutes(15), mustAlarm: true),
                    CallResult.Unclear { Why: var why } => await Judge(
                        job,
                        id,
                        gate,
                        settings,
                        reply,
                        verdict,
                        why,
                        cancel
                    ),
                    _ => throw new UnreachableException(),
                };
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The first words are the decision, so that a caller that shows few shows that.</summary>
    internal static GateVerdict VerdictOf(ApprovalRequest request, OutcomeOptions outcomes) =>
        new(
            request.Id.Value,
            request.Status == Status.Approved,
            request.Status == Status.Withdrawn ? "Withdrawn" : request.Display,
            outcomes.Link($"/requests/{request.Id}")
        )
        {
            IsWithdrawn = request.Status == Status.Withdrawn,
        };

    private async Task<JobResult> Judge(
        Job job,
        RequestId id,
        IGate gate,
        GateSettings settings,
        GateReply reply,
        GateVerdict verdict,
        string why,
        CancellationToken cancel
    ) =>
        await state.Ask(gate, settings, reply, verdict, verdict.Text, cancel) switch
        {
            WatchResult.OursStands => await Finish(job, id, gate, settings, reply, verdict, cancel),
            WatchResult.Gone gone => End(id, GateReplies.Gone, gone.Why),
            // What was let through is what we say too, or it is not.
            WatchResult.WentOn on => End(id, verdict.IsApproved ? GateReplies.Elsewhere : GateReplies.Passed, on.Why),
            _ => Again(job, id, why, null),
        };

    /// <summary>
    /// The verdict was taken: an approval can't be withdrawn any more, also while something is left to do there.
    /// </summary>
    private async Task<JobResult> Finish(
        Job job,
        RequestId id,
        IGate gate,
        GateSettings settings,
        GateReply reply,
        GateVerdict verdict,
        CancellationToken cancel
    ) =>
        await FollowUp(job, id, gate, settings, reply, verdict, cancel) switch
        {
            null => new JobResult.Done(tx => Taken(tx, id, verdict, isAll: true)) { Lock = tx => Lock(tx, id) },
            { Write: var write } again => again with
            {
                Write = async tx =>
                {
                    await Taken(tx, id, verdict, isAll: false);
                    if (write is not null)
                        await write(tx);
                },
                Lock = tx => Lock(tx, id),
            },
        };

    /// <param name="isAll">Nothing is left to do there.</param>
    private static async ValueTask Taken(Tx tx, RequestId id, GateVerdict verdict, bool isAll)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is not { } request)
            return;
        if (verdict.IsApproved && request.Status != Status.Approved)
            await GateReplies.End(tx, id, GateReplies.Passed, "The approval had arrived before it was withdrawn.");
        else if (isAll)
            await GateReplies.End(tx, id, GateReplies.Delivered, verdict.Text);
        else if (verdict.IsApproved)
            await MarkApplied.By(tx, request, GateReplies.OfHub);
    }

    /// <summary>Null once nothing is left to do.</summary>
    private async Task<JobResult.Again?> FollowUp(
        Job job,
        RequestId id,
        IGate gate,
        GateSettings settings,
        GateReply reply,
        GateVerdict verdict,
        CancellationToken cancel
    )
    {
        var call = gate.FollowUp(settings, reply, verdict);
        for (var steps = 0; call is not null && steps < CallerState.MaxSteps; steps++)
        {
            switch (await caller.Send(gate, settings, call, cancel))
            {
                case GateCallOutcome.NotAllowed { Why: var why }:
                    return Again(job, id, why, TimeSpan.FromHours(1), mustAlarm: true);
                case GateCallOutcome.Failed { Why: var why }:
                    return Again(job, id, why, null);
                case GateCallOutcome.Answered { Answer: var answer }:
                    switch (gate.ReadFollowUp(settings, reply, call, answer))
                    {
                        case FollowUpResult.Done:
                            call = null;
                            break;
                        case FollowUpResult.Next { Call: var next }:
                            call = next;
                            break;
                        case FollowUpResult.NotYet:
                            return new JobResult.Again(store.Now + OthersActWithin);
                        case FollowUpResult.Retry { Why: var why, After: var after }:
                            return Again(job, id, why, after);
                        case FollowUpResult.Held { Why: var why }:
                            return Again(job, id, why, TimeSpan.FromMinutes(15), mustAlarm: true);
                        default:
                            throw new UnreachableException();
                    }
                    break;
                default:
                    throw new UnreachableException();
            }
        }
        return null;
    }

    private static JobResult.Done End(RequestId id, string how, string why) =>
        new(tx => GateReplies.End(tx, id, how, why)) { Lock = tx => Lock(tx, id) };

    private JobResult.Again Again(Job job, RequestId id, string why, TimeSpan? after, bool mustAlarm = false)
    {
        var usual = Waits.WaitAfter((int)Math.Min(job.Attempts + 1, Waits.Steps.Count - 1), Jitter.Next())!.Value;
        var wait = after > usual || mustAlarm ? after ?? usual : usual;
        return new JobResult.Again(store.Now + wait, why)
        {
            Write = tx =>
                mustAlarm || job.Attempts + 1 >= AlarmAfter
                    ? GateReplies.Alarm(tx, id, GateAlarms.Undelivered, why)
                    : ValueTask.CompletedTask,
            Lock = tx => Lock(tx, id),
        };
    }

    internal static async ValueTask Lock(Tx tx, RequestId id) =>
        await tx.Text($"SELECT id FROM requests WHERE id = @id{tx.ForUpdate}", new { id });

    public ValueTask WhenSetAside(Tx tx, Job job) =>
        GateReplies.Alarm(
            tx,
            RequestId.Of(job.Key),
            GateAlarms.Undelivered,
            "The verdict couldn't be sent. Retry it on the page Work."
        );
}

/// <summary>How a caller is asked whether it still waits.</summary>
internal sealed class CallerState(GateSources sources, GateCaller caller, PeopleDirectory directory)
{
    internal const int MaxSteps = 4;

    public async ValueTask<(IGate? Gate, GateSettings? Settings, GateReply? Reply)> Open(
        GateReplyRow row,
        CancellationToken cancel
    ) =>
        (await directory.UpToDate(cancel)).Sources.GetValueOrDefault(row.SourceId) is { } source
        && sources.ByKind.TryGetValue(source.Kind, out var gate)
        && await sources.Open(row.SourceId, cancel) is { } settings
        && sources.OpenReply(row.Reply, row.SourceId) is { } reply
            ? (gate, GateSources.WithDefaults(gate, settings), reply)
            : default;

    public async Task<WatchResult> Ask(
        IGate gate,
        GateSettings settings,
        GateReply reply,
        GateVerdict? verdict,
        string progress,
        CancellationToken cancel
    )
    {
        var call = gate.Watch(settings, reply, progress);
        var tookBack = false;
        for (var steps = 0; call is not null && steps < MaxSteps; steps++)
        {
            tookBack |= call.TakesBack;
            if (await caller.Send(gate, settings, call, cancel) is not GateCallOutcome.Answered { Answer: var answer })
                return new WatchResult.Unknown("The caller couldn't be asked.") { TookBack = tookBack };
            if (answer.Status == 401)
                caller.ForgetToken(settings, call.TokenScope);
            var result = gate.ReadWatch(settings, reply, call, answer, verdict);
            if (result is not WatchResult.Next next)
                return result with { TookBack = tookBack };
            call = next.Call;
        }
        return new WatchResult.Unknown("The caller's answers lead nowhere.") { TookBack = tookBack };
    }
}
