using System.Globalization;
using System.Security.Cryptography;
using Countersign.People;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Countersign.SignIn;

/// <summary>An authenticator app or a passkey.</summary>
/// <param name="Name">What its owner calls a passkey.</param>
public sealed record SecondFactor(
    long Id,
    bool IsApp,
    string Name,
    DateTimeOffset CreatedAt,
    DateTimeOffset? LastUsedAt
);

/// <param name="RecoveryCodes">How many are left.</param>
public sealed record SecondFactorsOfPerson(IReadOnlyList<SecondFactor> Factors, int RecoveryCodes)
{
    public SecondFactor? App => Factors.FirstOrDefault(f => f.IsApp);
    public IEnumerable<SecondFactor> Passkeys => Factors.Where(f => !f.IsApp);
}

/// <summary>What setting up or removing a second factor came to.</summary>
public abstract record SecondFactorOutcome
{
    private SecondFactorOutcome() { }

    /// <param name="RecoveryCodes">
    /// Made with the first factor, or anew; the only moment at which they are known.
    /// </param>
    public sealed record Done(IReadOnlyList<string> RecoveryCodes) : SecondFactorOutcome;

    /// <summary>The code isn't of this key, or the browser's answer isn't to what was asked.</summary>
    public sealed record Wrong : SecondFactorOutcome;

    /// <summary>There is an authenticator app already, or this passkey, or too many of them.</summary>
    public sealed record Exists : SecondFactorOutcome;

    /// <summary>There is none with this id.</summary>
    public sealed record NotFound : SecondFactorOutcome;

    /// <summary>The last one stays where a second factor is required.</summary>
    public sealed record LastOne : SecondFactorOutcome;
}

/// <summary>
/// Second factors of people who sign in with a password of this hub or an emailed link. Their secrets are encrypted
/// with the key ring and bound to their person. A change ends the person's other sessions.
/// </summary>
public sealed class SecondFactors(Store store, IDataProtectionProvider keyRing, PasswordPolicy policy)
{
    public const int MaxPerPerson = 20,
        MaxName = 60;

    private const string App = "app",
        Passkey = "passkey";

    private const string Purpose = "Countersign.second-factor";

    internal static readonly EncryptedColumn[] Encrypted =
    [
        new("second_factors", "secret", "id", Purpose)
        {
            Person = "person_id",
            Event = (row, hash) =>
                new(
                    $"person:{row.Person}",
                    "person.second_factor_reencrypted",
                    new { factor = long.Parse(row.Key, CultureInfo.InvariantCulture), @sealed = hash }
                ),
        },
    ];

    private readonly IDataProtector _protector = keyRing.CreateProtector(Purpose);

    public async Task<SecondFactorsOfPerson> Of(long person, CancellationToken cancel)
    {
        var (rows, codes) = await store.ReadSnapshot(
            async reader =>
                (
                    await Rows(reader, person),
                    await reader.Number("SELECT count(*) FROM recovery_codes WHERE person_id = @person", new { person })
                ),
            cancel
        );
        return new SecondFactorsOfPerson([.. rows.Select(r => r.ToFactor())], (int)codes);
    }

    /// <param name="key">What the app was given.</param>
    /// <param name="code">What it shows, which proves that it has the key.</param>
    public async Task<SecondFactorOutcome> AddApp(
        long person,
        string key,
        string code,
        Origin origin,
        long keptSession,
        CancellationToken cancel
    ) =>
        NewApp(person, key, code) is { } app
            ? await Add(person, app, origin, keptSession, cancel)
            : new SecondFactorOutcome.Wrong();

    internal Task<SecondFactorOutcome> AddPasskey(
        long person,
        string name,
        StoredPasskey passkey,
        Origin origin,
        long keptSession,
        CancellationToken cancel
    )
    {
        name = name.Trim();
        return Add(
            person,
            new NewFactor(
                Passkey,
                Names.Problem(name) is null ? WellFormed.Cut(name, MaxName) : "",
                passkey.Credential,
                Seal(person, passkey.Key.ToText()),
                passkey.SignCount
            ),
            origin,
            keptSession,
            cancel
        );
    }

    public Task<SecondFactorOutcome> Remove(
        long person,
        long factor,
        Origin origin,
        long keptSession,
        CancellationToken cancel
    ) =>
        store.InTransaction<SecondFactorOutcome>(
            async tx =>
            {
                await Lock(tx, person);
                var count = await tx.Number(
                    "SELECT count(*) FROM second_factors WHERE person_id = @person",
                    new { person }
                );
                if (policy.NeedsSecondFactor && count == 1)
                    return new SecondFactorOutcome.LastOne();
                if (
                    await tx.Execute(
                        "DELETE FROM second_factors WHERE id = @factor AND person_id = @person",
                        new { factor, person }
                    ) == 0
                )
                {
                    return new SecondFactorOutcome.NotFound();
                }
                await tx.Append($"person:{person}", origin, "person.second_factor_removed", new { factor });
                if (count == 1)
                    await EndRecoveryCodes(tx, person);
                await Changed(tx, person, origin, keptSession);
                return new SecondFactorOutcome.Done([]);
            },
            cancel
        );

    /// <summary>The codes that there were work no longer.</summary>
    public Task<SecondFactorOutcome> RenewRecoveryCodes(long person, Origin origin, CancellationToken cancel)
    {
        var codes = RecoveryCodes.New();
        var hashes = codes.Select(RecoveryCodes.HashOf).ToList();
        return store.InTransaction<SecondFactorOutcome>(
            async tx =>
            {
                await Lock(tx, person);
                if (await Count(tx, person) == 0)
                    return new SecondFactorOutcome.NotFound();
                await PutRecoveryCodes(tx, person, hashes, origin);
                return new SecondFactorOutcome.Done(codes);
            },
            cancel
        );
    }

    /// <summary>For a person who lost theirs: all of them are removed, and every session of the person ends.</summary>
    public Task<AccessOutcome<long>> Reset(string email, Origin origin, CancellationToken cancel) =>
        store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var person = await Accounts.IdOf(tx, email);
                if (person == 0)
                    return Accounts.NoPerson<long>();
                await Lock(tx, person);
                if (await Count(tx, person) == 0)
                    return new AccessOutcome<long>.Invalid("email", "This person has no second factor.");
                await Forget(tx, person);
                await tx.Append($"person:{person}", origin, "person.second_factor_reset", new { });
                await Changed(tx, person, origin, 0);
                return new AccessOutcome<long>.Done(person);
            },
            cancel
        );

    /// <summary>Inside a transaction that resets or erases a person.</summary>
    internal static async ValueTask Forget(Tx tx, long person)
    {
        foreach (var table in new[] { "second_factors", "recovery_codes", "pending_sign_ins" })
            await tx.Execute($"DELETE FROM {table} WHERE person_id = @person", new { person });
    }

    internal static ValueTask<long> Count(Reader reader, long person) =>
        reader.Number("SELECT count(*) FROM second_factors WHERE person_id = @person", new { person });

    /// <summary>The passkeys that can be read; the others prove nothing.</summary>
    internal async Task<IReadOnlyList<StoredPasskey>> PasskeysOf(long person, CancellationToken cancel) =>
        [
            .. from row in await store.Read(reader => Rows(reader, person), cancel)
            where row.Kind == Passkey && row.Credential is not null
            let key = Open(person, row.Secret)
            where key is not null
            select new StoredPasskey(
                row.Credential!,
                PasskeyKey.Read(key),
                (uint)row.Counter,
                Instant.Parse(row.CreatedAt)
            ),
        ];

    /// <summary>
    /// Of which factor this is the code, and of which time step; null where it's the code of none. Whether it was used
    /// before, <see cref="Use"/> says.
    /// </summary>
    internal async Task<(long Factor, long Step)?> FindCode(long person, string code, CancellationToken cancel)
    {
        foreach (var row in await store.Read(reader => Rows(reader, person), cancel))
        {
            if (row.Kind == App && Open(person, row.Secret) is { } key && Totp.StepOf(key, code, store.Now) is { } step)
            {
                return (row.Id, step);
            }
        }
        return null;
    }

    /// <summary>False when this code, or a later one, was used before.</summary>
    internal static async ValueTask<bool> Use(Tx tx, long person, long factor, long step) =>
        await tx.Execute(
            """
            UPDATE second_factors SET counter = @step, last_used_at = @now
            WHERE id = @factor AND person_id = @person AND counter < @step
            """,
            new
            {
                step,
                now = tx.Now,
                factor,
                person,
            }
        ) == 1;

    /// <summary>False when the passkey is there no longer, or was used with a later counter.</summary>
    internal static async ValueTask<bool> Use(Tx tx, long person, StoredPasskey passkey) =>
        await tx.Execute(
            """
            UPDATE second_factors SET counter = @count, last_used_at = @now
            WHERE credential = @Credential AND person_id = @person
              AND (counter < @count OR (counter = 0 AND @count = 0))
            """,
            new
            {
                count = (long)passkey.SignCount,
                now = tx.Now,
                passkey.Credential,
                person,
            }
        ) == 1;

    /// <summary>Whether the code was one of the person's; it is no longer.</summary>
    internal static async ValueTask<bool> UseRecoveryCode(Tx tx, long person, string hash, Origin origin)
    {
        var n = await tx.Number(
            "SELECT n FROM recovery_codes WHERE person_id = @person AND hash = @hash",
            new { person, hash }
        );
        if (
            n == 0
            || await tx.Execute("DELETE FROM recovery_codes WHERE person_id = @person AND n = @n", new { person, n })
                == 0
        )
        {
            return false;
        }
        await tx.Append($"person:{person}", origin, "person.recovery_code_used", new { code = n });
        return true;
    }

    /// <summary>Null when the code isn't of this key.</summary>
    internal NewFactor? NewApp(long person, string key, string code)
    {
        try
        {
            return Totp.StepOf(key, code, store.Now) is { } step
                ? new NewFactor(App, "", null, Seal(person, key), step)
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Inside the transaction of a sign-in that sets it up. False when there is one already.</summary>
    internal static async ValueTask<bool> Add(
        Tx tx,
        long person,
        NewFactor made,
        IReadOnlyList<string> hashes,
        Origin origin
    )
    {
        await Lock(tx, person);
        var rows = await Rows(tx, person);
        if (
            rows.Count >= MaxPerPerson
            || (made.Kind == App && rows.Exists(r => r.Kind == App))
            || (
                made.Credential is not null
                && await tx.Number("SELECT count(*) FROM second_factors WHERE credential = @Credential", made) > 0
            )
        )
        {
            return false;
        }
        var id = await tx.Number(
            """
            INSERT INTO second_factors (person_id, kind, name, credential, secret, counter, created_at, last_used_at)
            VALUES (@person, @Kind, @Name, @Credential, @Sealed, @Counter, @now, NULL) RETURNING id
            """,
            new
            {
                person,
                made.Kind,
                made.Name,
                made.Credential,
                made.Sealed,
                made.Counter,
                now = tx.Now,
            }
        );
        await tx.Append(
            $"person:{person}",
            origin,
            "person.second_factor_added",
            new
            {
                factor = id,
                kind = made.Kind,
                @sealed = Hashes.Sha256(made.Sealed),
            }
        );
        if (rows.Count == 0)
            await PutRecoveryCodes(tx, person, hashes, origin);
        return true;
    }

    internal static async ValueTask Changed(Tx tx, long person, Origin origin, long keptSession)
    {
        await Sessions.EndAll(tx, person, "second factor changed", origin, keptSession);
        await tx.Execute("DELETE FROM pending_sign_ins WHERE person_id = @person", new { person });
        await PeopleDirectory.Changed(tx);
    }

    private async Task<SecondFactorOutcome> Add(
        long person,
        NewFactor made,
        Origin origin,
        long keptSession,
        CancellationToken cancel
    )
    {
        var codes = RecoveryCodes.New();
        var hashes = codes.Select(RecoveryCodes.HashOf).ToList();
        return await store.InTransaction<SecondFactorOutcome>(
            async tx =>
            {
                var isFirst = await Count(tx, person) == 0;
                if (!await Add(tx, person, made, hashes, origin))
                    return new SecondFactorOutcome.Exists();
                await Changed(tx, person, origin, keptSession);
                return new SecondFactorOutcome.Done(isFirst ? codes : []);
            },
            cancel
        );
    }

    private static async ValueTask PutRecoveryCodes(Tx tx, long person, IReadOnlyList<string> hashes, Origin origin)
    {
        await EndRecoveryCodes(tx, person);
        for (var n = 1; n <= hashes.Count; n++)
        {
            await tx.Execute(
                "INSERT INTO recovery_codes (person_id, n, hash) VALUES (@person, @n, @hash)",
                new
                {
                    person,
                    n,
                    hash = hashes[n - 1],
                }
            );
        }
        await tx.Append(
            $"person:{person}",
            origin,
            "person.recovery_codes_made",
            new { codes = hashes.Select(Keys.Fingerprint).ToArray() }
        );
    }

    private static ValueTask<int> EndRecoveryCodes(Tx tx, long person) =>
        tx.Execute("DELETE FROM recovery_codes WHERE person_id = @person", new { person });

    /// <summary>Changes to one person's factors come one after the other.</summary>
    private static async ValueTask Lock(Tx tx, long person) =>
        await tx.Number($"SELECT id FROM people WHERE id = @person{tx.ForUpdate}", new { person });

    private static ValueTask<List<Row>> Rows(Reader reader, long person) =>
        reader.All<Row>(
            """
            SELECT id, kind, name, credential, secret, counter, created_at, last_used_at FROM second_factors
            WHERE person_id = @person ORDER BY id
            """,
            new { person }
        );

    private string Seal(long person, string text) => ProtectorOf(person).Protect(text);

    private string? Open(long person, string secret)
    {
        try
        {
            return ProtectorOf(person).Unprotect(secret);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private IDataProtector ProtectorOf(long person) =>
        _protector.CreateProtector(person.ToString(CultureInfo.InvariantCulture));

    internal sealed record NewFactor(string Kind, string Name, string? Credential, string Sealed, long Counter);

    private sealed class Row
    {
        public long Id { get; init; }
        public required string Kind { get; init; }
        public required string Name { get; init; }
        public string? Credential { get; init; }
        public required string Secret { get; init; }
        public long Counter { get; init; }
        public required string CreatedAt { get; init; }
        public string? LastUsedAt { get; init; }

        public SecondFactor ToFactor() =>
            new(Id, Kind == App, Name, Instant.Parse(CreatedAt), LastUsedAt is null ? null : Instant.Parse(LastUsedAt));
    }
}
