using System.Globalization;
using System.Text.Json;
using Countersign.Hosting;
using Countersign.People;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Countersign.SignIn;

/// <summary>What is kept of a passkey beside its id and its counter.</summary>
internal sealed record PasskeyKey(byte[] PublicKey, string[] Transports, bool IsBackupEligible, bool IsBackedUp)
{
    public string ToText() => JsonSerializer.Serialize(this);

    public static PasskeyKey Read(string text) =>
        JsonSerializer.Deserialize<PasskeyKey>(text) ?? throw new FormatException("No passkey.");
}

/// <summary>A passkey as the store has it; its id as base64url.</summary>
internal sealed record StoredPasskey(string Credential, PasskeyKey Key, uint SignCount, DateTimeOffset CreatedAt);

/// <summary>What the browser is asked, and what the server has to remember of it until it answers.</summary>
public sealed record PasskeyQuestion(string Options, string State);

/// <summary>
/// WebAuthn as the framework does it, over passkeys that are given to it: nothing here reads or writes a store.
/// </summary>
public sealed class PasskeyCeremony(ServerOptions server)
{
    internal async Task<PasskeyQuestion> AskToCreate(
        Person person,
        IReadOnlyList<StoredPasskey> passkeys,
        HttpContext http
    )
    {
        var asked = await HandlerFor(person, passkeys)
            .MakeCreationOptionsAsync(
                new PasskeyUserEntity
                {
                    Id = IdOf(person),
                    Name = person.Email ?? person.Name,
                    DisplayName = person.Name,
                },
                http
            );
        return new PasskeyQuestion(asked.CreationOptionsJson, asked.AttestationState ?? "");
    }

    internal async Task<PasskeyQuestion> AskToProve(
        Person person,
        IReadOnlyList<StoredPasskey> passkeys,
        HttpContext http
    )
    {
        var asked = await HandlerFor(person, passkeys).MakeRequestOptionsAsync(new Owner(IdOf(person)), http);
        return new PasskeyQuestion(asked.RequestOptionsJson, asked.AssertionState ?? "");
    }

    /// <summary>The new passkey; null when the answer isn't one to what was asked.</summary>
    internal async Task<StoredPasskey?> Created(
        Person person,
        IReadOnlyList<StoredPasskey> passkeys,
        string state,
        string answer,
        HttpContext http
    )
    {
        var result = await HandlerFor(person, passkeys)
            .PerformAttestationAsync(
                new PasskeyAttestationContext
                {
                    HttpContext = http,
                    CredentialJson = answer,
                    AttestationState = state,
                }
            );
        return result is { Succeeded: true, Passkey: { } made } && result.UserEntity.Id == IdOf(person)
            ? Stored(made)
            : null;
    }

    /// <summary>The passkey with its new counter; null when the answer doesn't prove that the person has it.</summary>
    internal async Task<StoredPasskey?> Proven(
        Person person,
        IReadOnlyList<StoredPasskey> passkeys,
        string state,
        string answer,
        HttpContext http
    )
    {
        var result = await HandlerFor(person, passkeys)
            .PerformAssertionAsync(
                new PasskeyAssertionContext
                {
                    HttpContext = http,
                    CredentialJson = answer,
                    AssertionState = state,
                }
            );
        return result is { Succeeded: true, Passkey: { } used } && result.User.Id == IdOf(person) ? Stored(used) : null;
    }

    private PasskeyHandler<Owner> HandlerFor(Person person, IReadOnlyList<StoredPasskey> passkeys) =>
        new(
            new UserManager<Owner>(
                new OwnersPasskeys(new Owner(IdOf(person)), passkeys),
                null!,
                null!,
                null!,
                null!,
                null!,
                null!,
                null!,
                NullLogger<UserManager<Owner>>.Instance
            ),
            Options.Create(
                new IdentityPasskeyOptions
                {
                    ServerDomain = server.PublicUrl?.Host,
                    // It comes after the password, so having it is enough.
                    UserVerificationRequirement = "preferred",
                    ResidentKeyRequirement = "discouraged",
                    ValidateOrigin = context =>
                        ValueTask.FromResult(
                            !context.CrossOrigin
                                && string.Equals(
                                    context.Origin,
                                    OriginOf(context.HttpContext),
                                    StringComparison.OrdinalIgnoreCase
                                )
                        ),
                }
            )
        );

    private string OriginOf(HttpContext http) =>
        server.PublicUrl?.GetLeftPart(UriPartial.Authority) ?? $"{http.Request.Scheme}://{http.Request.Host}";

    private static string IdOf(Person person) => person.Id.ToString(CultureInfo.InvariantCulture);

    private static StoredPasskey Stored(UserPasskeyInfo passkey) =>
        new(
            System.Buffers.Text.Base64Url.EncodeToString(passkey.CredentialId),
            new PasskeyKey(passkey.PublicKey, passkey.Transports ?? [], passkey.IsBackupEligible, passkey.IsBackedUp),
            passkey.SignCount,
            passkey.CreatedAt
        );

    /// <summary>Whose passkeys they are, for the framework.</summary>
    private sealed record Owner(string Id);

    /// <summary>The framework looks passkeys up here; what it brings back, the caller stores.</summary>
    private sealed class OwnersPasskeys(Owner owner, IReadOnlyList<StoredPasskey> passkeys) : IUserPasskeyStore<Owner>
    {
        private readonly List<UserPasskeyInfo> _passkeys =
        [
            .. passkeys.Select(p => new UserPasskeyInfo(
                System.Buffers.Text.Base64Url.DecodeFromChars(p.Credential),
                p.Key.PublicKey,
                p.CreatedAt,
                p.SignCount,
                p.Key.Transports,
                isUserVerified: false,
                p.Key.IsBackupEligible,
                p.Key.IsBackedUp,
                attestationObject: [],
                clientDataJson: []
            )),
        ];

        public Task<IList<UserPasskeyInfo>> GetPasskeysAsync(Owner user, CancellationToken cancellationToken) =>
            Task.FromResult<IList<UserPasskeyInfo>>(user.Id == owner.Id ? [.. _passkeys] : []);

        public Task<Owner?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken) =>
            Task.FromResult(Find(credentialId) is null ? null : owner);

        public Task<UserPasskeyInfo?> FindPasskeyAsync(
            Owner user,
            byte[] credentialId,
            CancellationToken cancellationToken
        ) => Task.FromResult(user.Id == owner.Id ? Find(credentialId) : null);

        public Task<string> GetUserIdAsync(Owner user, CancellationToken cancellationToken) => Task.FromResult(user.Id);

        public Task<string?> GetUserNameAsync(Owner user, CancellationToken cancellationToken) =>
            Task.FromResult<string?>(user.Id);

        public Task<Owner?> FindByIdAsync(string userId, CancellationToken cancellationToken) =>
            Task.FromResult(userId == owner.Id ? owner : null);

        public Task<Owner?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) =>
            Task.FromResult<Owner?>(null);

        public void Dispose() { }

        private UserPasskeyInfo? Find(byte[] id) => _passkeys.Find(p => p.CredentialId.AsSpan().SequenceEqual(id));

        // What writes, nothing here calls.
        public Task AddOrUpdatePasskeyAsync(Owner user, UserPasskeyInfo passkey, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task RemovePasskeyAsync(Owner user, byte[] credentialId, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task SetUserNameAsync(Owner user, string? userName, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<string?> GetNormalizedUserNameAsync(Owner user, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task SetNormalizedUserNameAsync(
            Owner user,
            string? normalizedName,
            CancellationToken cancellationToken
        ) => throw new NotSupportedException();

        public Task<IdentityResult> CreateAsync(Owner user, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IdentityResult> UpdateAsync(Owner user, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IdentityResult> DeleteAsync(Owner user, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
