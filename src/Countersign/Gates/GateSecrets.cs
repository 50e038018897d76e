using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.Gates;

/// <summary>Compares what a caller proves itself with, in a time that says nothing of how much was right.</summary>
internal static class GateSecrets
{
    /// <summary>One of the secrets, in either form that the caller may send it in.</summary>
    public static bool IsAny(IEnumerable<string> secrets, Func<string, bool> isGood) =>
        // Each is tried, whichever is the right one.
        secrets.Aggregate(false, (any, secret) => (secret.Length > 0 && isGood(secret)) || any);

    /// <summary>Hex without anything before it.</summary>
    public static bool IsHex(string given, byte[] expected)
    {
        var bytes = new byte[expected.Length];
        return given.Length == 2 * expected.Length
            && Convert.FromHexString(given, bytes, out _, out _) == OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(expected, bytes);
    }

    public static bool IsText(string given, string secret) =>
        secret.Length > 0
        && CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(given)),
            SHA256.HashData(Encoding.UTF8.GetBytes(secret))
        );

    public static string? ProblemWith(string secret) =>
        secret.Length is >= 16 and <= 500 && !secret.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
            ? null
            : "Use 16 to 500 characters without spaces, such as from: openssl rand -hex 32";
}

/// <summary>Addresses that an admin sets, to which tokens are sent.</summary>
internal static class GateAddress
{
    public static string? ProblemWith(string server, string example, bool mayHavePath = false) =>
        !Uri.TryCreate(server, UriKind.Absolute, out var url)
        || url.Scheme is not ("https" or "http")
        || url.UserInfo.Length > 0
        || url is not { Query: "", Fragment: "" }
        || (!mayHavePath && url.AbsolutePath != "/")
            ? $"Enter the address{(mayHavePath ? "" : " without a path")}, such as {example}."
        : url.Scheme == "http" && !url.IsLoopback ? "Tokens are only sent over https."
        : null;

    /// <summary>Whether an address that came in a call is one of the server's, exactly as it would be called.</summary>
    public static bool IsAt(string server, string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var url)
        && url.UserInfo.Length == 0
        && Uri.Compare(
            url,
            new Uri(server),
            UriComponents.SchemeAndServer,
            UriFormat.Unescaped,
            StringComparison.OrdinalIgnoreCase
        ) == 0;
}
