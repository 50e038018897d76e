using Countersign.Storage;

namespace Countersign.People;

/// <summary>Groups of people: any member may fill the group's slots. Leaving later does not undo an answer.</summary>
public sealed class Groups(Store store)
{
    public async Task<AccessOutcome<Group>> Add(
        string name,
        IReadOnlyList<string> memberEmails,
        Origin origin,
        CancellationToken cancel
    )
    {
        name = name.Trim();
        if (Names.Problem(name) is { } bad)
            return new AccessOutcome<Group>.Invalid("name", bad);
        return await store.InTransaction(tx => Add(tx, name, memberEmails, origin), cancel);
    }

    /// <summary>Inside a transaction that has more to do; the name was checked before.</summary>
    internal static async ValueTask<AccessOutcome<Group>> Add(
        Tx tx,
        string name,
        IReadOnlyList<string> memberEmails,
        Origin origin
    )
    {
        if (
            await tx.Number("SELECT id FROM groups WHERE name_key = @key", new { key = PeopleDirectory.KeyOf(name) })
            != 0
        )
        {
            return new AccessOutcome<Group>.Exists("a group with this name");
        }
        var members = new SortedSet<long>();
        foreach (var email in memberEmails)
        {
            var person = await Accounts.IdOf(tx, email);
            if (person == 0)
                return new AccessOutcome<Group>.NotFound($"the person {email}");
            members.Add(person);
        }
        var id = await tx.Number(
            "INSERT INTO groups (name, name_key, created_at) VALUES (@name, @key, @now) RETURNING id",
            new
            {
                name,
                key = PeopleDirectory.KeyOf(name),
                now = tx.Now,
            }
        );
        foreach (var person in members)
        {
            await tx.Execute("INSERT INTO members (group_id, person_id) VALUES (@id, @person)", new { id, person });
        }
        await tx.Append($"group:{id}", origin, "group.added", new { name, members });
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<Group>.Done(new Group(id, name, [.. members], tx.Now));
    }

    /// <summary>
    /// The group stays the same one: its members, what it was asked and the sources that ask it. The policy file names
    /// groups by name, so it has to be changed too.
    /// </summary>
    public async Task<AccessOutcome<long>> Rename(string group, string name, Origin origin, CancellationToken cancel)
    {
        name = name.Trim();
        if (Names.Problem(name) is { } bad)
            return new AccessOutcome<long>.Invalid("name", bad);
        return await store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var id = await tx.Number(
                    "SELECT id FROM groups WHERE name_key = @key",
                    new { key = PeopleDirectory.KeyOf(group) }
                );
                if (id == 0)
                    return NoGroup<long>();
                if (
                    await tx.Number(
                        "SELECT id FROM groups WHERE name_key = @key",
                        new { key = PeopleDirectory.KeyOf(name) }
                    )
                        is not 0
                            and var other
                    && other != id
                )
                {
                    return new AccessOutcome<long>.Exists("a group with this name");
                }
                if (
                    await tx.Execute(
                        "UPDATE groups SET name = @name, name_key = @key WHERE id = @id AND name <> @name",
                        new
                        {
                            name,
                            key = PeopleDirectory.KeyOf(name),
                            id,
                        }
                    ) == 1
                )
                {
                    await tx.Append($"group:{id}", origin, "group.renamed", new { name });
                    await PeopleDirectory.Changed(tx);
                }
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );
    }

    public Task<AccessOutcome<long>> AddMember(string group, string email, Origin origin, CancellationToken cancel) =>
        store.InTransaction(tx => AddMember(tx, group, email, origin), cancel);

    internal static ValueTask<AccessOutcome<long>> AddMember(Tx tx, string group, string email, Origin origin) =>
        ChangeMember(
            tx,
            group,
            email,
            origin,
            "group.member_added",
            """
            INSERT INTO members (group_id, person_id) VALUES (@id, @person)
            ON CONFLICT (group_id, person_id) DO NOTHING
            """
        );

    public Task<AccessOutcome<long>> RemoveMember(
        string group,
        string email,
        Origin origin,
        CancellationToken cancel
    ) => store.InTransaction(tx => RemoveMember(tx, group, email, origin), cancel);

    internal static ValueTask<AccessOutcome<long>> RemoveMember(Tx tx, string group, string email, Origin origin) =>
        ChangeMember(
            tx,
            group,
            email,
            origin,
            "group.member_removed",
            "DELETE FROM members WHERE group_id = @id AND person_id = @person"
        );

    private static async ValueTask<AccessOutcome<long>> ChangeMember(
        Tx tx,
        string group,
        string email,
        Origin origin,
        string kind,
        string sql
    )
    {
        var id = await tx.Number(
            "SELECT id FROM groups WHERE name_key = @key",
            new { key = PeopleDirectory.KeyOf(group) }
        );
        if (id == 0)
            return NoGroup<long>();
        var person = await Accounts.IdOf(tx, email);
        if (person == 0)
            return Accounts.NoPerson<long>();
        // An answer that rests on the membership comes before this change or after it.
        await tx.Number($"SELECT id FROM people WHERE id = @person{tx.ForUpdate}", new { person });
        if (await tx.Execute(sql, new { id, person }) == 1)
        {
            await tx.Append($"group:{id}", origin, kind, new { person });
            await PeopleDirectory.Changed(tx);
        }
        return new AccessOutcome<long>.Done(id);
    }

    /// <summary>Inside a transaction that has more to do. False for a person who is a member already.</summary>
    internal static async ValueTask<bool> Join(Tx tx, long group, long person, Origin origin)
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
            return false;
        }
        await tx.Append($"group:{group}", origin, "group.member_added", new { person });
        await PeopleDirectory.Changed(tx);
        return true;
    }

    internal static AccessOutcome<T> NoGroup<T>() => new AccessOutcome<T>.NotFound("a group with this name");
}
