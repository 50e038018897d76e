using Countersign.Pages.Parts;
using Countersign.People;

namespace Countersign.Pages.Admin;

/// <param name="Absence">One that has begun or is planned.</param>
public sealed record PersonRow(Person Person, IReadOnlyList<string> Groups, Absence? Absence)
{
    public bool IsErased => ErasedPerson.IdOf(Person.Email ?? "") != 0;
}

/// <summary>People, a page of them, as far as they fit a search.</summary>
public sealed record PeopleModel(IReadOnlyList<PersonRow> People, PeopleTabsModel Tabs)
{
    public string Text { get; init; } = "";

    /// <summary>All that fit.</summary>
    public int Total { get; init; }

    public string? Previous { get; init; }
    public string? Next { get; init; }

    /// <summary>The whole list, as far as it fits, for spreadsheets.</summary>
    public required string CsvPath { get; init; }
}

/// <summary>People and groups are two lists of one part of the settings.</summary>
/// <param name="Current">The path of the one that is shown.</param>
public sealed record PeopleTabsModel(string Current, int People, int Groups);

/// <summary>A person to be added, with what was typed and refused.</summary>
public sealed record NewPersonModel
{
    public string Name { get; init; } = "";
    public string Email { get; init; } = "";
    public string Role { get; init; } = "agent";

    /// <summary>Whether people can have a password of this hub.</summary>
    public bool TakesPassword { get; init; } = true;
    public Refused? Refused { get; init; }
}

/// <summary>All groups, and one to be added.</summary>
public sealed record GroupsModel(
    IReadOnlyList<(Group Group, IReadOnlyList<string> Members)> Groups,
    PeopleTabsModel Tabs
)
{
    public string TypedName { get; init; } = "";
    public Refused? Refused { get; init; }
}
