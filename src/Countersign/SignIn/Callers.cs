using System.Text;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>Someone a door let in: a person with a token or a session, or a source with its key.</summary>
/// <param name="Key">Identifies the credential for rate limits and last use: <c>token:3</c>, <c>source:2</c>,
/// <c>session:7</c>.</param>
public sealed record Caller(Viewer Viewer, Person? Person, Source? Source, string Key)
{
    /// <summary>Of those who came with one.</summary>
    public Session? Session { get; init; }

    public bool IsAdmin => Viewer.IsAdmin;

    /// <summary>What they came with, in the form in which it is looked up once more; never the secret itself.</summary>
    internal Credential Credential { get; init; }
}

/// <param name="Secret">As sent; in a <see cref="Caller"/> its hash.</param>
internal readonly record struct Credential(string? Email, string Secret, bool IsPassword = false)
{
    public string? OnBehalfOf { get; init; }

    /// <summary>Where the call came from, without what impersonation adds to it.</summary>
    public string Address { get; init; } = "";

    /// <summary>Of an access token: whose it is; null for every other credential.</summary>
    public AgentClient? Client { get; init; }

    /// <summary>Until when the access token is good.</summary>
    public DateTimeOffset Until { get; init; }
}

/// <summary>
/// Knows callers by their credentials: one hash, one look-up in the snapshot. Look-ups go by the hash of a key of 256
/// random bits, so their time says nothing about any other key.
/// </summary>
public sealed class Callers(
    PeopleDirectory directory,
    Passwords passwords,
    SignInAttempts attempts,
    Sessions sessions,
    LastUse lastUse,
    PasswordPolicy passwordPolicy,
    TimeProvider time
)
{
    /// <summary>Stands for the account of a key, which has none.</summary>
    public const string NoAccount = "(key)";

    private const string TokenMarker = "/token";

    /// <summary>
    /// The caller behind an <c>Authorization</c> header; null for every credential that is not good, with a wait
    /// when too many were not good of late, so that this one was not looked for in the store.
    /// </summary>
    /// <param name="onBehalfOf">The e-mail address of the person for whom a token made for it may speak.</param>
    public async ValueTask<(Caller? Caller, TimeSpan Wait)> Find(
        string authorization,
        string via,
        string address,
        CancellationToken cancel,
        string? onBehalfOf = null
    )
    {
        if (Read(authorization) is not { IsPassword: false } credential)
            return (null, default);
        var hash = Keys.HashOf(credential.Secret);
        if (onBehalfOf is { Length: > 0 })
            credential = credential with { OnBehalfOf = onBehalfOf };
        var caller = Find(await directory.UpToDate(cancel), credential, hash, via, address);
        if (caller is null)
        {
            // Who has it guessed nothing.
            if (credential.Email is null && ExpiryOf(directory.Current, hash) is not null)
                return (null, default);
            if (attempts.BeginKey(address, out var wait) is not { } attempt)
                return (null, wait);
            // It may have been made a moment ago, by another node or on the command line.
            caller = Find(await directory.Refresh(cancel), credential, hash, via, address);
            if (caller is not null)
                attempt.Succeed();
        }
        if (caller is not null)
            NoteUse(caller);
        return (caller, default);
    }

    /// <summary>
    /// The agent whose access tokens are of this client; null if there is none. That the token is good was checked
    /// before.
    /// </summary>
    /// <param name="until">When the token expires.</param>
    public async ValueTask<Caller?> FindAgent(
        AgentClient client,
        DateTimeOffset until,
        string via,
        string address,
        CancellationToken cancel
    )
    {
        var credential = new Credential(null, "")
        {
            Client = client,
            Until = until,
            Address = address,
        };
        var caller =
            FindAgent(await directory.UpToDate(cancel), credential, via)
            // It may have been set a moment ago, by another node or on the command line.
            ?? FindAgent(await directory.Refresh(cancel), credential, via);
        if (caller is not null)
            NoteUse(caller);
        return caller;
    }

    private Caller? FindAgent(PeopleSnapshot snapshot, Credential credential, string via) =>
        credential.Until > time.GetUtcNow() && snapshot.SourcesByClient.TryGetValue(credential.Client!, out var source)
            ? Of(source, via, credential.Address) with
            {
                Credential = credential,
            }
            : null;

    private void NoteUse(Caller caller)
    {
        if (caller.Source is { LastUsedAt: null })
            lastUse.NoteFirst(caller.Key);
        else
            lastUse.Note(caller.Key);
    }

    /// <summary>When this key of a source expired; null for one that is good, or is none.</summary>
    public DateTimeOffset? FindExpiry(string authorization) =>
        Read(authorization) is { Email: null } credential
            ? ExpiryOf(directory.Current, Keys.HashOf(credential.Secret))
            : null;

    private DateTimeOffset? ExpiryOf(PeopleSnapshot snapshot, string hash) =>
        snapshot.KeysUntil.TryGetValue(hash, out var until) && until <= time.GetUtcNow() ? until : null;

    /// <summary>The person behind <c>Basic base64(email:password)</c>, for doors that take passwords.</summary>
    public async ValueTask<(Caller? Caller, PasswordOutcome Outcome)> FindByPassword(
        string authorization,
        string via,
        string address,
        CancellationToken cancel
    )
    {
        if (Read(authorization) is not { IsPassword: true } credential)
            return (null, new PasswordOutcome.Wrong());
        var outcome = await passwords.Check(credential.Email!, credential.Secret, address, cancel, mustBeEnough: true);
        var caller = outcome is PasswordOutcome.Right(var person, var stored)
            ? Of(person, $"person:{person.Id}", via, address) with
            {
                Credential = credential with { Secret = stored },
            }
            : null;
        return (caller, outcome);
    }

    /// <summary>
    /// The person behind a session's secret; null for every session that is over, ended or never was.
    /// </summary>
    /// <param name="isUse">Whether the person did something, so that the session is not idle.</param>
    public async ValueTask<Caller?> FindBySession(
        string secret,
        string via,
        string address,
        CancellationToken cancel,
        bool isUse = true
    )
    {
        if (await sessions.Find(secret, cancel) is not { } session || !passwordPolicy.Allows(session))
            return null;
        if (!(await directory.UpToDate(cancel)).People.TryGetValue(session.PersonId, out var person))
        {
            // They may have been added a moment ago, on another node.
            (await directory.Refresh(cancel)).People.TryGetValue(session.PersonId, out person);
        }
        if (person is null or { IsDisabled: true })
            return null;
        var caller = Of(person, session.Key, via, address) with { Session = session };
        if (isUse)
            lastUse.Note(caller.Key);
        return caller;
    }

    /// <summary>
    /// The caller as they stand now, with what they may do now; null once their credential would not be let in any
    /// more. For answers that last: a stream, a wait, an export.
    /// </summary>
    public async ValueTask<Caller?> FindAgain(Caller caller, CancellationToken cancel)
    {
        var snapshot = await directory.UpToDate(cancel);
        var (credential, origin) = (caller.Credential, caller.Viewer.Origin);
        if (credential.Client is not null)
            return FindAgent(snapshot, credential, origin.Via);
        if (caller.Session is null && !credential.IsPassword)
            return Find(snapshot, credential, credential.Secret, origin.Via, credential.Address);
        if (
            caller.Person is not { } known
            || snapshot.People.GetValueOrDefault(known.Id) is not { IsDisabled: false } person
        )
        {
            return null;
        }
        var isGood = caller.Session is { } session
            ? await sessions.IsOpen(session.Id, cancel)
            : snapshot.PasswordHashes.GetValueOrDefault(person.Id) == credential.Secret && !passwords.NeedsMore(person);
        return !isGood
            ? null
            : Of(person, caller.Key, origin.Via, origin.Address) with
            {
                Session = caller.Session,
                Credential = credential,
            };
    }

    /// <summary>The account that a header claims to be, for the record of failed sign-ins.</summary>
    public static string AccountOf(string authorization) =>
        Read(authorization) is { Email: { Length: > 0 } email } ? email : NoAccount;

    private Caller? Find(PeopleSnapshot snapshot, Credential credential, string hash, string via, string address)
    {
        var kept = credential with { Secret = hash, Address = address };
        if (credential.Email is null)
        {
            return snapshot.SourcesByKey.TryGetValue(hash, out var source) && ExpiryOf(snapshot, hash) is null
                ? Of(source, via, address) with
                {
                    Credential = kept,
                }
                : null;
        }
        if (!snapshot.Tokens.TryGetValue(hash, out var token) || token.Person.Email is not { } email)
            return null;
        var isOwners = EmailAddress.KeyOf(email) == EmailAddress.KeyOf(credential.Email);
        if (isOwners && credential.OnBehalfOf is null)
            return Of(token.Person, $"token:{token.Id}", via, address) with { Credential = kept };
        // For somebody else, only as long as its owner is an admin, who may do all of it anyway; and the record says
        // whose token it was.
        return
            token is { Impersonates: true, Person.Role: Role.Admin }
            && snapshot.FindPerson(credential.OnBehalfOf ?? credential.Email)
                is { IsDisabled: false, Role: not Role.Service } other
            && (isOwners || credential.OnBehalfOf is null)
            ? Of(other, $"token:{token.Id}", via, $"{address} token:{token.Id} of person:{token.Person.Id}") with
            {
                Credential = kept,
            }
            : null;
    }

    private static Caller Of(Source source, string via, string address) =>
        new(
            new Viewer(
                Party.Source(source.Id),
                null,
                false,
                source.Name,
                new Origin(Actor.Source(source.Id), via, address)
            ),
            null,
            source,
            source.Key
        );

    private static Caller Of(Person person, string key, string via, string address) =>
        new(
            new Viewer(
                Party.Person(person.Id),
                person.Id,
                person.Role == Role.Admin,
                person.DisplayName,
                new Origin(Actor.Person(person.Id), via, address)
            ),
            person,
            null,
            key
        );

    /// <summary>
    /// <c>Bearer KEY</c>, <c>Basic base64(email/token:TOKEN)</c> or <c>Basic base64(email:PASSWORD)</c>.
    /// </summary>
    private static Credential? Read(string authorization)
    {
        const string bearer = "Bearer ",
            basic = "Basic ";
        if (authorization.Length > 1000)
            return null;
        if (authorization.StartsWith(bearer, StringComparison.OrdinalIgnoreCase))
            return new Credential(null, authorization[bearer.Length..].Trim());
        if (!authorization.StartsWith(basic, StringComparison.OrdinalIgnoreCase))
            return null;
        var encoded = authorization.AsSpan(basic.Length).Trim();
        Span<byte> bytes = stackalloc byte[1000];
        if (!Convert.TryFromBase64Chars(encoded, bytes, out var length))
            return null;
        var text = Encoding.UTF8.GetString(bytes[..length]);
        // An e-mail address holds no colon, so the first one ends the name.
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            return null;
        return text.AsSpan(0, colon).EndsWith(TokenMarker, StringComparison.Ordinal)
            ? new Credential(text[..(colon - TokenMarker.Length)], text[(colon + 1)..])
            : new Credential(text[..colon], text[(colon + 1)..], IsPassword: true);
    }
}
