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

    /// <summary>Of its list.</summary>
    private const int MaxPages = 20;

    private const int SourcesAtOnce = 8;

    /// <summary>A source that hangs is left alone until the next time.</summary>
    private static readonly TimeSpan MaxOfOne = TimeSpan.FromMinutes(2);

    public string Kind => "gate_recover";
    public TimeSpan? Interval => TimeSpan.FromMinutes(5);
    public TimeSpan MaxRun => TimeSpan.FromMinutes(10);
    public IEnumerable<string> RecurringKeys => ["all"];

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        await Parallel.ForEachAsync(
            (await directory.UpToDate(cancel)).Sources.Values.Where(s => !s.IsDisabled),
            new ParallelOptions { MaxDegreeOfParallelism = SourcesAtOnce, CancellationToken = cancel },
            async (source, stop) => await OfSource(source, stop)
        );
        return new JobResult.Again(store.Now + Interval!.Value);
    }

    private async Task OfSource(Source source, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(MaxOfOne);
        try
        {
            if (
                sources.ByKind.TryGetValue(source.Kind, out var gate)
                && await sources.Open(source.Id, patience.Token) is { } settings
                && GateSources.MissingOf(gate, settings).Count == 0
            )
            {
                var whole = GateSources.WithDefaults(gate, settings);
                await Recover(gate, whole, patience.Token);
                await Find(gate, source, whole, patience.Token);
            }
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            Log.NotRecovered(log, source.Id, e);
        }
    }

    private async Task Recover(IGate gate, GateSettings settings, CancellationToken cancel)
    {
        var missing = new List<RecentCall>();
        var list = gate.Recent(settings, store.Now);
        for (var page = 0; list is not null && page < MaxPages; page++)
        {
            if (
                await caller.Send(gate, settings, list, cancel)
                is not GateCallOutcome.Answered { Answer: { Status: 200 } answer }
            )
            {
                break;
            }
            foreach (var call in gate.ReadRecent(settings, answer, store.Now))
            {
                if (!await IsKnown(settings.SourceId, call.Id, cancel))
                    missing.Add(call);
            }
            list = gate.RecentBefore(settings, answer, store.Now);
        }
        if (missing.Count == 0)
            return;
        // Those that wait longest first.
        foreach (var call in missing.DistinctBy(c => c.Id).Reverse().Take(MaxAgain))
            await caller.Send(gate, settings, call.Again, cancel);
        Log.Recovered(log, settings.SourceId, missing.Count);
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
            Message = "Source {Source} had made {Count} calls that didn't arrive; it is asked to make them again"
        )]
        public static partial void Recovered(ILogger log, long source, int count);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Calls of source {Source} that didn't arrive couldn't be looked for; trying again"
        )]
        public static partial void NotRecovered(ILogger log, long source, Exception e);
    }
}
