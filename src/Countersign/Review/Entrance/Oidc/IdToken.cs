using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Review.Entrance.Oidc;

/// <summary>
/// The provider's statement about who somebody is. It comes in the answer to our own call over TLS, which says who made
/// it (OpenID Connect Core 3.1.3.7, 6); checked is that it is about this sign-in, for us, and still good.
/// </summary>
internal static class IdToken
{
    /// <summary>How far two clocks may be apart.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    /// <summary>Its claims, or in words what is wrong with it.</summary>
    public static (JsonElement Claims, string? Problem) Read(string? token, string issuer, string clientId, string nonce, DateTimeOffset now)
    {
        if (Payload(token) is not { } claims)
            return (default, "The id token cannot be read.");
        var problem =
            Text(claims, "iss") != issuer ? "The id token is from another issuer."
            : Text(claims, "sub") is not { Length: > 0 } ? "The id token names nobody."
            : Audience(claims) is not { Count: > 0 } audience || !audience.Contains(clientId) ? "The id token is for somebody else."
            : (audience.Count > 1 || Text(claims, "azp") is not null) && Text(claims, "azp") != clientId ? "The id token was asked for by somebody else."
            : Seconds(claims, "exp") is not { } end || now >= end + Skew ? "The id token is too old."
            : Seconds(claims, "nbf") is { } begin && now < begin - Skew ? "The id token is not good yet."
            : !Same(Text(claims, "nonce"), nonce) ? "The id token is not from this sign-in."
            : null;
        return (claims, problem);
    }

    public static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A list of texts, also where one alone stands for itself; null when the claim is not there.</summary>
    public static IReadOnlyList<string>? Texts(JsonElement claims, string name) => !claims.TryGetProperty(name, out var value) ? null : value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => [.. value.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)],
        _ => null,
    };

    /// <summary>Some providers write it as a text.</summary>
    public static bool IsTrue(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && (value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.String && value.GetString() == "true"));

    private static IReadOnlyList<string>? Audience(JsonElement claims) => Texts(claims, "aud");

    public static DateTimeOffset? Seconds(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is > 0 and < 1e11
            ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
            : null;

    private static bool Same(string? given, string expected) =>
        given is not null && expected.Length > 0 && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(expected));

    private static JsonElement? Payload(string? token)
    {
        if (token?.Split('.') is not [_, var payload, _])
            return null;
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(payload), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (Exception broken) when (broken is FormatException or JsonException)
        {
            return null;
        }
    }
}
