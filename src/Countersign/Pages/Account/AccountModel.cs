using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;

namespace Countersign.Pages.Account;

/// <summary>What belongs to the person who looks.</summary>
public sealed record AccountModel(Person Person, IReadOnlyList<Group> Groups)
{
    public required AbsenceModel Absence { get; init; }
    public required IReadOnlyList<(string Channel, bool IsOn)> Channels { get; init; }
    public required TokensModel Tokens { get; init; }
    public required SessionsModel Sessions { get; init; }

    /// <summary>Whether there is one to change: people may sign in with an identity provider alone.</summary>
    public required bool HasPassword { get; init; }

    /// <summary>Whether they sign in with something that a second factor goes with.</summary>
    public required bool TakesSecondFactor { get; init; }

    public required IReadOnlyList<string> TimeZones { get; init; }
    public Refused? Refused { get; init; }
}
