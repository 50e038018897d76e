using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;

namespace Countersign.Access;

/// <summary>What a pair of e-mail address and password came to.</summary>
public abstract record PasswordOutcome
{
    private PasswordOutcome() { }

    public sealed record Right(Caller Caller) : PasswordOutcome;

    /// <summary>Wrong, unknown or disabled: nobody is told which.</summary>
    public sealed record Wrong : PasswordOutcome;

    /// <summary>Too many wrong ones of late: not looked at.</summary>
    public sealed record TooOften(TimeSpan Wait) : PasswordOutcome;
}

/// <summary>
/// Checks passwords, which is slow on purpose. A pair that was right is remembered for a minute by a keyed hash, as long
/// as the store holds the same hash for the person: a new password or a disabled account ends it at once. Wrong ones are
/// limited per account and address; a remembered pair is let in all the same.
/// </summary>
public sealed class Passwords(Directory directory, TimeProvider time) : IDisposable
{
    public const int MostFailuresOfPair = 10;
    public const int MostFailuresOfAddress = 100;
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    private const int Longest = 200;
    private const int MostKept = 10_000;
    private static readonly PasswordHasher<Person> Hasher = new();

    // Verified for accounts that do not exist, so that the time of the answer does not tell them from those that do.
    private static readonly string Nobody = Hasher.HashPassword(null!, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, (string StoredHash, DateTimeOffset Until)> _right = new();
    private readonly ConcurrentDictionary<string, (int Count, DateTimeOffset Until)> _wrong = new();

    // A crowd of wrong passwords must not take every thread from the others.
    private readonly SemaphoreSlim _checking = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>The person and the hash that the password met, or null for a wrong pair; with a wait the pair was not looked at.</summary>
    internal async ValueTask<(Person? Person, string? Stored, TimeSpan Wait)> Check(string email, string password, string address, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var account = EmailAddress.KeyOf(email);
        var snapshot = directory.Current;
        var person = Find(snapshot, account, out var stored);
        if (person is null)
        {
            // It may have been made a moment ago, by another node or on the command line.
            snapshot = await directory.Refresh(cancel);
            person = Find(snapshot, account, out stored);
        }
        var pair = Convert.ToHexString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{account}\n{password}")));
        if (person is not null && _right.TryGetValue(pair, out var known) && known.StoredHash == stored && now < known.Until)
            return (person, stored, default);

        string[] counted = [$"{account}\n{address}", address];
        if ((Wait(counted[0], MostFailuresOfPair, now) ?? Wait(counted[1], MostFailuresOfAddress, now)) is { } wait)
            return (null, null, wait);
        if (password.Length <= Longest && await Verify(stored ?? Nobody, password, cancel) && person is not null)
        {
            Keep(_right, pair, (StoredHash: stored!, Until: now + Remembered), entry => now >= entry.Until);
            _wrong.TryRemove(counted[0], out _);
            return (person, stored, default);
        }
        foreach (var one in counted)
        {
            var before = _wrong.TryGetValue(one, out var failed) && now < failed.Until ? failed : (Count: 0, Until: now + Window);
            Keep(_wrong, one, (Count: before.Count + 1, before.Until), entry => now >= entry.Until);
        }
        return (null, null, default);
    }

    public void Dispose() => _checking.Dispose();

    private static Person? Find(DirectorySnapshot snapshot, string account, out string? stored)
    {
        stored = null;
        return snapshot.PeopleByEmail.TryGetValue(account, out var person) && !person.IsDisabled && snapshot.PasswordHashes.TryGetValue(person.Id, out stored) ? person : null;
    }

    private async ValueTask<bool> Verify(string stored, string password, CancellationToken cancel)
    {
        await _checking.WaitAsync(cancel);
        try
        {
            return Hasher.VerifyHashedPassword(null!, stored, password) != PasswordVerificationResult.Failed;
        }
        finally
        {
            _checking.Release();
        }
    }

    private TimeSpan? Wait(string counted, int most, DateTimeOffset now) =>
        _wrong.TryGetValue(counted, out var failed) && failed.Count >= most && now < failed.Until ? failed.Until - now : null;

    /// <summary>Bounded: what is over goes first, and if that is not enough, everything.</summary>
    private static void Keep<T>(ConcurrentDictionary<string, T> kept, string key, T value, Func<T, bool> isOver)
    {
        if (kept.Count >= MostKept)
        {
            foreach (var (old, entry) in kept)
            {
                if (isOver(entry))
                    kept.TryRemove(old, out _);
            }
            if (kept.Count >= MostKept)
                kept.Clear();
        }
        kept[key] = value;
    }
}
