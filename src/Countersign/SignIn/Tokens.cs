using Countersign.People;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>A token just made; the only moment at which its text is known.</summary>
public sealed record NewToken(long Id, string Token);

public sealed class TokenView
{
    public long Id { get; init; }
    public required string Email { get; init; }
    public bool Impersonates { get; init; }
    public required string CreatedAt { get; init; }
    public string? LastUsedAt { get; init; }
    public string? RevokedAt { get; init; }
}

/// <summary>API tokens: they stand for one person, and only together with that person's e-mail address.</summary>
public sealed class Tokens(Store store)
{
    /// <param name="impersonates">Whether whoever holds it may also speak for other people than its owner; for admins'
    /// tokens only.</param>
    public Task<AccessOutcome<NewToken>> Add(
        string email,
        Origin origin,
        CancellationToken cancel,
        bool impersonates = false
    )
    {
        var token = Keys.NewToken();
        var hash = Keys.HashOf(token);
        return store.InTransaction<AccessOutcome<NewToken>>(
            async tx =>
            {
                var person = await Accounts.IdOf(tx, email);
                if (person == 0)
                    return Accounts.NoPerson<NewToken>();
                if (
                    impersonates
                    && await tx.Number(
                        "SELECT count(*) FROM people WHERE id = @person AND role = 'admin'",
                        new { person }
                    ) == 0
                )
                {
                    return new AccessOutcome<NewToken>.Invalid(
                        "impersonates",
                        "Only an admin's token can act for others."
                    );
                }
                var id = await tx.Number(
                    """
                    INSERT INTO tokens (person_id, hash, created_at, impersonates)
                    VALUES (@person, @hash, @now, @flag) RETURNING id
                    """,
                    new
                    {
                        person,
                        hash,
                        now = tx.Now,
                        flag = impersonates ? 1 : 0,
                    }
                );
                await tx.Append(
                    $"person:{person}",
                    origin,
                    "token.added",
                    new
                    {
                        token = id,
                        impersonates,
                        key = Keys.Fingerprint(hash),
                    }
                );
                await tx.Signal(PeopleDirectory.Signal);
                return new AccessOutcome<NewToken>.Done(new NewToken(id, token));
            },
            cancel
        );
    }

    /// <param name="ofPerson">Only if it is theirs; null for admins.</param>
    public Task<AccessOutcome<long>> Revoke(long id, Origin origin, CancellationToken cancel, long? ofPerson = null) =>
        store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var person = await tx.Number(
                    "SELECT person_id FROM tokens WHERE id = @id AND (@owner = 0 OR person_id = @owner)",
                    new { id, owner = ofPerson ?? 0 }
                );
                if (person == 0)
                    return new AccessOutcome<long>.NotFound("a token with this id");
                if (
                    await tx.Execute(
                        "UPDATE tokens SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL",
                        new { now = tx.Now, id }
                    ) == 1
                )
                {
                    await tx.Append($"person:{person}", origin, "token.revoked", new { token = id });
                    await tx.Signal(PeopleDirectory.Signal);
                }
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    public ValueTask<List<TokenView>> List(CancellationToken cancel, long? ofPerson = null) =>
        store.Read(
            reader =>
                reader.All<TokenView>(
                    """
                    SELECT t.id, p.email, t.impersonates <> 0 AS impersonates, t.created_at, t.last_used_at,
                    t.revoked_at
                    FROM tokens t JOIN people p ON p.id = t.person_id WHERE @owner = 0 OR p.id = @owner
                    ORDER BY t.id
                    """,
                    new { owner = ofPerson ?? 0 }
                ),
            cancel
        );
}
