using Countersign.Outcomes.Notifications;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Outcomes.Email;

/// <summary>
/// Signing in by a link that was mailed. Asking says the same to everybody, known or not; opening the link shows a
/// button; the button signs in, once, within 15 minutes.
/// </summary>
public sealed class MailSignIn(
    Store store,
    MailLinks links,
    MailOptions mail,
    OutcomeOptions options,
    Sessions sessions,
    PasswordPolicy policy
)
{
    /// <summary>So many links per person within their time: nobody's mailbox is filled by a stranger.</summary>
    private const int Most = 3;

    public bool IsOffered => mail.IsSetUp && options.PublicUrl is not null;

    public Task Ask(string email, ClientInfo visit, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                // Locked, so that of many who ask at once no more than so many get one.
                var person = await tx.Number(
                    $"""
                    SELECT id FROM people
                    WHERE email_key = @key AND disabled_at IS NULL AND role <> 'service'{tx.ForUpdate}
                    """,
                    new { key = EmailAddress.KeyOf(email) }
                );
                if (person == 0 || !IsOffered)
                    return;
                var subject = $"person:{person}";
                var lately = await tx.Number(
                    "SELECT count(*) FROM events WHERE subject = @subject AND kind = @kind AND at > @since",
                    new
                    {
                        subject,
                        kind = Recipients.SignInLink,
                        since = tx.Now - MailOptions.SignInLink,
                    }
                );
                if (lately >= Most)
                    return;
                await tx.Append(
                    subject,
                    new Origin(Actor.Hub, visit.Via, visit.Address),
                    Recipients.SignInLink,
                    new { }
                );
            },
            cancel
        );

    /// <summary>Whether the button would sign anybody in; changes nothing.</summary>
    public async ValueTask<bool> Look(string token, CancellationToken cancel) =>
        links.Read(token, store.Now) is MailLink.SignIn link
        && await store.Read(
            reader =>
                reader.Number("SELECT count(*) FROM used_links WHERE delivery_id = @id", new { id = link.Delivery }),
            cancel
        ) == 0;

    /// <summary>Wrong for every link that can no longer be used, for any reason.</summary>
    public async Task<SignInOutcome> Run(string token, ClientInfo visit, CancellationToken cancel)
    {
        if (links.Read(token, store.Now) is not MailLink.SignIn link)
            return new SignInOutcome.Wrong();
        var secret = Keys.NewSessionSecret();
        var hash = Keys.HashOf(secret);
        return await store.InTransaction<SignInOutcome>(
            async tx =>
            {
                if (!await DecideByMail.Use(tx, link))
                    return new SignInOutcome.Wrong();
                await DecideByMail.NoteUse(tx, link, visit.Address);
                if (policy.NeedsSecondFactor || await SecondFactors.Count(tx, link.Person) > 0)
                {
                    return await PendingSignIns.Begin(tx, link.Person, Session.ByMail, secret, hash) is { } pending
                        ? new SignInOutcome.SecondStep(pending)
                        : new SignInOutcome.Wrong();
                }
                return await sessions.Start(tx, link.Person, Session.ByMail, visit, secret, hash) is { } session
                    ? new SignInOutcome.Done(session)
                    : new SignInOutcome.Wrong();
            },
            cancel
        );
    }
}
