using Countersign.People;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>What following the set-up link came to.</summary>
public abstract record SetUpOutcome
{
    private SetUpOutcome() { }

    public sealed record Done(NewSession Session) : SetUpOutcome;

    /// <summary>The admin is there, and now sets up the second factor that is required.</summary>
    public sealed record SecondStep(NewPendingSignIn Pending) : SetUpOutcome;

    /// <summary>Used, older than an hour, or not needed: there is an admin.</summary>
    public sealed record LinkIsOver : SetUpOutcome;

    /// <summary>Too many passwords are being worked on: try again in a moment.</summary>
    public sealed record Busy : SetUpOutcome;

    public sealed record Invalid(string Field, string Why) : SetUpOutcome
    {
        /// <summary>By which pages find the sentence in their reader's language, where it has one.</summary>
        public string? Code { get; init; }
    }
}

/// <summary>
/// How a hub gets its first admin without a command line: while it has none, whoever starts it is given a link that
/// works once and for an hour. Making the first admin in any other way ends every such link.
/// </summary>
public sealed class SetUpLink(Store store, Sessions sessions, PasswordHashing hashing, PasswordPolicy passwords)
{
    public static readonly TimeSpan Lasts = TimeSpan.FromHours(1);

    /// <summary>A new link's secret, or null when there is an admin.</summary>
    public async Task<string?> Make(CancellationToken cancel)
    {
        var secret = Keys.NewSetUpSecret();
        var hash = Keys.HashOf(secret);
        return await store.InTransaction(
            async tx =>
            {
                if (await HasAdmin(tx))
                    return false;
                await tx.Execute("DELETE FROM set_up_links WHERE until <= @now", new { now = tx.Now });
                await tx.Execute(
                    "INSERT INTO set_up_links (hash, until) VALUES (@hash, @until)",
                    new { hash, until = tx.Now + Lasts }
                );
                await tx.Append(
                    "hub",
                    new Origin(Actor.Operator, "hub", ""),
                    "set_up.link_made",
                    new { until = Instant.ToText(tx.Now + Lasts) }
                );
                return true;
            },
            cancel
        )
            ? secret
            : null;
    }

    public ValueTask<bool> IsGood(string secret, CancellationToken cancel)
    {
        var hash = Keys.HashOf(secret);
        return store.Read(
            async reader =>
                await reader.Number(
                    "SELECT count(*) FROM set_up_links WHERE hash = @hash AND until > @now",
                    new { hash, now = store.Now }
                ) == 1
                && !await HasAdmin(reader),
            cancel
        );
    }

    /// <summary>Makes the first admin and signs them in.</summary>
    /// <param name="password">Not looked at where passwords are switched off.</param>
    public async Task<SetUpOutcome> Use(
        string secret,
        string email,
        string name,
        string password,
        ClientInfo visit,
        CancellationToken cancel
    )
    {
        // Asked first, so that a link that is over says nothing about passwords.
        if (!await IsGood(secret, cancel))
            return new SetUpOutcome.LinkIsOver();
        var given = passwords.AreEnabled ? password : null;
        if (Accounts.Problem<Person>(email, name, given, passwords) is AccessOutcome<Person>.Invalid invalid)
            return new SetUpOutcome.Invalid(invalid.Field, invalid.Why) { Code = invalid.Code };
        var link = Keys.HashOf(secret);
        string? person = null;
        if (given is not null)
        {
            using var turn = await hashing.Enter(EmailAddress.KeyOf(email), visit.Address, cancel);
            if (turn is null)
                return new SetUpOutcome.Busy();
            person = PasswordHashing.Hash(given);
        }
        var session = Keys.NewSessionSecret();
        var sessionHash = Keys.HashOf(session);
        return await store.InTransaction<SetUpOutcome>(
            async tx =>
            {
                // Whoever takes the row away is the one; everybody else finds none.
                if (
                    await tx.Execute(
                        "DELETE FROM set_up_links WHERE hash = @link AND until > @now",
                        new { link, now = tx.Now }
                    ) == 0
                    || await HasAdmin(tx)
                )
                {
                    return new SetUpOutcome.LinkIsOver();
                }
                var origin = new Origin(Actor.Operator, visit.Via, visit.Address);
                return await Accounts.Add(tx, email.Trim(), name.Trim(), Role.Admin, person, origin) switch
                {
                    AccessOutcome<Person>.Done { Value: var admin } when passwords.NeedsSecondFactor =>
                        new SetUpOutcome.SecondStep(
                            (await PendingSignIns.Begin(tx, admin.Id, Session.BySetUp, session, sessionHash))!
                        ),
                    AccessOutcome<Person>.Done { Value: var admin } => new SetUpOutcome.Done(
                        (await sessions.Start(tx, admin.Id, Session.BySetUp, visit, session, sessionHash))!
                    ),
                    AccessOutcome<Person>.Exists { What: var what } => new SetUpOutcome.Invalid(
                        "email",
                        $"There is already {what}, who isn't an admin."
                    ),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
            },
            cancel
        );
    }

    /// <summary>Inside the transaction that makes an admin.</summary>
    internal static ValueTask<int> End(Tx tx) => tx.Execute("DELETE FROM set_up_links");

    private static async ValueTask<bool> HasAdmin(Reader reader) =>
        await reader.Number("SELECT count(*) FROM people WHERE role = 'admin' AND disabled_at IS NULL") > 0;
}
