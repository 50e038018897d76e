using Countersign.People;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>What the second step of a sign-in came to.</summary>
public abstract record SecondStepOutcome
{
    private SecondStepOutcome() { }

    /// <param name="RecoveryCodes">Of a second factor that was set up with it; otherwise none.</param>
    public sealed record Done(NewSession Session, IReadOnlyList<string> RecoveryCodes) : SecondStepOutcome;

    /// <summary>Wrong, or used before.</summary>
    public sealed record Wrong : SecondStepOutcome;

    /// <summary>Too many wrong ones of late: not looked at.</summary>
    public sealed record TooOften(TimeSpan Wait) : SecondStepOutcome;

    /// <summary>The first step is too long ago, or doesn't hold any more.</summary>
    public sealed record Over : SecondStepOutcome;
}

/// <summary>
/// Finishes a sign-in with a code of an authenticator app, a recovery code or a passkey; where a second factor is
/// required and the person has none, by setting one up. Guesses are counted per person, from all addresses
/// together: the guesser knows the password.
/// </summary>
public sealed class SecondStep(
    Store store,
    Sessions sessions,
    PendingSignIns pendingSignIns,
    SecondFactors factors,
    SignInAttempts attempts,
    PasskeyCeremony passkeys,
    PeopleDirectory directory
)
{
    private const string ByApp = "app",
        ByPasskey = "passkey",
        ByRecoveryCode = "recovery-code";

    /// <summary>Null when it has expired, or its person can't sign in.</summary>
    public async Task<(PendingSignIn Pending, Person Person)?> Find(string? secret, CancellationToken cancel) =>
        secret is not null
        && await pendingSignIns.Find(secret, cancel) is { } pending
        && (await directory.Refresh(cancel)).People.GetValueOrDefault(pending.PersonId) is { IsDisabled: false } person
            ? (pending, person)
            : null;

    /// <param name="code">Of an app or a recovery code, as it was typed.</param>
    public Task<SecondStepOutcome> WithCode(
        PendingSignIn pending,
        string code,
        ClientInfo visit,
        CancellationToken cancel
    ) =>
        Try(
            pending,
            visit,
            async () =>
            {
                var digits = string.Concat(code.Where(c => !char.IsWhiteSpace(c)));
                if (await factors.FindCode(pending.PersonId, digits, cancel) is var (factor, step))
                {
                    return await Finish(
                        pending,
                        ByApp,
                        visit,
                        tx => SecondFactors.Use(tx, pending.PersonId, factor, step),
                        cancel
                    );
                }
                if (!RecoveryCodes.IsOne(code))
                    return new SecondStepOutcome.Wrong();
                var hash = RecoveryCodes.HashOf(code);
                return await Finish(
                    pending,
                    ByRecoveryCode,
                    visit,
                    tx => SecondFactors.UseRecoveryCode(tx, pending.PersonId, hash, OriginOf(pending, visit)),
                    cancel
                );
            }
        );

    /// <summary>Null when the person has no passkey that could be asked for.</summary>
    public async Task<PasskeyQuestion?> AskForPasskey(Person person, HttpContext http, CancellationToken cancel) =>
        await factors.PasskeysOf(person.Id, cancel) is { Count: > 0 } known
            ? await passkeys.AskToProve(person, known, http)
            : null;

    public Task<SecondStepOutcome> WithPasskey(
        PendingSignIn pending,
        Person person,
        string state,
        string answer,
        ClientInfo visit,
        HttpContext http,
        CancellationToken cancel
    ) =>
        Try(
            pending,
            visit,
            async () =>
                await passkeys.Proven(person, await factors.PasskeysOf(person.Id, cancel), state, answer, http)
                    is { } used
                    ? await Finish(
                        pending,
                        ByPasskey,
                        visit,
                        tx => SecondFactors.Use(tx, pending.PersonId, used),
                        cancel
                    )
                    : new SecondStepOutcome.Wrong()
        );

    /// <summary>For a person who has no second factor yet and needs one.</summary>
    public Task<SecondStepOutcome> SetUpApp(
        PendingSignIn pending,
        string key,
        string code,
        ClientInfo visit,
        CancellationToken cancel
    ) =>
        Try(
            pending,
            visit,
            async () =>
            {
                var digits = string.Concat(code.Where(c => !char.IsWhiteSpace(c)));
                if (factors.NewApp(pending.PersonId, key, digits) is not { } app)
                    return new SecondStepOutcome.Wrong();
                var codes = RecoveryCodes.New();
                var hashes = codes.Select(RecoveryCodes.HashOf).ToList();
                var origin = OriginOf(pending, visit);
                var outcome = await Finish(
                    pending,
                    ByApp,
                    visit,
                    async tx =>
                    {
                        // Who has one proves that it's theirs, and adds no other one here.
                        if (
                            await SecondFactors.Count(tx, pending.PersonId) > 0
                            || !await SecondFactors.Add(tx, pending.PersonId, app, hashes, origin)
                        )
                        {
                            return false;
                        }
                        await SecondFactors.Changed(tx, pending.PersonId, origin, keptSession: 0);
                        return true;
                    },
                    cancel
                );
                return outcome is SecondStepOutcome.Done done ? done with { RecoveryCodes = codes } : outcome;
            }
        );

    private async Task<SecondStepOutcome> Try(
        PendingSignIn pending,
        ClientInfo visit,
        Func<Task<SecondStepOutcome>> look
    )
    {
        if (attempts.BeginSecondStep(pending.PersonId, visit.Address, out var wait) is not { } attempt)
            return new SecondStepOutcome.TooOften(wait);
        try
        {
            var outcome = await look();
            if (outcome is SecondStepOutcome.Done)
                attempt.Succeed();
            return outcome;
        }
        catch (Exception unexpected) when (unexpected is OperationCanceledException or StoreUnavailable)
        {
            attempt.GiveBack();
            throw;
        }
    }

    private async Task<SecondStepOutcome> Finish(
        PendingSignIn pending,
        string step,
        ClientInfo visit,
        Func<Tx, ValueTask<bool>> use,
        CancellationToken cancel
    )
    {
        var secret = Keys.NewSessionSecret();
        var hash = Keys.HashOf(secret);
        return await store.InTransaction<SecondStepOutcome>(
            async tx =>
            {
                if (!await PendingSignIns.IsGood(tx, pending))
                    return new SecondStepOutcome.Over();
                if (!await use(tx))
                    return new SecondStepOutcome.Wrong();
                await PendingSignIns.End(tx, pending);
                return
                    await sessions.Start(tx, pending.PersonId, $"{pending.How}+{step}", visit, secret, hash)
                        is { } session
                    ? new SecondStepOutcome.Done(session, [])
                    : new SecondStepOutcome.Over();
            },
            cancel
        );
    }

    private static Origin OriginOf(PendingSignIn pending, ClientInfo visit) =>
        new(Actor.Person(pending.PersonId), visit.Via, visit.Address);
}
