using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Countersign.Storage;

/// <summary>What an operator watches of the store. Costs nothing while nobody listens.</summary>
internal static class Meters
{
    public const string Name = "Countersign.Store";

    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>("countersign.store.transaction.duration", "ms", "From asking for a transaction to hearing that it is durable");
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>("countersign.store.unavailable", description: "Callers who were told that the store cannot serve");

    public static Task<T> Timed<T>(Task<T> transaction) => Durations.Enabled || Refusals.Enabled ? Measured(transaction) : transaction;

    private static async Task<T> Measured<T>(Task<T> transaction)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            return await transaction;
        }
        catch (StoreUnavailable)
        {
            Refusals.Add(1);
            throw;
        }
        finally
        {
            Durations.Record(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
    }
}
