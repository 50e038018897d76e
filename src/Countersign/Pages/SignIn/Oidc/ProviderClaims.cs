using System.Buffers.Text;
using System.Text.Json;
using Countersign.SignIn;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;

namespace Countersign.Pages.SignIn.Oidc;

/// <summary>
/// What a provider says about a person, in its id token and beside it. Read from the text: as the framework's claims,
/// an empty list of groups looks like no list.
/// </summary>
internal sealed class ProviderClaims
{
    public const string Name = "claims";

    private readonly JsonElement _token;
    private JsonElement _more;

    private ProviderClaims(JsonElement token) => (_token, _more) = (token, token);

    /// <summary>Of a token that the framework has checked; with a problem that it let pass, or null.</summary>
    public static (ProviderClaims Claims, string? Problem) Of(TokenValidatedContext context)
    {
        var payload = context.TokenEndpointResponse!.IdToken.Split('.')[1];
        var strict = new JsonDocumentOptions { AllowDuplicateProperties = false };
        using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(payload), strict);
        var (token, read) = (document.RootElement.Clone(), context.SecurityToken);
        // In an answer over TLS a signature may be missing (OpenID Connect Core 3.1.3.7, 6). Here it may not.
        var problem =
            read.RawSignature is not { Length: > 0 } ? "The id token is not signed."
            : Text(token, "sub") is not { Length: > 0 } ? "The id token has no subject."
            : read.Audiences.Count() > 1 && Text(token, "azp") is null ? "The id token has two audiences and no azp."
            : token.GetProperty("exp").ValueKind != JsonValueKind.Number ? "The id token's exp is not a number."
            : null;
        return (new ProviderClaims(token), problem);
    }

    public void Add(JsonElement userInfo) => _more = userInfo.Clone();

    public Identity ToIdentity(OidcOptions provider)
    {
        string? Of(string name) => Text(_token, name) ?? Text(_more, name);
        var emailFrom = _token.TryGetProperty("email", out _) ? _token : _more;
        var (email, isVerified) = (Text(emailFrom, "email"), IsTrue(emailFrom, "email_verified"));
        var groups = provider.GroupClaim is { } claim ? Texts(_token, claim) ?? Texts(_more, claim) : null;
        var name = Of("name") ?? Of("preferred_username");
        return new Identity(Text(_token, "iss")!, Text(_token, "sub")!, email, isVerified, name, groups)
        {
            ProvenAt = Seconds(_token, "auth_time"),
        };
    }

    private static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) ? TextOf(value) : null;

    private static string? TextOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A list of texts, also where one alone stands for itself; null when the claim is not there.</summary>
    private static IReadOnlyList<string>? Texts(JsonElement claims, string name) =>
        !claims.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(TextOf).OfType<string>()]
        : TextOf(value) is { } one ? [one]
        : null;

    /// <summary>Some providers write it as a text.</summary>
    private static bool IsTrue(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value)
        && (value.ValueKind == JsonValueKind.True || TextOf(value) == "true");

    private static DateTimeOffset? Seconds(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out var seconds)
        && seconds is > 0 and < 1e11
            ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
            : null;
}
