using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>
/// Callers that send once and never again leave the people there waiting. Where they list what they sent, what
/// didn't arrive is asked for again, at start-up and every few minutes; where they list what waits, what isn't known
/// here becomes a request.
/// </summary>
internal sealed partial class RecoverCalls(
    Store store,
    GateSources sources,
    GateCaller caller,
    PeopleDirectory directory,
    StoreAsk asks,
    ILogger<RecoverCalls> log
) : IJobHandler
{
    /// <summary>Of one source at once.</summary>
    private const int MaxAgain = 20;

    public string Kind => "gate_recover";
    public TimeSpan? Interval => TimeSpan.FromMinutes(5);
    public TimeSpan MaxRun => TimeSpan.FromMinutes(10);
    public IEnumerable<string> RecurringKeys => ["all"];

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        foreach (var source in (await directory.UpToDate(cancel)).Sources.Values.Where(s => !s.IsDisabled))
        {
            if (
                sources.ByKind.TryGetValue(source.Kind, out var gate)
                && await sources.Open(source.Id, cancel) is { } settings
                && GateSources.MissingOf(gate, settings).Count == 0
            )
            {
                var whole = GateSources.WithDefaults(gate, settings);
                await Recover(gate, whole, cancel);
                await Find(gate, source, whole, cancel);
            }
        }
        return new JobResult.Again(store.Now + Interval!.Value);
    }

    private async Task Recover(IGate gate, GateSettings settings, CancellationToken cancel)
    {
        if (
            gate.Recent(settings, store.Now) is not { } list
            || await caller.Send(gate, settings, list, cancel)
                is not GateCallOutcome.Answered { Answer: { Status: 200 } answer }
        )
        {
            return;
        }
        var again = 0;
        foreach (var call in gate.ReadRecent(settings, answer, store.Now).DistinctBy(c => c.Id))
        {
            if (await IsKnown(settings.SourceId, call.Id, cancel))
                continue;
            if (++again > MaxAgain)
                break;
            await caller.Send(gate, settings, call.Again, cancel);
        }
        if (again > 0)
            Log.Recovered(log, settings.SourceId, again);
    }

    private async Task Find(IGate gate, Source source, GateSettings settings, CancellationToken cancel)
    {
        var read = 0;
        foreach (var list in gate.Waiting(settings))
        {
            if (
                await caller.Send(gate, settings, list, cancel)
                is not GateCallOutcome.Answered { Answer: { Status: 200 } answer }
            )
            {
                continue;
            }
            foreach (var waiting in gate.ReadWaiting(settings, list, answer).DistinctBy(w => w.Ask))
            {
                if (await IsAsked(source.Id, waiting.Ask, cancel))
                    continue;
                if (++read > MaxAgain)
                    return;
                if (
                    await caller.Send(gate, settings, waiting.Read, cancel)
                        is GateCallOutcome.Answered { Answer: { Status: 200 } one }
                    && gate.ReadAsk(settings, waiting.Read, one) is { } ask
                )
                {
                    var origin = new Origin(Actor.Source(source.Id), source.Kind, "");
                    await asks.Run(gate, source, ask, null, origin, cancel);
                }
            }
        }
    }

    private async ValueTask<bool> IsAsked(long source, string ask, CancellationToken cancel) =>
        await store.Read(
            reader =>
                reader.Number(
                    "SELECT count(*) FROM gate_asks WHERE source_id = @source AND ask = @ask",
                    new { source, ask }
                ),
            cancel
        ) > 0;

    private async ValueTask<bool> IsKnown(long source, string call, CancellationToken cancel) =>
        await store.Read(
            reader =>
                reader.Number(
                    "SELECT count(*) FROM gate_calls WHERE source_id = @source AND call = @call",
                    new { source, call }
                ),
            cancel
        ) > 0;

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Source {Source} had made {Count} calls that didn't arrive; it was asked to make them again"
        )]
        public static partial void Recovered(ILogger log, long source, int count);
    }
}
