using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>Who belongs to which group, who is an admin, who is disabled and who is away, as the store knows it now.</summary>
internal static class PoolRows
{
    public static async ValueTask<Pools> All(Reader reader)
    {
        var people = await reader.All<PersonRow>(
            $"""
            SELECT p.id, {PersonNames.Sql("p")} AS name, p.role, p.disabled_at, a.ends_at, a.stand_in
            FROM people p LEFT JOIN absences a ON a.person_id = p.id AND a.begun = 1
            WHERE p.role <> 'service' ORDER BY p.id
            """);
        var members = (await reader.All<MemberRow>("SELECT group_id, person_id FROM members ORDER BY person_id"))
            .GroupBy(m => m.GroupId)
            .ToDictionary(g => Party.Group(g.Key).Text, IReadOnlyList<long> (g) => [.. g.Select(m => m.PersonId)]);
        members[Party.Admins.Text] = [.. people.Where(p => p.Role == "admin").Select(p => p.Id)];
        return new Pools(
            people.ToDictionary(p => p.Id, p => new Somebody(p.Id, p.Name, p.DisabledAt is not null, p.EndsAt is { } end ? EndOf(end) : null, p.StandIn)),
            members);
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
