using Countersign.People;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>What an identity provider says about somebody who proved to it who they are.</summary>
/// <param name="Email">Only as good as <paramref name="IsVerified"/>.</param>
/// <param name="Groups">Null when it says nothing about groups.</param>
public sealed record Identity(
    string Issuer,
    string Subject,
    string? Email,
    bool IsVerified,
    string? Name,
    IReadOnlyList<string>? Groups
)
{
    /// <summary>When the provider last asked the person for a proof; null when it does not say.</summary>
    public DateTimeOffset? ProvenAt { get; init; }
}

public abstract record ElsewhereOutcome
{
    private ElsewhereOutcome() { }

    public sealed record Done(NewSession Session) : ElsewhereOutcome;

    /// <summary>
    /// The provider does not vouch for the e-mail address, so it says nothing about who this is here.
    /// </summary>
    public sealed record NotVerified : ElsewhereOutcome;

    /// <summary>Nobody here whom this could be, or somebody who was shut out: not told apart.</summary>
    public sealed record NotHere : ElsewhereOutcome;
}

/// <summary>
/// Somebody signs in with an identity provider. Known by issuer and subject; the first time by the e-mail address, if
/// the provider has verified it and the account has no other way in from the same provider (addresses are given away
/// again). Each time they get the name that the provider gives.
/// </summary>
public sealed class ExternalSignIn(Store store, Sessions sessions)
{
    private const int MaxSubject = 255,
        MaxGroups = 500;

    /// <summary>From the provider's question to our answer, with clocks that differ a little.</summary>
    private static readonly TimeSpan JustNow = TimeSpan.FromMinutes(2);

    public static bool IsFresh(Identity identity, DateTimeOffset now) =>
        identity.ProvenAt is { } proven && (now - proven).Duration() <= JustNow;

    /// <param name="newAccounts">The role of people who are not here yet; null: they are not let in.</param>
    public async Task<ElsewhereOutcome> Run(
        Identity identity,
        Role? newAccounts,
        ClientInfo visit,
        CancellationToken cancel
    )
    {
        if (identity.Subject.Length is 0 or > MaxSubject || identity.Groups is { Count: > MaxGroups })
            return new ElsewhereOutcome.NotHere();
        var email =
            identity is { IsVerified: true, Email: { } address } && Names.EmailProblem(address.Trim()) is null
                ? address.Trim()
                : null;
        var name = identity.Name?.Trim() is { } given && Names.Problem(given) is null ? given : null;
        var secret = Keys.NewSessionSecret();
        var hash = Keys.HashOf(secret);
        return await store.InTransaction<ElsewhereOutcome>(
            async tx =>
            {
                var person = await tx.Number(
                    "SELECT person_id FROM identities WHERE issuer = @Issuer AND subject = @Subject",
                    new { identity.Issuer, identity.Subject }
                );
                if (person == 0)
                {
                    if (email is null)
                        return new ElsewhereOutcome.NotVerified();
                    person = await Meet(tx, identity, email, name ?? email, newAccounts, visit);
                    if (person == 0)
                        return new ElsewhereOutcome.NotHere();
                }
                if (
                    await sessions.Start(
                        tx,
                        person,
                        IsFresh(identity, tx.Now) ? Session.ByProviderJustNow : Session.ByProvider,
                        visit,
                        secret,
                        hash
                    )
                    is not { } session
                )
                {
                    return new ElsewhereOutcome.NotHere();
                }
                // The provider says it, not the person: they do not rename themselves here.
                if (name is not null)
                    await Accounts.Rename(tx, person, name, new Origin(Actor.Hub, visit.Via, visit.Address));
                if (identity.Groups is { } groups)
                    await Join(tx, person, groups, new Origin(Actor.Person(person), visit.Via, visit.Address));
                return new ElsewhereOutcome.Done(session);
            },
            cancel
        );
    }

    /// <summary>The first time: whom the address belongs to here, or somebody new; 0 when it is nobody.</summary>
    private static async ValueTask<long> Meet(
        Tx tx,
        Identity identity,
        string email,
        string name,
        Role? newAccounts,
        ClientInfo visit
    )
    {
        var person = await tx.Number(
            "SELECT id FROM people WHERE email_key = @key AND disabled_at IS NULL",
            new { key = EmailAddress.KeyOf(email) }
        );
        if (person == 0)
        {
            if (
                newAccounts is not { } role
                || await Accounts.Add(tx, email, name, role, null, new Origin(Actor.Hub, visit.Via, visit.Address))
                    is not AccessOutcome<Person>.Done { Value: var added }
            )
            {
                return 0;
            }
            person = added.Id;
        }
        else if (
            await tx.Number(
                "SELECT count(*) FROM identities WHERE person_id = @person AND issuer = @Issuer",
                new { person, identity.Issuer }
            ) > 0
        )
        {
            return 0;
        }
        var id = await tx.Number(
            """
            INSERT INTO identities (person_id, issuer, subject, created_at)
            VALUES (@person, @Issuer, @Subject, @now) RETURNING id
            """,
            new
            {
                person,
                identity.Issuer,
                identity.Subject,
                now = tx.Now,
            }
        );
        await tx.Append(
            $"person:{person}",
            new Origin(Actor.Person(person), visit.Via, visit.Address),
            "person.linked",
            new
            {
                identity = id,
                issuer = identity.Issuer,
                subject = identity.Subject,
            }
        );
        return person;
    }

    /// <summary>
    /// Groups of the names that the claim gives, of those that are here. What the claim gave before and does not give
    /// now is left; memberships that an admin gave stay.
    /// </summary>
    private static async ValueTask Join(Tx tx, long person, IReadOnlyList<string> names, Origin origin)
    {
        // Not by the key: in it a Kelvin sign is a k, and a group elsewhere could be made to look like one here.
        var wanted = names.Select(n => n.Trim()).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var claimed = (await tx.All<GroupRow>("SELECT id, name FROM groups ORDER BY id"))
            .Where(g => wanted.Contains(g.Name))
            .Select(g => g.Id)
            .ToHashSet();
        var changed = false;
        foreach (var group in claimed.Order())
        {
            if (
                await tx.Execute(
                    """
                    INSERT INTO members (group_id, person_id) VALUES (@group, @person)
                    ON CONFLICT (group_id, person_id) DO NOTHING
                    """,
                    new { group, person }
                ) == 0
            )
            {
                continue;
            }
            await tx.Execute(
                """
                INSERT INTO claimed_members (group_id, person_id) VALUES (@group, @person)
                ON CONFLICT (person_id, group_id) DO NOTHING
                """,
                new { group, person }
            );
            await tx.Append($"group:{group}", origin, "group.member_added", new { person });
            changed = true;
        }
        foreach (
            var old in await tx.All<GroupRow>(
                "SELECT group_id AS id, '' AS name FROM claimed_members WHERE person_id = @person ORDER BY group_id",
                new { person }
            )
        )
        {
            var group = old.Id;
            if (claimed.Contains(group))
                continue;
            await tx.Execute(
                "DELETE FROM claimed_members WHERE group_id = @group AND person_id = @person",
                new { group, person }
            );
            if (
                await tx.Execute(
                    "DELETE FROM members WHERE group_id = @group AND person_id = @person",
                    new { group, person }
                ) == 0
            )
            {
                continue;
            }
            await tx.Append($"group:{group}", origin, "group.member_removed", new { person });
            changed = true;
        }
        if (changed)
            await PeopleDirectory.Changed(tx);
    }

    private sealed class GroupRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
    }
}
