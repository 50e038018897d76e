namespace Countersign.SignIn;

/// <summary>What trying to sign in came to.</summary>
public abstract record SignInOutcome
{
    private SignInOutcome() { }

    public sealed record Done(NewSession Session) : SignInOutcome;

    /// <summary>Wrong, unknown or disabled: nobody is told which.</summary>
    public sealed record Wrong : SignInOutcome;

    /// <summary>Too many wrong ones of late: not looked at.</summary>
    public sealed record TooOften(TimeSpan Wait) : SignInOutcome;

    /// <summary>Too many are signing in: not looked at.</summary>
    public sealed record Busy(TimeSpan Wait) : SignInOutcome;
}

/// <summary>A person begins a session with e-mail address and password.</summary>
public sealed class PasswordSignIn(Passwords passwords, Sessions sessions)
{
    public async Task<SignInOutcome> Run(string email, string password, ClientInfo visit, CancellationToken cancel)
    {
        switch (await passwords.Check(email, password, visit.Address, cancel))
        {
            case PasswordOutcome.TooOften { Wait: var wait }:
                return new SignInOutcome.TooOften(wait);
            case PasswordOutcome.Busy { Wait: var wait }:
                return new SignInOutcome.Busy(wait);
            case PasswordOutcome.Right { Person: var person, Stored: var stored }
                when await sessions.Start(person.Id, "password", visit, cancel, stored) is { } session:
                return new SignInOutcome.Done(session);
            default:
                return new SignInOutcome.Wrong();
        }
    }
}
