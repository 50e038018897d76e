using System.Buffers.Text;
using System.Text.Json;
using Countersign.Access;
using Countersign.Web;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;

namespace Countersign.Review.Entrance.Oidc;

/// <summary>
/// What a provider says about a person, in its id token and beside it. Read from the text: as the framework's claims, an
/// empty list of groups could not be told from none.
/// </summary>
internal sealed class ProviderClaims
{
    public const string Name = "claims";

    private readonly JsonElement _token;
    private JsonElement _more;

    private ProviderClaims(JsonElement token) => (_token, _more) = (token, token);

    /// <summary>Of a token that the framework has checked already; the second is what it let pass and is wrong all the same.</summary>
    public static (ProviderClaims Claims, string? Problem) Of(TokenValidatedContext context)
    {
        var payload = context.TokenEndpointResponse!.IdToken.Split('.')[1];
        using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(payload), new JsonDocumentOptions { AllowDuplicateProperties = false });
        var (token, checkedToken) = (document.RootElement.Clone(), context.SecurityToken);
        // Where the answer comes over TLS a signature may be missing (OpenID Connect Core 3.1.3.7, 6). Here it may not.
        var problem = checkedToken.RawSignature is not { Length: > 0 } ? "The id token is not signed."
            : Text(token, "sub") is not { Length: > 0 } ? "The id token does not say whom it is about."
            : checkedToken.Audiences.Count() > 1 && Text(token, "azp") is null ? "The id token does not say for whom of several it is."
            : token.GetProperty("exp").ValueKind != JsonValueKind.Number ? "The id token does not say until when it is valid."
            : null;
        return (new ProviderClaims(token), problem);
    }

    public void Add(JsonElement userInfo) => _more = userInfo.Clone();

    public Identity ToIdentity(OidcSettings provider)
    {
        string? Of(string name) => Text(_token, name) ?? Text(_more, name);
        var emailFrom = _token.TryGetProperty("email", out _) ? _token : _more;
        return new Identity(
            Text(_token, "iss")!, Text(_token, "sub")!, Text(emailFrom, "email"), IsTrue(emailFrom, "email_verified"), Of("name") ?? Of("preferred_username"),
            provider.GroupClaim is { } groups ? Texts(_token, groups) ?? Texts(_more, groups) : null)
        { ProvenAt = Seconds(_token, "auth_time") };
    }

    private static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A list of texts, also where one alone stands for itself; null when the claim is not there.</summary>
    private static IReadOnlyList<string>? Texts(JsonElement claims, string name) => !claims.TryGetProperty(name, out var value) ? null : value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => [.. value.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)],
        _ => null,
    };

    /// <summary>Some providers write it as a text.</summary>
    private static bool IsTrue(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && (value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.String && value.GetString() == "true"));

    private static DateTimeOffset? Seconds(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is > 0 and < 1e11
            ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
            : null;
}
