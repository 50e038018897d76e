using System.Net;
using System.Net.Sockets;

namespace Countersign.SignIn;

/// <summary>
/// What one caller can hold of the network, and so what limits count by: an IPv4 address, or the /64 of an IPv6
/// address, since one subscriber has all of that.
/// </summary>
public static class NetworkAddress
{
    private const int Ipv6Prefix = 64;

    public static string Of(string address) => IPAddress.TryParse(address, out var parsed) ? Of(parsed) : address;

    public static string Of(IPAddress? address)
    {
        if (address is null)
            return "";
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4().ToString();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(Ipv6Prefix / 8).Clear();
        return $"{new IPAddress(bytes)}/{Ipv6Prefix}";
    }
}
