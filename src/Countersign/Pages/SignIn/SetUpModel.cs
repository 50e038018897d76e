using Countersign.Pages.Parts;

namespace Countersign.Pages.SignIn;

/// <summary>Creating the first admin.</summary>
/// <param name="Key">The link's.</param>
public sealed record SetUpModel(string Key)
{
    public string Name { get; init; } = "";
    public string Email { get; init; } = "";

    /// <summary>Whether the admin signs in with a password of this hub.</summary>
    public bool TakesPassword { get; init; } = true;
    public Refused? Refused { get; init; }
}
