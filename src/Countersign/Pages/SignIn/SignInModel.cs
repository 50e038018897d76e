namespace Countersign.Pages.SignIn;

/// <summary>Signing in, and what waits for it.</summary>
/// <param name="To">Where the person wanted to go.</param>
public sealed record SignInModel(string To)
{
    public string Email { get; init; } = "";

    /// <summary>What is wrong with the email, beside it.</summary>
    public string? EmailError { get; init; }

    /// <summary>Why the person isn't signed in yet.</summary>
    public string? Problem { get; init; }

    public string? Hint { get; init; }

    /// <summary>A form that was posted without a session and goes along.</summary>
    public IReadOnlyList<(string Name, string Value)> Kept { get; init; } = [];

    /// <summary>For a person who is signed in and has to prove that they are still there.</summary>
    public bool IsAgain { get; init; }

    public IReadOnlyList<(string Name, string Address)> Providers { get; init; } = [];

    /// <summary>What goes along is too much for a cookie, so this page stays and providers open beside it.</summary>
    public bool ProvidersOpenBeside { get; init; }

    /// <summary>Whether people can sign in with a password of this hub.</summary>
    public bool TakesPassword { get; init; } = true;

    /// <summary>Whether links to sign in are emailed.</summary>
    public bool OffersLink { get; init; }

    /// <summary>Whether one can have signed in in another tab, and come back to this one.</summary>
    public bool CanContinue => Kept.Count > 0 && (ProvidersOpenBeside || OffersLink);
}
