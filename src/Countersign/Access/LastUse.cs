using System.Collections.Concurrent;
using System.Threading.Channels;
using Countersign.Storage;

namespace Countersign.Access;

/// <summary>
/// When each key and session was last used, to the minute: enough to find those that nobody needs, and no write on the hot path.
/// </summary>
public sealed partial class LastUse(Store store, ILogger<LastUse> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, bool> _used = new();
    private readonly Channel<bool> _hurry = Channel.CreateBounded<bool>(1);

    public void Note(string key) => _used.TryAdd(key, true);

    /// <summary>The first time is written at once: somebody is waiting to see that a system they just set up has called.</summary>
    public void NoteFirst(string key)
    {
        if (_used.TryAdd(key, true))
            _hurry.Writer.TryWrite(true);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every);
        try
        {
            var tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
            var hurry = _hurry.Reader.ReadAsync(stoppingToken).AsTask();
            while (true)
            {
                await Task.WhenAny(tick, hurry);
                if (hurry.IsCompletedSuccessfully)
                    hurry = _hurry.Reader.ReadAsync(stoppingToken).AsTask();
                if (tick.IsCompleted)
                {
                    await tick;
                    tick = timer.WaitForNextTickAsync(stoppingToken).AsTask();
                }
                await WriteOnce();
            }
        }
        catch (OperationCanceledException)
        {
            await WriteOnce();
        }
    }

    /// <summary>Writes what was used since the last time.</summary>
    public async Task WriteOnce()
    {
        var keys = _used.Keys.ToArray();
        if (keys.Length == 0)
            return;
        foreach (var key in keys)
            _used.TryRemove(key, out _);
        try
        {
            await store.InTransaction(async tx =>
            {
                foreach (var key in keys)
                {
                    var id = long.Parse(key.AsSpan(key.IndexOf(':', StringComparison.Ordinal) + 1), System.Globalization.CultureInfo.InvariantCulture);
                    if (key.StartsWith("source:", StringComparison.Ordinal) && await tx.Number("SELECT count(*) FROM sources WHERE id = @id AND last_used_at IS NULL", new { id }) == 1)
                        await tx.Signal(Directory.Signal);
                    await tx.Execute(SqlFor(key), new { now = tx.Now, id });
                }
            }, CancellationToken.None);
        }
        catch (StoreUnavailable unavailable)
        {
            // The next minute's use says the same again.
            Log.NotWritten(log, unavailable.Message);
        }
    }

    private static string SqlFor(string key) =>
        key.StartsWith("token:", StringComparison.Ordinal) ? "UPDATE tokens SET last_used_at = @now WHERE id = @id"
        : key.StartsWith("session:", StringComparison.Ordinal) ? "UPDATE sessions SET last_used_at = @now WHERE id = @id"
        : "UPDATE sources SET last_used_at = @now WHERE id = @id";

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The last use of keys was not written: {Reason}")]
        public static partial void NotWritten(ILogger log, string reason);
    }
}
