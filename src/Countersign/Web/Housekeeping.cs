using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Web;

/// <summary>What must be thrown away now and then, by one node at a time.</summary>
public sealed partial class Housekeeping(Store store, IEnumerable<CleaningStep> steps, ILogger<Housekeeping> log)
    : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    // Ends before the next round, so whoever comes first does it, and a node that died is not missed.
    private readonly Lease _lease = new(store, "housekeeping", Lease.NewHolder(), Every / 2);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new WorkLoop("housekeeping", log).Run(cancel => Task.Delay(Every, cancel), Round, stoppingToken);

    private async Task Round(CancellationToken cancel)
    {
        if (!await _lease.TryHold(cancel))
            return;
        foreach (var step in steps)
        {
            try
            {
                if (await step.Run(cancel) is not 0 and var rows)
                    Log.Forgotten(log, rows, step.What);
            }
            catch (Exception failure) when (FailedWork.IsItsOwn(failure))
            {
                // What cannot be tidied up keeps nothing else from it.
                Log.Failed(log, failure, step.What);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "{Rows} rows thrown away whose time was over: {What}")]
        public static partial void Forgotten(ILogger log, int rows, string what);

        [LoggerMessage(Level = LogLevel.Error, Message = "Housekeeping could not tidy up {What}")]
        public static partial void Failed(ILogger log, Exception failure, string what);
    }
}
