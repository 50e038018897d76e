using Countersign.People;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>GET /api/members</c>: everyone who may be asked to decide, since a group, an assignment or a policy may name any
/// active person. LaunchDarkly takes the name for the id, so no two of them are equal.
/// </summary>
internal static class MembersEndpoint
{
    public static IResult Run(PeopleDirectory directory)
    {
        var people = directory
            .Current.People.Values.Where(p => p is { IsDisabled: false, Email: not null, Role: not Role.Service })
            .OrderBy(p => p.Id)
            .ToList();
        return Answer.Of([.. Named(people)]);
    }

    /// <summary>
    /// Everyone who shares a name is told apart by the e-mail address, so that nobody's name changes when a namesake
    /// leaves the first place.
    /// </summary>
    private static IEnumerable<MemberText> Named(List<Person> people)
    {
        var given = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var person in people)
        {
            var name = person.DisplayName;
            // Somebody may be called like a namesake's name with the address.
            while (!given.Add(name))
                name = $"{name} ({person.Email})";
            yield return new MemberText(name, person.Email!);
        }
    }
}
