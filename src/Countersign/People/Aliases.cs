using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.People;

/// <summary>A name or an email address that a person has in another system.</summary>
public sealed record Alias(long Id, string Text);

/// <summary>
/// What people are called in other systems. An alias counts like the person's own name and address when a request names
/// its requester: it takes away the right to decide, and gives nothing.
/// </summary>
public sealed class Aliases(Store store)
{
    public const int MaxPerPerson = 50;

    /// <summary>
    /// Adding one that the person has already changes nothing. The person is barred from active requests that were made
    /// under it; where no one else could approve one of those, it is only done when forced.
    /// </summary>
    public async Task<AccessOutcome<Alias>> Add(
        string email,
        string text,
        Origin origin,
        CancellationToken cancel,
        bool isForced = false
    ) =>
        Problem(text.Trim()) is { } bad
            ? new AccessOutcome<Alias>.Invalid("alias", bad)
            : await store.InTransaction(tx => Add(tx, email, text, origin, isForced), cancel);

    /// <summary>Inside a transaction that has more to do; the text was checked before.</summary>
    internal static async ValueTask<AccessOutcome<Alias>> Add(
        Tx tx,
        string email,
        string text,
        Origin origin,
        bool isForced
    ) =>
        await PersonOf(tx, email) is not 0 and var person
            ? await Add(tx, person, text.Trim(), origin, isForced)
            : Accounts.NoPerson<Alias>();

    public ValueTask<List<Alias>> List(long person, CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    await reader.All<AliasRow>(
                        "SELECT id, text FROM aliases WHERE person_id = @person ORDER BY id",
                        new { person }
                    )
                ).ConvertAll(row => new Alias(row.Id, row.Text)),
            cancel
        );

    public Task<AccessOutcome<long>> Remove(string email, string text, Origin origin, CancellationToken cancel) =>
        Remove(email, "key = @what", PeopleDirectory.KeyOf(text), origin, cancel);

    public Task<AccessOutcome<long>> Remove(string email, long id, Origin origin, CancellationToken cancel) =>
        Remove(email, "id = @what", id, origin, cancel);

    private Task<AccessOutcome<long>> Remove<T>(
        string email,
        string which,
        T what,
        Origin origin,
        CancellationToken cancel
    ) => store.InTransaction(tx => Remove(tx, email, which, what, origin), cancel);

    internal static ValueTask<AccessOutcome<long>> Remove(Tx tx, string email, string text, Origin origin) =>
        Remove(tx, email, "key = @what", PeopleDirectory.KeyOf(text), origin);

    private static async ValueTask<AccessOutcome<long>> Remove<T>(
        Tx tx,
        string email,
        string which,
        T what,
        Origin origin
    )
    {
        var person = await PersonOf(tx, email);
        if (person == 0)
            return Accounts.NoPerson<long>();
        var alias = await tx.Number(
            $"SELECT id FROM aliases WHERE person_id = @person AND {which}",
            new { person, what }
        );
        if (alias == 0)
            return new AccessOutcome<long>.NotFound("an alias like this that the person has");
        await tx.Execute("DELETE FROM aliases WHERE id = @alias", new { alias });
        await tx.Append($"person:{person}", origin, "person.alias_removed", new { alias });
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<long>.Done(person);
    }

    /// <summary>Null, or why this is not an alias.</summary>
    internal static string? Problem(string text) =>
        Names.Problem(text) is null
            ? null
            : $"An alias is a name or an email of 1 to {Names.Longest} characters, without control characters.";

    private static async ValueTask<AccessOutcome<Alias>> Add(
        Tx tx,
        long person,
        string text,
        Origin origin,
        bool isForced
    )
    {
        var named = await ActiveRequestsNaming.Find(tx, [KnownPerson.Of(person, null, [text])], origin);
        if (!isForced && named.Blocked() is { Count: > 0 } blocked)
            return new AccessOutcome<Alias>.WouldBlock(blocked);
        var outcome = await Add(tx, person, text, origin);
        if (outcome is AccessOutcome<Alias>.Done)
            await named.Bar(tx, origin);
        return outcome;
    }

    /// <summary>Inside a transaction that has more to do; everything was checked before.</summary>
    internal static async ValueTask<AccessOutcome<Alias>> Add(Tx tx, long person, string text, Origin origin)
    {
        var key = PeopleDirectory.KeyOf(text);
        if (
            await tx.First<AliasRow>(
                "SELECT id, text FROM aliases WHERE person_id = @person AND key = @key",
                new { person, key }
            ) is
            { } known
        )
        {
            return new AccessOutcome<Alias>.Done(new Alias(known.Id, known.Text));
        }
        if (await tx.Number("SELECT count(*) FROM aliases WHERE person_id = @person", new { person }) >= MaxPerPerson)
            return new AccessOutcome<Alias>.Invalid("alias", $"A person has at most {MaxPerPerson} aliases.");
        var kind = Names.EmailProblem(text) is null ? "email" : "name";
        var id = await tx.Number(
            """
            INSERT INTO aliases (person_id, kind, text, key, created_at)
            VALUES (@person, @kind, @text, @key, @now) RETURNING id
            """,
            new
            {
                person,
                kind,
                text,
                key,
                now = tx.Now,
            }
        );
        await tx.Append(
            $"person:{person}",
            origin,
            "person.alias_added",
            new
            {
                alias = id,
                kind,
                text,
            }
        );
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<Alias>.Done(new Alias(id, text));
    }

    private static ValueTask<long> PersonOf(Tx tx, string email) =>
        tx.Number(
            $"SELECT id FROM people WHERE email_key = @key AND role <> 'service'{tx.ForUpdate}",
            new { key = EmailAddress.KeyOf(email) }
        );

    private sealed class AliasRow
    {
        public long Id { get; init; }
        public required string Text { get; init; }
    }
}
