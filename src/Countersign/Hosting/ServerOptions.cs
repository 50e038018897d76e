using System.ComponentModel;
using System.Net;
using Countersign.Configuration;
using Microsoft.Extensions.Options;

namespace Countersign.Hosting;

/// <summary>Where the server listens, and under which addresses people and proxies reach it.</summary>
public sealed record ServerOptions
{
    [Description("Addresses to listen on, separated by semicolons.")]
    public IReadOnlyList<string> Urls { get; init; } = ["http://localhost:5080"];

    [Description("The public address of this server. Links that leave it use only this one.")]
    [MustBe("the public address of this server, such as https://approvals.example.com")]
    public Uri? PublicUrl { get; init; }

    [Description("The path prefix under which everything is served.")]
    public string PathBase
    {
        get;
        init => field = value.TrimEnd('/');
    } = "";

    [ConfigurationKeyName("ForwardedHeaders:Known"), Description("The proxies whose forwarded headers are trusted.")]
    [MustBe("addresses or networks such as 10.0.0.0/8, separated by commas")]
    public IReadOnlyList<IPNetwork> KnownProxies { get; init; } =
    [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];

    [Description("Host names at which the server may be called; a star allows all.")]
    public IReadOnlyList<string> AllowedHosts { get; init; } = ["*"];

    [Description("Whether browsers must use TLS only, for a year.")]
    public bool Hsts { get; init; }

    /// <summary>The address to tell people: the public one, or the first that we listen on.</summary>
    public string BaseUrl =>
        PublicUrl is not null ? PublicUrl.ToString().TrimEnd('/') : Urls.FirstOrDefault("").TrimEnd('/') + PathBase;
}

internal sealed class ServerOptionsValidator : IValidateOptions<ServerOptions>
{
    public ValidateOptionsResult Validate(string? name, ServerOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        foreach (
            var url in options.Urls.Where(u =>
                !u.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
                && !u.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            )
        )
        {
            result.AddError(
                $"`Urls`: {url} isn't an address. Use addresses such as http://localhost:5080, separated by semicolons."
            );
        }
        if (options.Urls.Count == 0)
            result.AddError("`Urls` is empty. Set at least one address, such as http://localhost:5080");
        if (options.PathBase is [not '/', ..] || options.PathBase.Contains("//", StringComparison.Ordinal))
            result.AddError("`PathBase` must start with a slash, such as /approvals");
        foreach (var host in options.AllowedHosts.Where(h => !IsHost(h)))
        {
            result.AddError(
                $"`AllowedHosts`: {host} isn't a host name. Use names without a port, such as "
                    + "approvals.example.com or *.example.com, separated by semicolons."
            );
        }
        if (options.AllowedHosts.Count == 0)
            result.AddError("`AllowedHosts` is empty. Set at least one host name; * allows all.");
        return result.Build();
    }

    private static bool IsHost(string host) =>
        host == "*"
        || Uri.CheckHostName(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host.Trim('[', ']'))
            != UriHostNameType.Unknown;
}
