using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <param name="Owner">Whose session it is; null where that goes without saying.</param>
/// <param name="IsThis">Whether it is the one in which the page is read.</param>
public sealed record SessionView(Session Session, string? Owner, bool IsThis);

/// <summary>Where people are signed in: all of them, or one.</summary>
/// <param name="Back">The page on which they are listed.</param>
public sealed record SessionsModel(IReadOnlyList<SessionView> Sessions, string Back)
{
    public bool HasOwners { get; init; }

    /// <summary>Whether the reader's other sessions may be ended together.</summary>
    public bool CanEndOthers { get; init; }
}
