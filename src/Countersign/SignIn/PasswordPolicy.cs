namespace Countersign.SignIn;

/// <summary>Why a password isn't taken.</summary>
/// <param name="Code">By which pages find the sentence in their reader's language.</param>
public sealed record PasswordProblem(string Code, string Why);

/// <summary>Which passwords are taken: none where they are switched off, and none that was published.</summary>
public sealed class PasswordPolicy(PasswordOptions options)
{
    /// <summary>What holds without settings.</summary>
    public static readonly PasswordPolicy Default = new(new PasswordOptions());

    public bool AreEnabled => options.Enabled;

    /// <summary>Whether a password or an emailed link alone isn't enough to sign in.</summary>
    public bool NeedsSecondFactor => options.SecondFactor != SecondFactorRule.Optional;

    /// <summary>Whether what a session began with is still a way in.</summary>
    public bool Allows(Session session) =>
        (options.Enabled || !session.IsByPassword) && !(NeedsSecondFactor && Session.IsOneStep(session.How));

    public PasswordProblem? Problem(string password, string email, string name) =>
        !options.Enabled
            ? new PasswordProblem(
                "passwords_off",
                "Passwords are switched off (`Passwords:Enabled`). People sign in with an identity provider "
                    + "or an emailed link."
            )
            : PasswordRules.Problem(password, email, name) ?? Breached(password);

    private PasswordProblem? Breached(string password)
    {
        if (options.BreachedFile is not { Length: > 0 } place)
            return null;
        try
        {
            return BreachedPasswords.Contains(place, password)
                ? new PasswordProblem(
                    "password_breached",
                    "This password was published in a data breach. Choose another one."
                )
                : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return new PasswordProblem(
                "password_not_checked",
                "The password couldn't be compared with breached ones, so it wasn't set. An admin has to check "
                    + "`Passwords:BreachedFile`."
            );
        }
    }
}
