using System.ComponentModel;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Countersign.Configuration;

namespace Countersign.Outcomes;

/// <summary>What bounds every outgoing call.</summary>
public sealed record EgressOptions
{
    [Description("Addresses that outbound calls may reach although they are not public.")]
    [MustBe(
        "addresses or networks, such as 10.0.0.0/8, 10.1.2.3:443 (only this port) or [fd00::/8]:443, "
            + "separated by commas"
    )]
    public IReadOnlyList<EgressAllowance> Allow { get; init; } = [];

    [Description("A PEM file with authorities that outgoing TLS trusts beside the system's.")]
    [MustBe("a readable PEM file with the certificates of your own authority")]
    public X509Certificate2Collection Roots { get; init; } = [];

    /// <summary>From the first look-up to the last byte of the answer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    public int MaxAnswer { get; init; } = 1024 * 1024;

    /// <summary>How names become addresses.</summary>
    public Func<string, CancellationToken, Task<IPAddress[]>> LookUp { get; init; } = Dns.GetHostAddressesAsync;
}
