using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>
/// Callers that send once and never again leave the people there waiting. Where they list what they sent, what
/// didn't arrive is asked for again, at start-up and every few minutes.
/// </summary>
internal sealed partial class RecoverCalls(
    Store store,
    GateSources sources,
    GateCaller caller,
    PeopleDirectory directory,
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
                await Recover(gate, GateSources.WithDefaults(gate, settings), cancel);
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
