using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Countersign.Storage;

/// <summary>What an operator watches of the store. Costs nothing while nobody listens.</summary>
internal static class Meters
{
    public const string Name = "Countersign.Store";

    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>(
        "countersign.store.transaction.duration",
        "ms",
        "From starting a transaction until it's durable"
    );
    private static readonly Histogram<double> Waits = Meter.CreateHistogram<double>(
        "countersign.store.write.wait",
        "ms",
        "From starting a transaction until it runs: the queue for SQLite's lane or for a connection"
    );
    private static readonly Histogram<int> Batches = Meter.CreateHistogram<int>(
        "countersign.store.write.batch",
        "{transaction}",
        "Transactions that shared one commit on SQLite"
    );
    private static readonly UpDownCounter<int> Readers = Meter.CreateUpDownCounter<int>(
        "countersign.store.readers",
        "{connection}",
        "Reading connections in use"
    );
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "countersign.store.unavailable",
        description: "Calls that the store couldn't serve"
    );

    /// <summary>When a writer began to wait; nothing is measured while nobody listens.</summary>
    public static long StartWaiting() => Waits.Enabled ? Stopwatch.GetTimestamp() : 0;

    public static void EndWaiting(long since)
    {
        if (since != 0)
            Waits.Record(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
    }

    public static void Batch(int transactions) => Batches.Record(transactions);

    public static ValueTask<T> Reading<T>(ValueTask<T> reading) => Readers.Enabled ? Counted(reading) : reading;

    private static async ValueTask<T> Counted<T>(ValueTask<T> reading)
    {
        Readers.Add(1);
        try
        {
            return await reading;
        }
        finally
        {
            Readers.Add(-1);
        }
    }

    public static Task<T> Timed<T>(Task<T> transaction) =>
        Durations.Enabled || Refusals.Enabled ? Measured(transaction) : transaction;

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
