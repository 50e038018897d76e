using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Countersign.People;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>What a pair of e-mail address and password came to.</summary>
public abstract record PasswordOutcome
{
    private PasswordOutcome() { }

    /// <param name="Stored">The hash that the password met, as it lies in the store.</param>
    public sealed record Right(Person Person, string Stored) : PasswordOutcome;

    /// <summary>Wrong, unknown or disabled: nobody is told which.</summary>
    public sealed record Wrong : PasswordOutcome;

    /// <summary>Too many wrong ones of late: not looked at.</summary>
    public sealed record TooOften(TimeSpan Wait) : PasswordOutcome;

    /// <summary>Too many are being checked: not looked at.</summary>
    public sealed record Busy(TimeSpan Wait) : PasswordOutcome;
}

/// <summary>
/// Checks passwords. A pair that was right is remembered for a minute by a keyed hash, as long as the store holds the
/// same hash for the person: a new password or a disabled account ends it at once. Every other one is counted before it
/// waits for its turn (<see cref="SignInAttempts"/>), and waits in a bounded line (<see cref="PasswordHashing"/>).
/// </summary>
public sealed class Passwords(
    PeopleDirectory directory,
    SignInAttempts attempts,
    PasswordHashing hashing,
    Store store,
    TimeProvider time,
    PasswordPolicy policy
)
{
    public static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    private const int MaxRemembered = 10_000;
    private static readonly TimeSpan BusyWait = TimeSpan.FromSeconds(2);

    // Verified for accounts that do not exist, so that the time of the answer does not tell them from those that do.
    private static readonly string NoOnesHash = PasswordHashing.Hash(
        Convert.ToHexString(RandomNumberGenerator.GetBytes(16))
    );

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, (string StoredHash, DateTimeOffset Until)> _right = new();

    /// <param name="mustBeEnough">
    /// Whether nothing else is asked for, so that the password of a person with a second factor isn't right.
    /// </param>
    internal async ValueTask<PasswordOutcome> Check(
        string email,
        string password,
        string address,
        CancellationToken cancel,
        bool mustBeEnough = false
    )
    {
        if (!policy.AreEnabled)
            return new PasswordOutcome.Wrong();
        var account = EmailAddress.KeyOf(email);
        var pair = Convert.ToHexString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{account}\n{password}")));
        if (Find(await directory.UpToDate(cancel), account) is var (known, hash) && IsRemembered(pair, hash))
        {
            return mustBeEnough && NeedsMore(known)
                ? new PasswordOutcome.Wrong()
                : new PasswordOutcome.Right(known, hash);
        }
        if (attempts.BeginPassword(account, address, out var wait) is not { } attempt)
            return new PasswordOutcome.TooOften(wait);
        try
        {
            using var turn = await hashing.Enter(account, address, cancel);
            if (turn is null)
            {
                attempt.GiveBack();
                return new PasswordOutcome.Busy(BusyWait);
            }
            // They may have been added a moment ago, by another node or on the command line.
            var found =
                Find(await directory.UpToDate(cancel), account) ?? Find(await directory.Refresh(cancel), account);
            if (password.Length > PasswordRules.Longest)
                return new PasswordOutcome.Wrong();
            var (isRight, renewed) = PasswordHashing.Verify(found?.Stored ?? NoOnesHash, password);
            if (!isRight || found is not var (person, stored) || (mustBeEnough && NeedsMore(person)))
                return new PasswordOutcome.Wrong();
            if (renewed is not null && await Renew(person, stored, renewed, cancel))
                stored = renewed;
            Remember(pair, stored);
            attempt.Succeed();
            return new PasswordOutcome.Right(person, stored);
        }
        catch (Exception unexpected) when (unexpected is OperationCanceledException or StoreUnavailable)
        {
            attempt.GiveBack();
            throw;
        }
    }

    /// <summary>Whether a password alone does not prove that it is this person.</summary>
    internal bool NeedsMore(Person person) => policy.NeedsSecondFactor || person.HasSecondFactor;

    private static (Person Person, string Stored)? Find(PeopleSnapshot snapshot, string account) =>
        snapshot.PeopleByEmail.TryGetValue(account, out var person)
        && !person.IsDisabled
        && snapshot.PasswordHashes.TryGetValue(person.Id, out var stored)
            ? (person, stored)
            : null;

    /// <summary>
    /// Stores the same password with today's number of iterations, unless it was changed in this very moment.
    /// </summary>
    private Task<bool> Renew(Person person, string stored, string renewed, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                var done =
                    await tx.Execute(
                        "UPDATE people SET password_hash = @renewed WHERE id = @id AND password_hash = @stored",
                        new
                        {
                            renewed,
                            id = person.Id,
                            stored,
                        }
                    ) == 1;
                if (done)
                    await tx.Signal(PeopleDirectory.Signal);
                return done;
            },
            cancel
        );

    private bool IsRemembered(string pair, string stored) =>
        _right.TryGetValue(pair, out var known) && known.StoredHash == stored && time.GetUtcNow() < known.Until;

    private void Remember(string pair, string stored)
    {
        var now = time.GetUtcNow();
        if (_right.Count >= MaxRemembered)
        {
            foreach (var (old, entry) in _right)
            {
                if (now >= entry.Until)
                    _right.TryRemove(old, out _);
            }
            if (_right.Count >= MaxRemembered)
                _right.Clear();
        }
        _right[pair] = (stored, now + Remembered);
    }
}
