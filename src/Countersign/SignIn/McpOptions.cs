using System.ComponentModel;
using Countersign.Configuration;
using Countersign.Hosting;

namespace Countersign.SignIn;

/// <summary>How agents sign in at <c>/mcp</c>, beside the keys of their sources.</summary>
public sealed record McpOptions
{
    [Description("The issuer whose OAuth access tokens agents can use at /mcp.")]
    [MustBe($"the issuer's https address, such as {OidcOptions.Example}. Plain http is only allowed on this machine")]
    [Issuer]
    public Uri? Authority { get; init; }

    /// <summary>For whom the tokens must be: the address at which agents call.</summary>
    public static string ResourceOf(ServerOptions server) => server.BaseUrl + "/mcp";
}
