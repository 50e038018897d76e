using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary>API tokens: of all people, or of one.</summary>
/// <param name="Back">The page on which they are listed.</param>
public sealed record TokensModel(IReadOnlyList<TokenView> Tokens, string Back)
{
    /// <summary>Whose they are; null where each row says so.</summary>
    public Person? Owner { get; init; }

    /// <summary>Whether a token that acts for other people may be created here.</summary>
    public bool MayImpersonate { get; init; }
}

/// <summary>A token that was just created, with the only sight of it.</summary>
public sealed record NewTokenModel(string Token, string Email, string BaseUrl, string Back);
