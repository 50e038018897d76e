using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.People;

/// <summary>One person of a file. What is null or empty says nothing about what is here already.</summary>
/// <param name="Place">Where in the file, for what is said about it: "line 3".</param>
public sealed record ImportedPerson(
    string Place,
    string Email,
    string? Name,
    string? Role,
    IReadOnlyList<string> Groups,
    IReadOnlyList<string> Aliases
)
{
    /// <summary>
    /// As it was read; a list may lack members or hold nothing where there should be a text, which is a mistake then.
    /// </summary>
    public static ImportedPerson Of(
        string place,
        string? email,
        string? name,
        string? role,
        IEnumerable<string?>? groups,
        IEnumerable<string?>? aliases
    ) =>
        new(
            place,
            email ?? "",
            name,
            role,
            [.. (groups ?? []).Select(g => g ?? "")],
            [.. (aliases ?? []).Select(a => a ?? "")]
        );
}

/// <summary>What a file changed, by email address.</summary>
/// <param name="Changed">Who got a name, a role, a group or an alias that they did not have.</param>
/// <param name="Aliases">How many aliases are new.</param>
public sealed record ImportedPeople(
    IReadOnlyList<string> Added,
    IReadOnlyList<string> Changed,
    int Unchanged,
    int Aliases
);

public abstract record ImportOutcome
{
    private ImportOutcome() { }

    public sealed record Done(ImportedPeople People) : ImportOutcome;

    /// <summary>Nothing was changed.</summary>
    /// <param name="Mistakes">Each with its place, in the file's order.</param>
    public sealed record Refused(IReadOnlyList<string> Mistakes) : ImportOutcome;

    /// <summary>
    /// Nothing was changed, because no one could approve these requests any more; forcing it changes it all the same.
    /// </summary>
    public sealed record WouldBlock(AccessOutcome<Alias>.WouldBlock Requests) : ImportOutcome;
}

/// <summary>
/// Brings in people with their aliases, all or none of them. A second time changes nothing. Nobody is taken away, no
/// membership and no alias: a file only says what should be there.
/// </summary>
public sealed class PeopleImport(Store store)
{
    public const int MaxPeople = 5_000;
    private const int MaxMistakes = 20;

    public async Task<ImportOutcome> Run(
        IReadOnlyList<ImportedPerson> people,
        Origin origin,
        CancellationToken cancel,
        bool isForced = false,
        IProgress<(long Done, long Total)>? progress = null
    )
    {
        var mistakes =
            people.Count > MaxPeople
                ? [$"There are more than {MaxPeople:0} people. Split the file."]
                : Mistakes(people);
        return mistakes.Count > 0
            ? Refused(mistakes)
            : await store.InTransaction(tx => Run(tx, people, origin, isForced, progress), cancel);
    }

    private static ImportOutcome.Refused Refused(List<string> mistakes) =>
        new(
            mistakes.Count <= MaxMistakes
                ? mistakes
                : [.. mistakes.Take(MaxMistakes), $"And {mistakes.Count - MaxMistakes} more errors."]
        );

    /// <summary>What can be seen without the store.</summary>
    private static List<string> Mistakes(IReadOnlyList<ImportedPerson> people)
    {
        var mistakes = new List<string>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var person in people)
        {
            void Add(string? why)
            {
                if (why is not null)
                    mistakes.Add($"{person.Place}: {why}");
            }
            if (Names.EmailProblem(person.Email.Trim()) is { } noAddress)
                Add(person.Email.Trim().Length == 0 ? "The email is missing." : noAddress);
            else if (!places.TryAdd(EmailAddress.KeyOf(person.Email), person.Place))
                Add($"{person.Email.Trim()} is already at {places[EmailAddress.KeyOf(person.Email)]}.");
            if (person.Name?.Trim() is { Length: > 0 } name)
                Add(Names.Problem(name));
            if (RoleText(person) is { } role && Roles.Of(role) is null)
                Add("The role must be admin, agent or end-user.");
            if (person.Aliases.Count > Aliases.MaxPerPerson)
            {
                Add($"A person has at most {Aliases.MaxPerPerson} aliases.");
            }
            else if (
                person.Aliases.Select(a => Aliases.Problem(a.Trim())).FirstOrDefault(p => p is not null) is { } noAlias
            )
            {
                Add(noAlias);
            }
        }
        return mistakes;
    }

    /// <summary>Inside a transaction that has more to do; what can be seen without the store was checked.</summary>
    internal static async ValueTask<ImportOutcome> Run(
        Tx tx,
        IReadOnlyList<ImportedPerson> people,
        Origin origin,
        bool isForced,
        IProgress<(long Done, long Total)>? progress = null
    )
    {
        var known = (
            await tx.All<PersonRow>(
                $"SELECT id, email_key, name, role FROM people WHERE email_key IS NOT NULL{tx.ForUpdate}"
            )
        ).ToDictionary(p => p.EmailKey, StringComparer.Ordinal);
        var groups = (await tx.All<GroupRow>("SELECT id, name_key FROM groups")).ToDictionary(
            g => g.NameKey,
            g => g.Id,
            StringComparer.Ordinal
        );
        var aliases = (await tx.All<AliasRow>("SELECT person_id, key FROM aliases")).ToLookup(
            a => a.PersonId,
            a => a.Key
        );
        var mistakes = new List<string>();
        var roles = people
            .Where(p => RoleText(p) is not null)
            .ToDictionary(p => EmailAddress.KeyOf(p.Email), p => Roles.Of(RoleText(p)!), StringComparer.Ordinal);
        var admins = await Accounts.Admins(tx);
        if (
            admins.Count > 0
            && !roles.ContainsValue(Role.Admin)
            && admins.TrueForAll(id => known.Values.Any(p => p.Id == id && roles.ContainsKey(p.EmailKey)))
        )
        {
            mistakes.Add("No admin would be left. Keep one, or make another person an admin in the same file.");
        }
        foreach (var person in people)
        {
            var here = known.GetValueOrDefault(EmailAddress.KeyOf(person.Email));
            if (here is null && string.IsNullOrWhiteSpace(person.Name))
                mistakes.Add($"{person.Place}: {person.Email.Trim()} is a new person and needs a name.");
            if (
                here is not null
                && person.Aliases.Select(PeopleDirectory.KeyOf).Union(aliases[here.Id]).Count() > Aliases.MaxPerPerson
            )
            {
                mistakes.Add($"{person.Place}: A person has at most {Aliases.MaxPerPerson} aliases.");
            }
            mistakes.AddRange(
                person
                    .Groups.Where(g => !groups.ContainsKey(PeopleDirectory.KeyOf(g)))
                    .Select(g => $"{person.Place}: There is no group {g.Trim()}.")
            );
        }
        if (mistakes.Count > 0)
            return Refused(mistakes);

        var learned = people
            .Where(p => p.Aliases.Count > 0 && known.ContainsKey(EmailAddress.KeyOf(p.Email)))
            .Select(p => KnownPerson.Of(known[EmailAddress.KeyOf(p.Email)].Id, null, p.Aliases))
            .ToList();
        var named = await ActiveRequestsNaming.Find(tx, learned, origin);
        if (!isForced && named.Blocked() is { Count: > 0 } blocked)
            return new ImportOutcome.WouldBlock(new AccessOutcome<Alias>.WouldBlock(blocked));
        // The requests first: a renaming below looks at them again.
        await named.Bar(tx, origin);

        var (added, changed, newAliases, done) = (new List<string>(), new List<string>(), 0, 0L);
        foreach (var person in people)
        {
            progress?.Report((done++, people.Count));
            var email = person.Email.Trim();
            var here = known.GetValueOrDefault(EmailAddress.KeyOf(email));
            var isChanged = false;
            if (here is null)
            {
                var role = Roles.Of(RoleText(person) ?? "agent")!.Value;
                var made = (AccessOutcome<Person>.Done)
                    await Accounts.Add(tx, email, person.Name!.Trim(), role, null, origin);
                here = new PersonRow
                {
                    Id = made.Value.Id,
                    EmailKey = "",
                    Name = made.Value.Name,
                    Role = role.ToWireName(),
                };
                added.Add(email);
            }
            if (person.Name?.Trim() is { Length: > 0 } name && name != here.Name)
            {
                await Accounts.Rename(tx, here.Id, name, origin);
                isChanged = true;
            }
            if (RoleText(person) is { } wanted && wanted != here.Role)
            {
                await Accounts.SetRole(tx, here.Id, Roles.Of(wanted)!.Value, origin);
                isChanged = true;
            }
            foreach (var group in person.Groups)
                isChanged |= await Groups.Join(tx, groups[PeopleDirectory.KeyOf(group)], here.Id, origin);
            foreach (
                var alias in person
                    .Aliases.DistinctBy(PeopleDirectory.KeyOf, StringComparer.Ordinal)
                    .Where(a => !aliases[here.Id].Contains(PeopleDirectory.KeyOf(a)))
            )
            {
                await Aliases.Add(tx, here.Id, alias.Trim(), origin);
                newAliases++;
                isChanged = true;
            }
            if (isChanged && (added.Count == 0 || added[^1] != email))
                changed.Add(email);
        }
        return new ImportOutcome.Done(
            new ImportedPeople(added, changed, people.Count - added.Count - changed.Count, newAliases)
        );
    }

    private static string? RoleText(ImportedPerson person) => person.Role?.Trim() is { Length: > 0 } role ? role : null;

    private sealed class PersonRow
    {
        public long Id { get; init; }
        public required string EmailKey { get; init; }
        public required string Name { get; init; }
        public required string Role { get; init; }
    }

    private sealed class GroupRow
    {
        public long Id { get; init; }
        public required string NameKey { get; init; }
    }

    private sealed class AliasRow
    {
        public long PersonId { get; init; }
        public required string Key { get; init; }
    }
}
