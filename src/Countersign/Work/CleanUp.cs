using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// Throws away what need not be kept: each step is a job of its own that recurs, so that none keeps another from it.
/// </summary>
public sealed partial class CleanUp(Store store, IEnumerable<CleaningStep> steps, ILogger<CleanUp> log) : IJobHandler
{
    private readonly Dictionary<string, CleaningStep> _steps = steps.ToDictionary(s => s.What);

    public string Kind => "clean";
    public TimeSpan? Interval => TimeSpan.FromMinutes(10);
    public TimeSpan MaxRun => TimeSpan.FromMinutes(5);
    public IEnumerable<string> RecurringKeys => _steps.Keys;

    /// <summary>One after another: they are in no hurry, and other writers are.</summary>
    public ValueTask<int> AtOnce(Reader reader, string receiver) => new(1);

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        // A step that only a later or an earlier program knows.
        if (!_steps.TryGetValue(job.Key, out var step))
            return new JobResult.Done();
        if (await step.Run(cancel) is not 0 and var rows)
            Log.Forgotten(log, rows, step.What);
        return new JobResult.Again(store.Now + Interval!.Value);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Deleted {Rows} expired rows: {What}")]
        public static partial void Forgotten(ILogger log, int rows, string what);
    }
}
