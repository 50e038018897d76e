using System.Collections;
using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Countersign.Configuration;

/// <summary>
/// Values as people write them in settings. The framework's binder would stop at the first that it can't convert, and
/// it reads <c>7d</c> neither as a duration nor <c>10.0.0.0/8,::1</c> as a list.
/// </summary>
internal static class SettingText
{
    /// <summary>The value, or null and the part of the text that isn't one.</summary>
    public static object? Parse(Type type, string text, out string? wrong)
    {
        wrong = null;
        if (ItemOf(type) is not { } item)
        {
            var value = ParseOne(Nullable.GetUnderlyingType(type) ?? type, text);
            wrong = value is null ? text : null;
            return value;
        }
        var parts = text.Split(Separator(item), StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var items = Array.CreateInstance(item, parts.Length);
        for (var i = 0; i < parts.Length; i++)
        {
            if (ParseOne(item, parts[i]) is not { } one)
            {
                wrong = parts[i];
                return null;
            }
            items.SetValue(one, i);
        }
        return items;
    }

    public static string Format(object? value) =>
        value switch
        {
            null => "",
            bool or Enum => value.ToString()!.ToLowerInvariant(),
            TimeSpan time => Durations.Text(time),
            Uri address => address.OriginalString,
            IPNetwork network when network.PrefixLength == network.BaseAddress.GetAddressBytes().Length * 8 =>
                network.BaseAddress.ToString(),
            IReadOnlyDictionary<string, string> pairs => string.Join(", ", pairs.Select(p => $"{p.Key}={p.Value}")),
            X509Certificate2Collection => "",
            IEnumerable<string> texts => string.Join(Separator(typeof(string)), texts),
            IEnumerable list and not string => string.Join(
                Separator(typeof(object)),
                list.Cast<object?>().Select(Format)
            ),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };

    /// <summary><c>SRE=C0123456, *=C0456789</c>; null if it isn't of that form.</summary>
    public static IReadOnlyDictionary<string, string>? Pairs(string text)
    {
        var pairs = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = entry.LastIndexOf('=');
            if (equals <= 0 || equals == entry.Length - 1)
                return null;
            pairs[entry[..equals].Trim()] = entry[(equals + 1)..].Trim();
        }
        return pairs;
    }

    public static Type? ItemOf(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
            ? type.GetGenericArguments()[0]
        : null;

    /// <summary>Addresses and host names are listed with semicolons, as the framework does.</summary>
    private static char Separator(Type item) => item == typeof(string) ? ';' : ',';

    private static object? ParseOne(Type type, string text) =>
        type == typeof(string) ? text
        : type == typeof(bool)
            ? bool.TryParse(text, out var flag) ? flag
                : null
        : type == typeof(int)
            ? int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
                : null
        : type == typeof(TimeSpan) ? Durations.Parse(text)
        : type == typeof(Uri)
            ? Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address
                : null
        : type == typeof(MailAddress)
            ? MailAddress.TryCreate(text, out var mail) && mail.Address.All(char.IsAscii) ? mail
                : null
        : type == typeof(IPNetwork) ? Network(text)
        : type == typeof(X509Certificate2Collection) ? Certificates(text)
        : type == typeof(IReadOnlyDictionary<string, string>) ? Pairs(text)
        : type.IsEnum ? Word(type, text)
        : typeof(SettingText).GetMethod(nameof(Parsable))!.MakeGenericMethod(type).Invoke(null, [text]);

    public static object? Parsable<T>(string text)
        where T : IParsable<T> => T.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary><c>end-user</c> is <c>EndUser</c>; a number is no word.</summary>
    private static object? Word(Type type, string text)
    {
        var name = text.Replace("-", "", StringComparison.Ordinal);
        return Enum.GetNames(type).FirstOrDefault(n => n.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } found
            ? Enum.Parse(type, found)
            : null;
    }

    private static IPNetwork? Network(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : null;

    private static X509Certificate2Collection? Certificates(string file)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPemFile(file);
        }
        catch (Exception unreadable)
            when (unreadable is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null;
        }
        return certificates.Count == 0 ? null : certificates;
    }
}
