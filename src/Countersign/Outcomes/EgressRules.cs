using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Countersign.Outcomes;

/// <summary>An address range, and optionally one port, that may be reached although it is not public.</summary>
public sealed record EgressAllowance(IPNetwork Network, int? Port) : IParsable<EgressAllowance>
{
    /// <summary>
    /// <c>10.0.0.0/8</c>, <c>127.0.0.1:8025</c>, <c>10.1.2.0/24:443</c>, <c>[fd00::/8]:443</c>; null when it is none of
    /// these.
    /// </summary>
    public static EgressAllowance? Parse(string text)
    {
        text = text.Trim();
        string range;
        var port = "";
        if (text.StartsWith('['))
        {
            var end = text.IndexOf(']', StringComparison.Ordinal);
            if (end < 0 || (end + 1 < text.Length && text[end + 1] != ':'))
                return null;
            (range, port) = (text[1..end], end + 1 < text.Length ? text[(end + 2)..] : "");
            if (end + 1 < text.Length && port.Length == 0)
                return null;
        }
        else if (text.Count(c => c == ':') == 1)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            (range, port) = (text[..colon], text[(colon + 1)..]);
            if (port.Length == 0)
                return null;
        }
        else
        {
            range = text;
        }
        int? number = null;
        if (port.Length > 0)
        {
            if (
                !int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed)
                || parsed is < 1 or > 65535
            )
            {
                return null;
            }
            number = parsed;
        }
        return IPNetwork.TryParse(range, out var network) ? new EgressAllowance(network, number)
            : IPAddress.TryParse(range, out var address)
                ? new EgressAllowance(new IPNetwork(address, address.GetAddressBytes().Length * 8), number)
            : null;
    }

    static EgressAllowance IParsable<EgressAllowance>.Parse(string s, IFormatProvider? provider) =>
        Parse(s) ?? throw new FormatException($"{s} is neither an address nor a network.");

    static bool IParsable<EgressAllowance>.TryParse(
        string? s,
        IFormatProvider? provider,
        [NotNullWhen(true)] out EgressAllowance? result
    )
    {
        result = Parse(s ?? "");
        return result is not null;
    }

    public bool Covers(IPAddress address, int port) => (Port is null || Port == port) && Network.Contains(address);
}

/// <summary>
/// Which addresses news may be sent to. Whoever may name a receiver could otherwise make this machine call its
/// neighbours, itself, or the service that hands out a cloud machine's credentials.
/// </summary>
public static class EgressRules
{
    /// <summary>
    /// All that is not the public IPv4 internet: IANA's special registry, multicast, and Azure's metadata host, which
    /// has a public address.
    /// </summary>
    private static readonly IPNetwork[] BlockedV4 = Networks(
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4"
    );

    /// <summary>
    /// Public IPv6 is 2000::/3, less what in it is reserved or carries an IPv4 address inside (6to4, Teredo). NAT64 and
    /// mapped addresses lie outside of it.
    /// </summary>
    private static readonly IPNetwork PublicV6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] BlockedV6 = Networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    /// <summary>Whether the public internet has this address.</summary>
    public static bool IsPublic(IPAddress address) =>
        address.AddressFamily switch
        {
            AddressFamily.InterNetwork => !BlockedV4.Any(n => n.Contains(address)),
            AddressFamily.InterNetworkV6 => !address.IsIPv4MappedToIPv6
                && PublicV6.Contains(address)
                && !BlockedV6.Any(n => n.Contains(address)),
            _ => false,
        };

    public static bool MayReach(IPAddress address, int port, IReadOnlyList<EgressAllowance> allowed)
    {
        if (IsPublic(address))
            return true;
        // An IPv4 address in IPv6's clothes is allowed where the IPv4 address is.
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return allowed.Any(a => a.Covers(plain, port) || a.Covers(address, port));
    }

    private static IPNetwork[] Networks(params string[] networks) => [.. networks.Select(n => IPNetwork.Parse(n))];
}
