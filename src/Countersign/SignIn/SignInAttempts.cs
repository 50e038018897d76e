namespace Countersign.SignIn;

/// <summary>
/// Attempts to prove who one is that failed of late. Each is counted before it is tried, so that of many made at once
/// no more are tried than of many made one after the other; one that succeeds, or was never tried, is given back.
/// </summary>
public sealed class SignInAttempts(TimeProvider time)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    /// <summary>Wrong passwords for one account from one address.</summary>
    public const int MaxPerAccount = 10;

    /// <summary>
    /// Wrong passwords from one address; the same number of unknown keys and tokens, and of unknown links.
    /// </summary>
    public const int MaxPerAddress = 100;

    private const int MaxEntries = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>
    /// A password is about to be tried. Null when there were too many wrong ones, with how long to wait.
    /// </summary>
    internal Attempt? BeginPassword(string account, string address, out TimeSpan wait) =>
        Begin(
            out wait,
            ($"password\n{NetworkAddress.Of(address)}\n{account}", MaxPerAccount),
            ($"password\n{NetworkAddress.Of(address)}", MaxPerAddress)
        );

    /// <summary>
    /// The second step of a sign-in is about to be tried. Counted per person, from all addresses together:
    /// the password is known there, and codes are short.
    /// </summary>
    internal Attempt? BeginSecondStep(long person, string address, out TimeSpan wait) =>
        Begin(
            out wait,
            ($"second step\n{person}", MaxPerAccount),
            ($"second step\n{NetworkAddress.Of(address)}", MaxPerAddress)
        );

    /// <summary>A key or token that is not known at once is about to be looked for in the store.</summary>
    internal Attempt? BeginKey(string address, out TimeSpan wait) =>
        Begin(out wait, ($"key\n{NetworkAddress.Of(address)}", MaxPerAddress));

    /// <summary>
    /// A link from a mail or for setting up is about to be followed, or one is about to be asked for.
    /// </summary>
    internal Attempt? BeginLink(string address, out TimeSpan wait) =>
        Begin(out wait, ($"link\n{NetworkAddress.Of(address)}", MaxPerAddress));

    private Attempt? Begin(out TimeSpan wait, params ReadOnlySpan<(string Key, int Max)> counted)
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            foreach (var (key, max) in counted)
            {
                if (_entries.TryGetValue(key, out var entry) && now < entry.Until && entry.Count >= max)
                {
                    wait = entry.Until - now;
                    return null;
                }
            }
            wait = default;
            var entries = new Entry[counted.Length];
            for (var i = 0; i < counted.Length; i++)
                entries[i] = CountOne(counted[i].Key, now);
            return new Attempt(this, entries);
        }
    }

    private Entry CountOne(string key, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(key, out var entry) || now >= entry.Until)
        {
            MakeRoom(now);
            _entries[key] = entry = new Entry(now + Window);
        }
        entry.Count++;
        return entry;
    }

    /// <summary>
    /// Bounded: first what is over goes, then the half that counted least, so that a flood of made-up accounts frees no
    /// one.
    /// </summary>
    private void MakeRoom(DateTimeOffset now)
    {
        if (_entries.Count < MaxEntries)
            return;
        foreach (var (key, entry) in _entries)
        {
            if (now >= entry.Until)
                _entries.Remove(key);
        }
        if (_entries.Count < MaxEntries)
            return;
        foreach (
            var (key, _) in _entries
                .OrderBy(e => e.Value.Count)
                .ThenBy(e => e.Value.Until)
                .Take(MaxEntries / 2)
                .ToList()
        )
        {
            _entries.Remove(key);
        }
    }

    private void GiveBack(ReadOnlySpan<Entry> entries)
    {
        lock (_lock)
        {
            foreach (var entry in entries)
                entry.Count = Math.Max(0, entry.Count - 1);
        }
    }

    private void Forgive(Entry entry)
    {
        lock (_lock)
            entry.Count = 0;
    }

    internal sealed class Entry(DateTimeOffset until)
    {
        public int Count { get; set; }
        public DateTimeOffset Until => until;
    }

    /// <summary>One that was counted; it stays counted unless it is given back.</summary>
    internal sealed class Attempt(SignInAttempts owner, Entry[] entries)
    {
        /// <summary>It was not tried, or what it brought was right.</summary>
        public void GiveBack() => owner.GiveBack(entries);

        /// <summary>
        /// It was right, which also forgives what went wrong before it for the same account from the same address.
        /// </summary>
        public void Succeed()
        {
            owner.GiveBack(entries);
            if (entries.Length > 1)
                owner.Forgive(entries[0]);
        }
    }
}
