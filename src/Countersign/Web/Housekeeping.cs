using Countersign.Access;
using Countersign.Outcomes;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Web;

/// <summary>What must be thrown away now and then, by one node at a time.</summary>
public sealed partial class Housekeeping(Store store, ForgetKeys forgetKeys, ForgetDeliveries forgetDeliveries, Sessions sessions, ILogger<Housekeeping> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    // Ends before the next round, so whoever comes first does it, and a node that died is not missed.
    private readonly Lease _lease = new(store, "housekeeping", Lease.NewHolder(), Every / 2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Every, stoppingToken);
                await Round(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task Round(CancellationToken cancel)
    {
        try
        {
            if (!await _lease.TryHold(cancel))
                return;
            var keys = await forgetKeys.Run(cancel);
            var ended = await sessions.EndExpired(cancel);
            var deliveries = await forgetDeliveries.Run(cancel);
            Log.Forgotten(log, keys, ended, deliveries);
        }
        catch (StoreUnavailable unavailable)
        {
            Log.Failed(log, unavailable.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "{Keys} old idempotency keys forgotten, {Sessions} sessions ended whose time was over, {Deliveries} old deliveries forgotten")]
        public static partial void Forgotten(ILogger log, int keys, int sessions, int deliveries);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Housekeeping is put off: {Reason}")]
        public static partial void Failed(ILogger log, string reason);
    }
}
