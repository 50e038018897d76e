using Countersign.Pages.Account;
using Countersign.Pages.Parts;
using Countersign.People;

namespace Countersign.Pages.Admin;

/// <summary>One person, and all that an admin can do for them and with them.</summary>
public sealed record PersonModel(Person Person, IReadOnlyList<Group> Groups)
{
    public required AbsenceModel Absence { get; init; }
    public required IReadOnlyList<Alias> Aliases { get; init; }
    public required TokensModel Tokens { get; init; }
    public required SessionsModel Sessions { get; init; }

    /// <summary>Whether it is the admin who looks; they can't take their own access away.</summary>
    public required bool IsSelf { get; init; }

    /// <summary>Whether people can have a password of this hub.</summary>
    public required bool TakesPassword { get; init; }

    public Refused? Refused { get; init; }

    // What was typed and refused.
    public string? TypedName { get; init; }
    public string? TypedRole { get; init; }
    public string TypedAlias { get; init; } = "";

    public string Path => $"{PeoplePage.Path}/{Person.Id}";

    public bool IsErased => ErasedPerson.IdOf(Person.Email ?? "") != 0;
}
