using Countersign.People;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>What trying to sign in came to.</summary>
public abstract record SignInOutcome
{
    private SignInOutcome() { }

    public sealed record Done(NewSession Session) : SignInOutcome;

    /// <summary>The password, or the link, was right; now a second factor is asked for.</summary>
    public sealed record SecondStep(NewPendingSignIn Pending) : SignInOutcome;

    /// <summary>Wrong, unknown or disabled: nobody is told which.</summary>
    public sealed record Wrong : SignInOutcome;

    /// <summary>Too many wrong ones of late: not looked at.</summary>
    public sealed record TooOften(TimeSpan Wait) : SignInOutcome;

    /// <summary>Too many are signing in: not looked at.</summary>
    public sealed record Busy(TimeSpan Wait) : SignInOutcome;
}

/// <summary>A person begins a session with e-mail address and password, or the first step to one.</summary>
public sealed class PasswordSignIn(
    Passwords passwords,
    Sessions sessions,
    PendingSignIns pendingSignIns,
    PasswordPolicy policy,
    Store store
)
{
    public async Task<SignInOutcome> Run(string email, string password, ClientInfo visit, CancellationToken cancel)
    {
        switch (await passwords.Check(email, password, visit.Address, cancel))
        {
            case PasswordOutcome.TooOften { Wait: var wait }:
                return new SignInOutcome.TooOften(wait);
            case PasswordOutcome.Busy { Wait: var wait }:
                return new SignInOutcome.Busy(wait);
            case PasswordOutcome.Right { Person: var person, Stored: var stored }:
                return await Begin(person, stored, visit, cancel);
            default:
                return new SignInOutcome.Wrong();
        }
    }

    private async Task<SignInOutcome> Begin(Person person, string stored, ClientInfo visit, CancellationToken cancel)
    {
        if (policy.NeedsSecondFactor || await store.Read(reader => SecondFactors.Count(reader, person.Id), cancel) > 0)
        {
            return await pendingSignIns.Begin(person.Id, Session.ByPassword, cancel, stored) is { } pending
                ? new SignInOutcome.SecondStep(pending)
                : new SignInOutcome.Wrong();
        }
        return await sessions.Start(person.Id, Session.ByPassword, visit, cancel, stored) is { } session
            ? new SignInOutcome.Done(session)
            : new SignInOutcome.Wrong();
    }
}
