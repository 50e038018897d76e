using Countersign.Access;
using Countersign.Outcomes;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Web;

/// <summary>What must be thrown away now and then, by one node at a time.</summary>
public sealed partial class Housekeeping(Store store, ForgetKeys forgetKeys, ForgetDeliveries forgetDeliveries, Sessions sessions, ILogger<Housekeeping> log) : BackgroundService
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
        var keys = await Try("idempotency keys", forgetKeys.Run, cancel);
        var ended = await Try("sessions", sessions.EndExpired, cancel);
        var deliveries = await Try("deliveries", forgetDeliveries.Run, cancel);
        await Try("failed work", new FailedWork(store).Forget, cancel);
        Log.Forgotten(log, keys, ended, deliveries);
    }

    /// <summary>What cannot be tidied up keeps nothing else from it.</summary>
    private async Task<int> Try(string what, Func<CancellationToken, Task<int>> run, CancellationToken cancel)
    {
        try
        {
            return await run(cancel);
        }
        catch (Exception failure) when (FailedWork.IsItsOwn(failure))
        {
            Log.Failed(log, failure, what);
            return 0;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "{Keys} old idempotency keys forgotten, {Sessions} sessions ended whose time was over, {Deliveries} old deliveries forgotten")]
        public static partial void Forgotten(ILogger log, int keys, int sessions, int deliveries);

        [LoggerMessage(Level = LogLevel.Error, Message = "Housekeeping could not tidy up {What}")]
        public static partial void Failed(ILogger log, Exception failure, string what);
    }
}
