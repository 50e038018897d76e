using Countersign.Storage;
using Countersign.Work;

namespace Countersign.SignIn;

/// <summary>A sign-in whose first step was just right; the only moment at which its secret is known.</summary>
public sealed record NewPendingSignIn(string Secret);

/// <summary>A sign-in that waits for its second step.</summary>
/// <param name="How">What the first step was.</param>
public sealed record PendingSignIn(string Hash, long PersonId, string How);

/// <summary>
/// Sign-ins between their two steps. They are rows and not only cookies, so that each is finished once, and ends with a
/// new password or when the person is shut out.
/// </summary>
public sealed class PendingSignIns(Store store)
{
    public static readonly TimeSpan Lasts = TimeSpan.FromMinutes(10);

    /// <summary>Of one person, who may sign in with several browsers at once.</summary>
    private const int MaxPerPerson = 10;

    /// <summary>
    /// Null when the person was shut out, or got another password than <paramref name="stored"/>, in this very moment.
    /// </summary>
    internal Task<NewPendingSignIn?> Begin(long person, string how, CancellationToken cancel, string? stored = null)
    {
        var secret = Keys.NewSessionSecret();
        var hash = Keys.HashOf(secret);
        return store.InTransaction(tx => Begin(tx, person, how, secret, hash, stored), cancel);
    }

    /// <summary>
    /// The same inside a transaction that has more to do; the secret and its hash are made before it.
    /// </summary>
    internal static async ValueTask<NewPendingSignIn?> Begin(
        Tx tx,
        long person,
        string how,
        string secret,
        string hash,
        string? stored = null
    )
    {
        var password = await PasswordOf(tx, person);
        if (password is null || (stored is not null && password != Keys.HashOf(stored)))
            return null;
        await tx.Execute(
            $"""
            DELETE FROM pending_sign_ins WHERE hash IN (
              SELECT hash FROM pending_sign_ins WHERE person_id = @person
              ORDER BY until DESC, hash LIMIT 100 OFFSET {MaxPerPerson - 1}
            )
            """,
            new { person }
        );
        await tx.Execute(
            """
            INSERT INTO pending_sign_ins (hash, person_id, how, password, until)
            VALUES (@hash, @person, @how, @password, @until)
            """,
            new
            {
                hash,
                person,
                how,
                password,
                until = tx.Now + Lasts,
            }
        );
        return new NewPendingSignIn(secret);
    }

    internal async Task<PendingSignIn?> Find(string secret, CancellationToken cancel)
    {
        if (secret.Length is 0 or > 100)
            return null;
        var hash = Keys.HashOf(secret);
        var row = await store.Read(
            reader =>
                reader.First<Row>(
                    "SELECT hash, person_id, how, password, until FROM pending_sign_ins WHERE hash = @hash",
                    new { hash }
                ),
            cancel
        );
        return row is not null && Instant.Parse(row.Until) > store.Now
            ? new PendingSignIn(row.Hash, row.PersonId, row.How)
            : null;
    }

    /// <summary>
    /// Whether it can be finished, by this transaction alone. False when another call did, it has expired, or what
    /// the first step proved no longer holds.
    /// </summary>
    internal static async ValueTask<bool> IsGood(Tx tx, PendingSignIn pending)
    {
        // First the person's lock, so that of two who finish at once the second finds no row.
        var password = await PasswordOf(tx, pending.PersonId);
        return await tx.First<Row>(
                "SELECT hash, person_id, how, password, until FROM pending_sign_ins WHERE hash = @Hash",
                new { pending.Hash }
            )
                is { } row
            && Instant.Parse(row.Until) > tx.Now
            && row.PersonId == pending.PersonId
            && row.Password == password;
    }

    internal static ValueTask<int> End(Tx tx, PendingSignIn pending) =>
        tx.Execute("DELETE FROM pending_sign_ins WHERE hash = @Hash", new { pending.Hash });

    public static CleaningStep Old(Store store) =>
        CleaningStep.Delete(
            "sign-ins without a second step",
            store,
            TimeSpan.Zero,
            """
            DELETE FROM pending_sign_ins WHERE hash IN (
              SELECT hash FROM pending_sign_ins WHERE until <= @oldest ORDER BY hash LIMIT @chunk
            )
            """
        );

    /// <summary>
    /// A hash of the stored hash, empty for people without a password; null for those who may not sign in.
    /// </summary>
    private static async ValueTask<string?> PasswordOf(Tx tx, long person) =>
        await tx.First<Standing>(
            $"SELECT password_hash FROM people WHERE id = @person AND disabled_at IS NULL{tx.ForUpdate}",
            new { person }
        )
            is { } standing
            ? standing.PasswordHash is { } stored
                ? Keys.HashOf(stored)
                : ""
            : null;

    private sealed class Standing
    {
        public string? PasswordHash { get; init; }
    }

    private sealed class Row
    {
        public required string Hash { get; init; }
        public long PersonId { get; init; }
        public required string How { get; init; }
        public required string Password { get; init; }
        public required string Until { get; init; }
    }
}
