using Countersign.Pages.Account;

namespace Countersign.Pages.SignIn;

/// <summary>The second step of signing in, and what waits for it.</summary>
/// <param name="To">Where the person wanted to go.</param>
public sealed record SecondStepModel(string To)
{
    /// <summary>A form that was posted without a session and goes along.</summary>
    public IReadOnlyList<(string Name, string Value)> Kept { get; init; } = [];

    /// <summary>What is wrong with the code.</summary>
    public string? Error { get; init; }

    /// <summary>Null when the person has none.</summary>
    public PasskeyFormModel? Passkey { get; init; }

    /// <summary>For a person who has no second factor yet; null for others.</summary>
    public AppSetUpModel? SetUp { get; init; }
}
