using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.Outcomes.Webhooks;

/// <summary>
/// Standard Webhooks 1.0: <c>webhook-id</c>, <c>webhook-timestamp</c>, and <c>webhook-signature</c>, one signature per
/// secret in force, over <c>id.timestamp.body</c>. Receivers check with any library of
/// https://www.standardwebhooks.com.
/// </summary>
public static class StandardWebhook
{
    public const string SignatureHeader = "webhook-signature";

    private const string Prefix = "whsec_";
    private const int SecretSize = 32;

    public static string NewSecret() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretSize));

    /// <summary>The key in a secret's text; null when it is none.</summary>
    public static byte[]? KeyOf(string secret)
    {
        if (!secret.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        try
        {
            return Convert.FromBase64String(secret[Prefix.Length..]);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public static string Signatures(string id, DateTimeOffset at, string body, IEnumerable<byte[]> keys)
    {
        var text = Encoding.UTF8.GetBytes($"{id}.{Seconds(at)}.{body}");
        return string.Join(' ', keys.Select(key => "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, text))));
    }

    public static string Seconds(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
