using System.Runtime.InteropServices;
using System.Text;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <summary>
/// Failed sign-ins, counted in memory and written to the hub's history once a minute: one event per account, address
/// and minute. Events are for good, so a stranger must not choose how many there are: accounts that do not exist are
/// counted together as <see cref="Unknown"/>, and beyond the limits what is tried is counted as <see cref="Others"/>.
/// </summary>
public sealed partial class FailedSignIns(Store store, PeopleDirectory directory, ILogger<FailedSignIns> log)
    : BackgroundService
{
    /// <summary>Accounts kept apart per address and minute.</summary>
    public const int MaxAccountsPerAddress = 20;

    /// <summary>Events per minute, from all addresses.</summary>
    public const int MaxPerMinute = 200;

    /// <summary>
    /// Accounts that do not exist: what was typed is not kept, since it may be a password in the wrong field.
    /// </summary>
    public const string Unknown = "(unknown)";

    public const string Others = "(others)";

    /// <summary>Someone who came back from the identity provider without an identity.</summary>
    public const string Provider = "(oidc)";

    /// <summary>Kept in memory while the store cannot take them.</summary>
    private const int MaxKept = 10_000;

    private const int MaxAddress = 100;

    /// <summary>Events per transaction, so that other writers get their turn.</summary>
    private const int Chunk = 100;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<Attempt, long> _counts = [];

    /// <param name="account">As it was typed; it need not exist.</param>
    /// <param name="via">The door.</param>
    public void Note(string account, string address, string via)
    {
        var minute = MinuteOf(store.Now);
        var attempt = new Attempt(minute, Known(account), Plain(NetworkAddress.Of(address)), via);
        lock (_lock)
        {
            if (!_counts.ContainsKey(attempt))
            {
                var isFirst = _counts.Keys.All(a => a.Minute != minute || a.Address != attempt.Address);
                attempt = WithinLimits(attempt);
                if (isFirst && !_counts.ContainsKey(attempt))
                    Log.Failed(log, attempt.Account, attempt.Address, via);
            }
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, attempt, out _)++;
        }
    }

    private Attempt WithinLimits(Attempt attempt)
    {
        var (inMinute, fromAddress) = (0, 0);
        foreach (var counted in _counts.Keys)
        {
            if (counted.Minute != attempt.Minute)
                continue;
            inMinute++;
            if (counted.Address == attempt.Address)
                fromAddress++;
        }
        return inMinute >= MaxPerMinute || _counts.Count >= MaxKept ? attempt with { Account = Others, Address = "" }
            : fromAddress >= MaxAccountsPerAddress ? attempt with { Account = Others }
            : attempt;
    }

    private string Known(string account)
    {
        if (account is Callers.NoAccount or Provider)
            return account;
        try
        {
            return directory.Current.FindPerson(account)?.Email is { } email ? EmailAddress.KeyOf(email) : Unknown;
        }
        catch (StoreUnavailable)
        {
            return Unknown;
        }
    }

    /// <summary>
    /// Writes the minutes that are over at this time. What could not be written is kept for the next call.
    /// </summary>
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
        new WorkLoop("failed sign-ins", log).Run(
            cancel => Task.Delay(Look, cancel),
            cancel => FlushOnce(store.Now, cancel),
            stoppingToken
        );

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
            over =
            [
                .. _counts
                    .Where(c => string.CompareOrdinal(c.Key.Minute, current) < 0)
                    .OrderBy(c => c.Key.Minute, StringComparer.Ordinal)
                    .ThenBy(c => c.Key.Account, StringComparer.Ordinal)
                    .ThenBy(c => c.Key.Address, StringComparer.Ordinal),
            ];
        }
        foreach (var some in over.Chunk(Chunk))
        {
            // An account may have been erased since it was counted.
            var accounts = some.Select(a => a.Key.Account.StartsWith('(') ? a.Key.Account : Known(a.Key.Account))
                .ToList();
            await store.InTransaction(
                async tx =>
                {
                    foreach (var ((attempt, count), account) in some.Zip(accounts))
                    {
                        await tx.Append(
                            "hub",
                            new Origin(Actor.Hub, attempt.Via, attempt.Address),
                            "sign_in.failed",
                            new
                            {
                                account,
                                count,
                                minute = attempt.Minute,
                            }
                        );
                    }
                },
                cancel
            );
            lock (_lock)
            {
                foreach (var ((attempt, count), account) in some.Zip(accounts))
                {
                    if (count > 1)
                        Log.FailedOften(log, count, account, attempt.Address, attempt.Via);
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

    /// <summary>
    /// Of an address, what may stand in the record: one short line of valid text, also if a proxy sent something else.
    /// </summary>
    private static string Plain(string text)
    {
        var plain = new StringBuilder(Math.Min(text.Length, MaxAddress));
        foreach (var rune in text.EnumerateRunes())
        {
            var shown = Rune.IsControl(rune) ? Rune.ReplacementChar : rune;
            if (plain.Length + shown.Utf16SequenceLength > MaxAddress)
                break;
            plain.Append(shown);
        }
        return plain.ToString();
    }

    private sealed record Attempt(string Minute, string Account, string Address, string Via);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Sign-in failed: {Account} from {Address} through {Via}")]
        public static partial void Failed(ILogger log, string account, string address, string via);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Sign-in failed {Count} times in a minute: {Account} from {Address} through {Via}"
        )]
        public static partial void FailedOften(ILogger log, long count, string account, string address, string via);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Failed sign-ins couldn't be written to the log and will be retried: {Reason}"
        )]
        public static partial void NotWritten(ILogger log, string reason);
    }
}
