using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// A value in an address that no admin set: the id or another part of a destination's answer, or something of the
/// request. Credentials go to that address, so such a value fills a part of it and never changes its shape. While the
/// template is rendered it is written down in a form that no address uses; once the shape is known, it is put in,
/// escaped for the place where it stands, or refused.
/// </summary>
internal static partial class ForeignValue
{
    private const char Begin = '\uE000',
        End = '\uE001';

    /// <summary>The value as it goes through a template. Nothing stays nothing, which conditions ask for.</summary>
    public static string Wrap(string value) =>
        value.Length == 0 ? "" : $"{Begin}{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(value))}{End}";

    public static bool IsIn(string text) => text.Contains(Begin, StringComparison.Ordinal);

    /// <summary>The text with every value as it is.</summary>
    public static string Unwrap(string text) => IsIn(text) ? Wrapped().Replace(text, ValueOf) : text;

    /// <summary>
    /// The address with every value put in. Throws <see cref="FormatException"/> where one would change more than its
    /// own part.
    /// </summary>
    public static string PutIn(string address)
    {
        if (!IsIn(address))
            return address;
        var first = address.IndexOf(Begin, StringComparison.Ordinal);
        if (!WithHost().IsMatch(address.AsSpan(0, first)))
        {
            throw new FormatException("A value from the request or the other system would set the address's host.");
        }
        return Wrapped()
            .Replace(
                address,
                match =>
                {
                    var value = ValueOf(match);
                    if (value.Any(char.IsControl))
                        throw new FormatException("A value in the address contains a control character.");
                    if (address.AsSpan(0, match.Index).IndexOfAny('?', '#') >= 0)
                        return TemplateHelpers.QueryEncode(value);
                    if (value.AsSpan().IndexOfAny(@"/\?#%") >= 0 || value.Trim().Trim('.').Length == 0)
                    {
                        throw new FormatException(
                            $"\"{Beginning(value)}\" would change the path of the address, so nothing is sent."
                        );
                    }
                    return Uri.EscapeDataString(value);
                }
            );
    }

    private static string ValueOf(Match match) =>
        Encoding.UTF8.GetString(Convert.FromHexString(match.Groups["hex"].ValueSpan));

    private static string Beginning(string value) => value.Length > 60 ? value[..60] + "…" : value;

    [GeneratedRegex(
        "\uE000(?<hex>([0-9a-f]{2})+)\uE001",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000
    )]
    private static partial Regex Wrapped();

    [GeneratedRegex(
        @"^\s*https?://[^/?#\\]+[/?#]",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000
    )]
    private static partial Regex WithHost();
}
