using System.Runtime.InteropServices;
using System.Text;
using Countersign.Access;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <summary>
/// Failed sign-ins, counted in memory and written to the hub's history once a minute: one event per account, address and
/// minute, so that somebody who tries a million passwords leaves a trace and not a million rows. Whoever tries more
/// pairs than are kept apart is counted under <see cref="Others"/>.
/// </summary>
public sealed partial class FailedSignIns(Store store, ILogger<FailedSignIns> log) : BackgroundService
{
    public const int MostPairs = 10_000;
    public const string Others = "(others)";

    private const int LongestAccount = 254;

    /// <summary>Events per transaction, so that other writers get their turn.</summary>
    private const int Chunk = 100;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<Attempt, long> _counts = [];

    /// <param name="account">As it was typed; it need not belong to anybody.</param>
    /// <param name="via">The door.</param>
    public void Note(string account, string address, string via)
    {
        var minute = MinuteOf(store.Now);
        var attempt = new Attempt(minute, Plain(EmailAddress.KeyOf(account)), Plain(address), via);
        lock (_lock)
        {
            if (!_counts.ContainsKey(attempt) && _counts.Count >= MostPairs)
                attempt = new Attempt(minute, Others, "", via);
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, attempt, out _)++;
        }
    }

    /// <summary>Writes the minutes that are over at this time. What could not be written is kept for the next call.</summary>
    public async Task FlushOnce(DateTimeOffset now, CancellationToken cancel = default)
    {
        await _one.WaitAsync(cancel);
        try
        {
            await Flush(MinuteOf(now), cancel);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Also what this minute has counted so far.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await TryFlush(DateTimeOffset.MaxValue, cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        _one.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new WorkLoop("failed sign-ins", log).Run(cancel => Task.Delay(Look, cancel), cancel => FlushOnce(store.Now, cancel), stoppingToken);

    private async Task TryFlush(DateTimeOffset now, CancellationToken cancel)
    {
        try
        {
            await FlushOnce(now, cancel);
        }
        catch (Exception failure)
        {
            // The server stops all the same.
            Log.NotWritten(log, failure.Message);
        }
    }

    private async Task Flush(string current, CancellationToken cancel)
    {
        List<KeyValuePair<Attempt, long>> over;
        lock (_lock)
        {
            over = [.. _counts.Where(c => string.CompareOrdinal(c.Key.Minute, current) < 0)
                .OrderBy(c => c.Key.Minute, StringComparer.Ordinal).ThenBy(c => c.Key.Account, StringComparer.Ordinal).ThenBy(c => c.Key.Address, StringComparer.Ordinal)];
        }
        foreach (var some in over.Chunk(Chunk))
        {
            await store.InTransaction(async tx =>
            {
                foreach (var (attempt, count) in some)
                {
                    await tx.Append("hub", new Origin(Actor.Hub, attempt.Via, attempt.Address), "sign_in.failed",
                        new { account = attempt.Account, count, minute = attempt.Minute });
                }
            }, cancel);
            lock (_lock)
            {
                foreach (var (attempt, count) in some)
                {
                    // A clock that went back may have added to a minute that was thought to be over.
                    if (_counts[attempt] == count)
                        _counts.Remove(attempt);
                    else
                        _counts[attempt] -= count;
                }
            }
        }
    }

    private static string MinuteOf(DateTimeOffset time) => Instant.ToText(time)[..16] + "Z";

    /// <summary>Of what a stranger typed, what may stand in the record: one line of valid text, as long as an address may be.</summary>
    private static string Plain(string text)
    {
        var plain = new StringBuilder(Math.Min(text.Length, LongestAccount));
        foreach (var rune in text.EnumerateRunes())
        {
            var shown = Rune.IsControl(rune) ? Rune.ReplacementChar : rune;
            if (plain.Length + shown.Utf16SequenceLength > LongestAccount)
                break;
            plain.Append(shown);
        }
        return plain.ToString();
    }

    private sealed record Attempt(string Minute, string Account, string Address, string Via);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Failed sign-ins could not be written to the record and will be later: {Reason}")]
        public static partial void NotWritten(ILogger log, string reason);
    }
}
