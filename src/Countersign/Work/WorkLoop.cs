using System.Diagnostics.Metrics;
using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// The loop of everything that runs in the background: wait, do a round, again. The exceptions of a round are logged
/// and counted, and the next one comes later and later while it lasts; nothing but the end of the server ends the loop.
/// Items that fail by themselves are no matter of the loop: see <see cref="JobWorker"/>.
/// </summary>
/// <param name="name">What it does, for the log and for meters.</param>
/// <param name="maxWait">The longest pause after failures; half a minute where nothing is said.</param>
public sealed partial class WorkLoop(string name, ILogger log, TimeSpan? maxWait = null)
{
    public const string MeterName = "Countersign.Work";

    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Failures = Meter.CreateCounter<long>(
        "countersign.work.failures",
        description: "Rounds of background work that failed, by loop"
    );
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);

    private readonly TimeSpan _maxWait = maxWait ?? TimeSpan.FromSeconds(30);

    /// <param name="wait">Returns when it is time for a round, or when something has happened.</param>
    public async Task Run(
        Func<CancellationToken, Task> wait,
        Func<CancellationToken, Task> round,
        CancellationToken stopping
    )
    {
        for (var failures = 0; !stopping.IsCancellationRequested; )
        {
            try
            {
                await wait(stopping);
                await round(stopping);
                failures = 0;
            }
            catch (Exception ended)
                when (stopping.IsCancellationRequested
                    && ended is (OperationCanceledException or ObjectDisposedException)
                )
            {
                // A server that couldn't start disposes of what it had begun.
                return;
            }
            catch (Exception failure)
            {
                Failures.Add(1, new KeyValuePair<string, object?>("loop", name));
                if (failure is StoreUnavailable)
                    Log.PutOff(log, name, failure.Message);
                else
                    Log.Failed(log, failure, name);
                await Task.Delay(Pause(failures++), stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Twice as long each time, and never the same on two nodes.</summary>
    private TimeSpan Pause(int failures)
    {
        var pause = FirstWait * Math.Pow(2, Math.Min(failures, 10));
        return (pause < _maxWait ? pause : _maxWait) * (0.75 + (Jitter.Next() / 4));
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Background work \"{Name}\" is delayed: {Reason}")]
        public static partial void PutOff(ILogger log, string name, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Background work \"{Name}\" failed and will be retried")]
        public static partial void Failed(ILogger log, Exception failure, string name);
    }
}
