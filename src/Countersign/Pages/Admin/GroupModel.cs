using Countersign.Pages.Parts;
using Countersign.People;

namespace Countersign.Pages.Admin;

/// <summary>A group, its members and who could become one.</summary>
public sealed record GroupModel(Group Group, IReadOnlyList<Person> Members)
{
    /// <summary>To choose from; null where there are too many, and one types the email.</summary>
    public IReadOnlyList<Person>? Candidates { get; init; }

    public Refused? Refused { get; init; }

    /// <summary>What was typed and refused.</summary>
    public string? TypedName { get; init; }

    public string Path => $"{GroupPage.Path}/{Group.Id}";
}
