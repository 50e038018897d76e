using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace Countersign.Pages.Account;

/// <summary>
/// What a page asked, as its form brings it back: sealed, for one person, and for a quarter of an hour.
/// </summary>
internal static class SealedField
{
    public const string AppKey = "new authenticator app",
        Passkey = "passkey question";

    private static readonly TimeSpan Lasts = TimeSpan.FromMinutes(15);

    /// <param name="purpose">With it alone the field can be opened.</param>
    /// <param name="owner">The person or the sign-in that it is for.</param>
    public static string Seal(HttpContext http, string purpose, string owner, string text) =>
        Protector(http, purpose, owner)
            .Protect((Now(http) + Lasts).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + "\n" + text);

    /// <summary>Null for what isn't ours, is another person's, or is too old.</summary>
    public static string? Open(HttpContext http, string purpose, string owner, string @sealed)
    {
        try
        {
            var text = Protector(http, purpose, owner).Unprotect(@sealed);
            var end = text.IndexOf('\n', StringComparison.Ordinal);
            return long.Parse(text.AsSpan(0, end), CultureInfo.InvariantCulture) > Now(http).ToUnixTimeSeconds()
                ? text[(end + 1)..]
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static DateTimeOffset Now(HttpContext http) =>
        http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();

    private static IDataProtector Protector(HttpContext http, string purpose, string owner) =>
        http.RequestServices.GetDataProtector("Countersign." + purpose, owner);
}
