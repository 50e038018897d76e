using System.Collections.Concurrent;
using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.SignIn;

/// <summary>
/// When each key and session was last used, to the minute: enough to find those that nobody needs, and no write on the
/// hot path.
/// </summary>
public sealed partial class LastUse(Store store, ILogger<LastUse> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, bool> _used = new();
    private readonly WakeSignal _hurry = new();

    public void Note(string key) => _used.TryAdd(key, true);

    /// <summary>
    /// The first time is written at once: somebody is waiting to see that a system they just set up has called.
    /// </summary>
    public void NoteFirst(string key)
    {
        if (_used.TryAdd(key, true))
            _hurry.Set();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await new WorkLoop("last use", log).Run(
            cancel => _hurry.WaitAsync(Every, cancel),
            _ => WriteOnce(),
            stoppingToken
        );
        await WriteOnce();
    }

    /// <summary>
    /// Writes what was used since the last time. What cannot be written is said again by the next minute's use.
    /// </summary>
    public async Task WriteOnce()
    {
        var keys = _used.Keys.ToArray();
        if (keys.Length == 0)
            return;
        foreach (var key in keys)
            _used.TryRemove(key, out _);
        try
        {
            await Write(keys);
        }
        catch (StoreUnavailable unavailable)
        {
            Log.NotWritten(log, unavailable.Message);
        }
        catch (Exception failure) when (JobWorker.IsItsOwn(failure) && keys.Length > 1)
        {
            // One that cannot be written keeps none of the others from it.
            foreach (var key in keys)
                await WriteAlone(key);
        }
        catch (Exception failure) when (JobWorker.IsItsOwn(failure))
        {
            Log.NotWritten(log, failure.Message);
        }
    }

    private async Task WriteAlone(string key)
    {
        try
        {
            await Write([key]);
        }
        catch (Exception failure)
        {
            Log.NotWritten(log, failure.Message);
        }
    }

    private Task Write(string[] keys) =>
        store.InTransaction(async tx =>
        {
            foreach (var key in keys)
            {
                var id = long.Parse(
                    key.AsSpan(key.IndexOf(':', StringComparison.Ordinal) + 1),
                    System.Globalization.CultureInfo.InvariantCulture
                );
                if (
                    key.StartsWith("source:", StringComparison.Ordinal)
                    && await tx.Number(
                        "SELECT count(*) FROM sources WHERE id = @id AND last_used_at IS NULL",
                        new { id }
                    ) == 1
                )
                {
                    await tx.Signal(PeopleDirectory.Signal);
                }
                await tx.Execute(SqlFor(key), new { now = tx.Now, id });
            }
        });

    public override void Dispose()
    {
        base.Dispose();
        _hurry.Dispose();
    }

    private static string SqlFor(string key) =>
        key.StartsWith("token:", StringComparison.Ordinal) ? "UPDATE tokens SET last_used_at = @now WHERE id = @id"
        : key.StartsWith("session:", StringComparison.Ordinal)
            ? "UPDATE sessions SET last_used_at = @now WHERE id = @id"
        : "UPDATE sources SET last_used_at = @now WHERE id = @id";

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "The last use of keys wasn't saved: {Reason}")]
        public static partial void NotWritten(ILogger log, string reason);
    }
}
