using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.People;

/// <summary>What changing people, groups, keys or sources can come to. Doors map it once.</summary>
public abstract record AccessOutcome<T>
{
    private AccessOutcome() { }

    public sealed record Done(T Value) : AccessOutcome<T>;

    /// <param name="What">In words, e.g. "a person with this e-mail address".</param>
    public sealed record Exists(string What) : AccessOutcome<T>;

    public sealed record NotFound(string What) : AccessOutcome<T>;

    public sealed record Invalid(string Field, string Why) : AccessOutcome<T>
    {
        /// <summary>By which pages find the sentence in their reader's language, where it has one.</summary>
        public string? Code { get; init; }
    }

    /// <summary>
    /// Nothing was changed, because these requests could not be approved any more; forcing it changes it all the same.
    /// </summary>
    public sealed record WouldBlock(IReadOnlyList<WouldBeBlocked> Requests) : AccessOutcome<T>
    {
        public string Text =>
            $"No reviewer could approve {Count} anymore: "
            + string.Join("; ", Requests.Take(MaxShown).Select(r => $"{r.Id} \"{r.Subject}\" ({r.Why})"))
            + (Requests.Count > MaxShown ? $"; and {Requests.Count - MaxShown} more." : ".");

        private const int MaxShown = 20;

        private string Count => Requests.Count == 1 ? "1 active request" : $"{Requests.Count} active requests";
    }
}

/// <summary>
/// People: unique e-mail addresses, a role, disabled rather than deleted, since their answers remain.
/// </summary>
public sealed class Accounts(Store store, ReweighRequests reweigh, PasswordPolicy? passwordPolicy = null)
{
    private readonly PasswordPolicy _passwords = passwordPolicy ?? PasswordPolicy.Default;

    public async Task<AccessOutcome<Person>> Add(
        string email,
        string name,
        Role role,
        string? password,
        Origin origin,
        CancellationToken cancel
    )
    {
        if (Problem<Person>(email, name, password, _passwords) is { } problem)
            return problem;
        var hash = password is null ? null : PasswordHashing.Hash(password);
        return await store.InTransaction(tx => Add(tx, email.Trim(), name.Trim(), role, hash, origin), cancel);
    }

    /// <summary>Null, or what is wrong with a person to be.</summary>
    internal static AccessOutcome<T>? Problem<T>(
        string email,
        string name,
        string? password,
        PasswordPolicy passwords
    ) =>
        Names.EmailProblem(email.Trim()) is { } badEmail ? new AccessOutcome<T>.Invalid("email", badEmail)
        : Names.Problem(name.Trim()) is { } badName ? new AccessOutcome<T>.Invalid("name", badName)
        : password is not null && passwords.Problem(password, email.Trim(), name.Trim()) is { } badPassword
            ? Invalid<T>(badPassword)
        : null;

    private static AccessOutcome<T>.Invalid Invalid<T>(PasswordProblem problem) =>
        new("password", problem.Why) { Code = problem.Code };

    /// <summary>Inside a transaction that has more to do; everything was checked before.</summary>
    internal static async ValueTask<AccessOutcome<Person>> Add(
        Tx tx,
        string email,
        string name,
        Role role,
        string? hash,
        Origin origin
    )
    {
        if (await IdOf(tx, email) != 0)
        {
            return new AccessOutcome<Person>.Exists("a person with this email");
        }
        var nameKey = await KeyOf(tx, name);
        var id = await tx.Number(
            """
            INSERT INTO people (email, email_key, name, name_key, role, password_hash, created_at)
            VALUES (@email, @key, @name, @nameKey, @role, @hash, @now) RETURNING id
            """,
            new
            {
                email,
                key = EmailAddress.KeyOf(email),
                name,
                nameKey,
                role = role.ToWireName(),
                hash,
                now = tx.Now,
            }
        );
        await tx.Append(
            $"person:{id}",
            origin,
            "person.added",
            new
            {
                email,
                name,
                role = role.ToWireName(),
            }
        );
        if (role == Role.Admin)
            await SetUpLink.End(tx);
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<Person>.Done(new Person(id, email, name, role, false, tx.Now));
    }

    /// <summary>Shuts a person out at once; their answers to requests still active count no longer.</summary>
    /// <param name="isForced">Also the last admin; then no one can manage the hub on its pages.</param>
    public async Task<AccessOutcome<long>> Disable(
        string email,
        Origin origin,
        CancellationToken cancel,
        bool isForced = false
    )
    {
        var outcome = await store.InTransaction(
            async tx =>
                !isForced && await IsLastAdmin(tx, await IdOf(tx, email))
                    ? LastAdmin("email")
                    : await Disable(tx, email, origin),
            cancel
        );
        if (outcome is AccessOutcome<long>.Done { Value: var id })
            await reweigh.Run(id, origin, cancel);
        return outcome;
    }

    /// <summary>
    /// Inside a transaction that has more to do; a job weighs the person's requests again soon after.
    /// </summary>
    internal static ValueTask<AccessOutcome<long>> Disable(Tx tx, string email, Origin origin) =>
        Update(
            tx,
            email,
            origin,
            "person.disabled",
            "UPDATE people SET disabled_at = @now, disablings = disablings + 1 WHERE id = @id AND disabled_at IS NULL",
            async id =>
            {
                await Sessions.EndAll(tx, id, "disabled", origin);
                await ReweighRequests.MustFollow(tx, id);
            }
        );

    public Task<AccessOutcome<long>> Enable(string email, Origin origin, CancellationToken cancel) =>
        store.InTransaction(tx => Enable(tx, email, origin), cancel);

    internal static ValueTask<AccessOutcome<long>> Enable(Tx tx, string email, Origin origin) =>
        Update(
            tx,
            email,
            origin,
            "person.enabled",
            "UPDATE people SET disabled_at = NULL WHERE id = @id AND disabled_at IS NOT NULL",
            null
        );

    /// <summary>The people who can sign in as admin now, held until the transaction ends.</summary>
    internal static async ValueTask<List<long>> Admins(Tx tx) =>
        (
            await tx.All<IdRow>(
                $"SELECT id FROM people WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id{tx.ForUpdate}"
            )
        ).ConvertAll(row => row.Id);

    internal static async ValueTask<bool> IsLastAdmin(Tx tx, long id) => await Admins(tx) is [var only] && only == id;

    internal static AccessOutcome<long> LastAdmin(string field) =>
        new AccessOutcome<long>.Invalid(field, "This is the last admin. Make another person an admin first.")
        {
            Code = "last_admin",
        };

    /// <summary>A new password ends the person's sessions, except the one in which they chose it.</summary>
    public async Task<AccessOutcome<long>> SetPassword(
        string email,
        string password,
        Origin origin,
        CancellationToken cancel,
        long keptSession = 0
    )
    {
        var name = await store.Read(
            r => r.Text("SELECT name FROM people WHERE email_key = @key", new { key = EmailAddress.KeyOf(email) }),
            cancel
        );
        if (name is null)
            return NoPerson<long>();
        if (_passwords.Problem(password, email, name) is { } bad)
            return Invalid<long>(bad);
        var hash = PasswordHashing.Hash(password);
        return await store.InTransaction(tx => SetPassword(tx, email, hash, origin, keptSession), cancel);
    }

    /// <summary>Inside a transaction that has more to do; the password was checked before.</summary>
    internal static async ValueTask<AccessOutcome<long>> SetPassword(
        Tx tx,
        string email,
        string hash,
        Origin origin,
        long keptSession = 0
    )
    {
        var id = await IdOf(tx, email);
        await tx.Execute("UPDATE people SET password_hash = @hash WHERE id = @id", new { hash, id });
        await tx.Append($"person:{id}", origin, "person.password_set", new { });
        await Sessions.EndAll(tx, id, "password changed", origin, keptSession);
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<long>.Done(id);
    }

    public async Task<AccessOutcome<long>> Rename(string email, string name, Origin origin, CancellationToken cancel)
    {
        name = name.Trim();
        if (Names.Problem(name) is { } bad)
            return new AccessOutcome<long>.Invalid("name", bad);
        return await store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var id = await IdOf(tx, email);
                if (id == 0)
                    return NoPerson<long>();
                await Rename(tx, id, name, origin);
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );
    }

    /// <summary>Name and role in one: both change or neither does.</summary>
    /// <param name="role">Null leaves it.</param>
    public async Task<AccessOutcome<long>> Change(
        string email,
        string name,
        Role? role,
        Origin origin,
        CancellationToken cancel
    )
    {
        name = name.Trim();
        if (Names.Problem(name) is { } bad)
            return new AccessOutcome<long>.Invalid("name", bad);
        return await store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var id = await IdOf(tx, email);
                if (id == 0)
                    return NoPerson<long>();
                if (role is not (null or Role.Admin) && await IsLastAdmin(tx, id))
                    return LastAdmin("role");
                await Rename(tx, id, name, origin);
                if (role is { } given)
                    await SetRole(tx, id, given, origin);
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );
    }

    /// <summary>The name before stays known, so that it goes on standing for the same person.</summary>
    internal static async ValueTask Rename(Tx tx, long id, string name, Origin origin)
    {
        var before = await tx.Text($"SELECT name FROM people WHERE id = @id{tx.ForUpdate}", new { id });
        if (before is null || before == name)
            return;
        await tx.Execute(
            "UPDATE people SET name = @name, name_key = @nameKey WHERE id = @id",
            new
            {
                name,
                nameKey = await KeyOf(tx, name),
                id,
            }
        );
        await tx.Execute(
            """
            INSERT INTO former_names (person_id, n, text)
            SELECT @id, 1 + count(*), @before FROM former_names WHERE person_id = @id
            """,
            new { id, before }
        );
        await tx.Append($"person:{id}", origin, "person.renamed", new { name });
        await (await ActiveRequestsNaming.Find(tx, await LearnedRequesters.Known(tx, [id]), origin)).Bar(tx, origin);
        await PeopleDirectory.Changed(tx);
    }

    /// <summary>What a person may from now on; what they decided before stays.</summary>
    /// <param name="isForced">As in <see cref="Disable(string, Origin, CancellationToken, bool)"/>.</param>
    public Task<AccessOutcome<long>> SetRole(
        string email,
        Role role,
        Origin origin,
        CancellationToken cancel,
        bool isForced = false
    ) =>
        store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var id = await IdOf(tx, email);
                if (id == 0)
                    return NoPerson<long>();
                if (!isForced && role != Role.Admin && await IsLastAdmin(tx, id))
                    return LastAdmin("role");
                await SetRole(tx, id, role, origin);
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    internal static async ValueTask SetRole(Tx tx, long id, Role role, Origin origin)
    {
        if (
            await tx.Execute(
                "UPDATE people SET role = @role WHERE id = @id AND role <> @role",
                new { role = role.ToWireName(), id }
            ) == 0
        )
        {
            return;
        }
        await tx.Append($"person:{id}", origin, "person.role_changed", new { role = role.ToWireName() });
        if (role == Role.Admin)
            await SetUpLink.End(tx);
        await PeopleDirectory.Changed(tx);
    }

    /// <summary>True while nobody could sign in as admin.</summary>
    public ValueTask<bool> NoAdminYet(CancellationToken cancel) =>
        store.Read(
            async r => await r.Number("SELECT count(*) FROM people WHERE role = 'admin' AND disabled_at IS NULL") == 0,
            cancel
        );

    private static async ValueTask<AccessOutcome<long>> Update(
        Tx tx,
        string email,
        Origin origin,
        string kind,
        string sql,
        Func<long, ValueTask>? more
    )
    {
        var id = await IdOf(tx, email);
        if (id == 0)
            return NoPerson<long>();
        // Doing it twice is not a second event.
        if (await tx.Execute(sql, new { now = tx.Now, id }) == 1)
        {
            await tx.Append($"person:{id}", origin, kind, new { });
            if (more is not null)
                await more(id);
            await PeopleDirectory.Changed(tx);
        }
        return new AccessOutcome<long>.Done(id);
    }

    private sealed class IdRow
    {
        public long Id { get; init; }
    }

    /// <summary>
    /// What namesakes have in common; whoever had the name before the program folded names gets it too.
    /// </summary>
    private static async ValueTask<string> KeyOf(Tx tx, string name)
    {
        var key = NameFolding.Name(name);
        await tx.Execute(
            "UPDATE people SET name_key = @key WHERE name = @name AND name_key <> @key",
            new { key, name }
        );
        return key;
    }

    /// <summary>0 when no person has the address.</summary>
    internal static ValueTask<long> IdOf(Reader reader, string email) =>
        reader.Number("SELECT id FROM people WHERE email_key = @key", new { key = EmailAddress.KeyOf(email) });

    internal static AccessOutcome<T> NoPerson<T>() => new AccessOutcome<T>.NotFound("a person with this email");
}

/// <summary>What may be a name or an e-mail address.</summary>
public static class Names
{
    public const int Longest = 200;

    public static string? Problem(string name) =>
        name.Length is 0 or > Longest ? $"A name has 1 to {Longest} characters."
        : name.Any(char.IsControl) ? "A name can't contain control characters."
        : HasLoneSurrogate(name) ? "A name must be valid Unicode."
        : null;

    public static string? EmailProblem(string email) =>
        email.Length is < 3 or > 254
        || email.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
        || HasLoneSurrogate(email)
        || email.IndexOf('@', StringComparison.Ordinal) is var at
            && (at <= 0 || at != email.LastIndexOf('@') || at == email.Length - 1)
            ? "This isn't an email address."
        : email.EndsWith(ErasedPerson.Domain, StringComparison.OrdinalIgnoreCase)
            ? "This address is reserved for erased people."
        : null;

    public static bool HasLoneSurrogate(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                return true;
        }
        return false;
    }
}
