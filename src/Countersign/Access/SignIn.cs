namespace Countersign.Access;

/// <summary>What trying to sign in came to.</summary>
public abstract record SignInOutcome
{
    private SignInOutcome() { }

    public sealed record Done(NewSession Session) : SignInOutcome;

    /// <summary>Wrong, unknown or disabled: nobody is told which.</summary>
    public sealed record Wrong : SignInOutcome;

    /// <summary>Too many wrong ones of late: not looked at.</summary>
    public sealed record TooOften(TimeSpan Wait) : SignInOutcome;
}

/// <summary>A person begins a session with e-mail address and password.</summary>
public sealed class SignIn(Passwords passwords, Sessions sessions)
{
    public async Task<SignInOutcome> Run(string email, string password, Visit visit, CancellationToken cancel)
    {
        var (person, stored, wait) = await passwords.Check(email, password, visit.Address, cancel);
        if (wait > TimeSpan.Zero)
            return new SignInOutcome.TooOften(wait);
        return person is not null && await sessions.Start(person.Id, "password", visit, cancel, stored) is { } session
            ? new SignInOutcome.Done(session)
            : new SignInOutcome.Wrong();
    }
}
