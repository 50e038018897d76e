using System.Globalization;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// Who belongs to which group, who is an admin, who is disabled and who is away, as the store knows it now.
/// </summary>
internal static class PoolRows
{
    public static async ValueTask<Pools> All(Reader reader)
    {
        var people = await reader.All<PersonRow>(
            $"""
            SELECT p.id, {PersonNames.Sql("p")} AS name, p.role, p.disabled_at, a.ends_at, a.stand_in
            FROM people p LEFT JOIN absences a ON a.person_id = p.id AND a.begun = 1
            WHERE p.role <> 'service' ORDER BY p.id
            """
        );
        var members = (await reader.All<MemberRow>("SELECT group_id, person_id FROM members ORDER BY person_id"))
            .GroupBy(m => m.GroupId)
            .ToDictionary(g => Party.Group(g.Key).Text, IReadOnlyList<long> (g) => [.. g.Select(m => m.PersonId)]);
        members[Party.Admins.Text] = [.. people.Where(p => p.Role == "admin").Select(p => p.Id)];
        return new Pools(
            people.ToDictionary(
                p => p.Id,
                p => new PoolMember(
                    p.Id,
                    p.Name,
                    p.DisabledAt is not null,
                    p.EndsAt is { } end ? EndOf(end) : null,
                    p.StandIn
                )
            ),
            members
        );
    }

    /// <summary>Whoever is away until an unreadable time is away until further notice.</summary>
    private static DateTimeOffset EndOf(string text)
    {
        try
        {
            return Instant.Parse(text);
        }
        catch (FormatException)
        {
            return DateTimeOffset.MaxValue;
        }
    }

    /// <summary>
    /// The same of one person, of those who chose them as delegate and of those who are part of a delegation: all that
    /// decides in which steps this person may answer, read without the other people. Null when there is no such person,
    /// or it is a source's service person.
    /// </summary>
    /// <param name="delegations">Those of the request.</param>
    public static async ValueTask<(Pools Pools, AuthorRow Author)?> Around(
        Reader reader,
        long person,
        IReadOnlyList<Delegation> delegations
    )
    {
        var involved = delegations.Count == 0 ? "" : $" OR id IN ({string.Join(", ", Involved())})";
        // Whoever disables this person or takes them out of a group waits until this answer stands, or is seen here.
        if (reader is Tx { ForShare.Length: > 0 } tx)
            await tx.Number($"SELECT id FROM people WHERE id = @person{tx.ForShare}", new { person });
        var rows = await reader.All<AuthorRow>(
            $"""
            SELECT p.id, {PersonNames.Sql(
                "p"
            )} AS name, p.email, p.role, p.disabled_at, p.disablings, m.group_id, a.ends_at, a.stand_in
            FROM people p
            LEFT JOIN absences a ON a.person_id = p.id AND a.begun = 1
            LEFT JOIN members m ON m.person_id = p.id
            WHERE p.role <> 'service' AND p.id IN
              (SELECT id FROM people WHERE id = @person{involved}
               UNION SELECT person_id FROM absences WHERE stand_in = @person AND begun = 1)
            ORDER BY p.id
            """,
            new { person }
        );
        if (rows.Find(r => r.Id == person) is not { } author)
            return null;
        var people = rows.DistinctBy(r => r.Id).ToDictionary(p => p.Id, p => p.ToSomebody());
        var members = rows.Where(r => r.GroupId is not null)
            .GroupBy(r => r.GroupId!.Value)
            .ToDictionary(g => Party.Group(g.Key).Text, IReadOnlyList<long> (g) => [.. g.Select(m => m.Id)]);
        members[Party.Admins.Text] = [.. rows.Where(p => p.Role == "admin").Select(p => p.Id).Distinct()];
        return (new Pools(people, members), author);

        IEnumerable<string> Involved() =>
            delegations
                .SelectMany(d => new[] { d.PersonId, d.DelegateId })
                .Distinct()
                .Select(id => id.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A person with one of their groups.</summary>
    internal sealed class AuthorRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
        public string? Email { get; init; }
        public required string Role { get; init; }
        public string? DisabledAt { get; init; }
        public long Disablings { get; init; }
        public long? GroupId { get; init; }
        public string? EndsAt { get; init; }
        public long? StandIn { get; init; }

        public PoolMember ToSomebody() =>
            new(Id, Name, DisabledAt is not null, EndsAt is { } end ? EndOf(end) : null, StandIn);
    }

    private sealed class PersonRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
        public required string Role { get; init; }
        public string? DisabledAt { get; init; }
        public string? EndsAt { get; init; }
        public long? StandIn { get; init; }
    }

    private sealed class MemberRow
    {
        public long GroupId { get; init; }
        public long PersonId { get; init; }
    }
}
