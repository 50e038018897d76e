using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>
/// Asks the caller what a deployment brings, for those who review it. The request doesn't wait for that, and nothing
/// but this is missing where it can't be read; then the page says so.
/// </summary>
internal sealed class ReadCommits(Store store, GateCaller caller, CallerState state) : IJobHandler
{
    public const string JobKind = "gate_commits";

    private const int MaxCalls = 10;

    private static readonly RetrySchedule Waits = RetrySchedule.Parse("0s,5s,30s,2m", null);

    public string Kind => JobKind;
    public TimeSpan MaxRun => TimeSpan.FromMinutes(3);

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = RequestId.Of(job.Key);
        var (row, request) = await store.Read(
            async reader =>
                (await GateReplies.Find(reader, id), await RequestRow.Find(reader, id, Viewer.Hub(GateReplies.OfHub))),
            cancel
        );
        if (row is not { IsOpen: true } || request is not { IsSettled: false })
            return new JobResult.Done();
        if (
            await state.Open(row, cancel) is not ({ } gate, { } settings, { } reply)
            || gate.Commits(settings, reply, []) is not { } step
        )
        {
            return new JobResult.Done();
        }
        var answers = new List<CallAnswer>();
        while (step.Next is { } call && answers.Count < MaxCalls)
        {
            var (answer, why) = await Send(gate, settings, call, cancel);
            if (answer is null)
            {
                return Waits.WaitAfter((int)job.Attempts + 1, Jitter.Next()) is { } wait
                    ? new JobResult.Again(store.Now + wait, why)
                    : Keep(id, step.Found with { Problem = why });
            }
            answers.Add(answer);
            step = gate.Commits(settings, reply, answers)!;
        }
        return Keep(id, step.Found);
    }

    /// <returns>Without an answer why it is worth another attempt.</returns>
    private async Task<(CallAnswer? Answer, string Why)> Send(
        IGate gate,
        GateSettings settings,
        OutgoingCall call,
        CancellationToken cancel
    )
    {
        switch (await caller.Send(gate, settings, call, cancel))
        {
            case GateCallOutcome.Answered { Answer: { Status: not (401 or 429 or >= 500) } answer }:
                return (answer, "");
            case GateCallOutcome.Answered { Answer.Status: var status }:
                if (status == 401)
                    caller.ForgetToken(settings, call.TokenScope);
                return (null, $"{call.Url.Host} answers with {status}.");
            case GateCallOutcome.Failed { Why: var why }:
                return (null, why);
            case GateCallOutcome.NotAllowed { Why: var why }:
                return (null, why);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static JobResult.Done Keep(RequestId id, NewCommits found) =>
        new(async tx =>
        {
            // What was decided meanwhile was decided without them.
            if (await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is { IsSettled: false } request)
                await RequestChange.Save(tx, request, request, GateReplies.OfHub, NewCommits.Kind, found);
        })
        {
            Lock = tx => DeliverVerdict.Lock(tx, id),
        };
}
