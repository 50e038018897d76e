using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Countersign.Configuration;
using Countersign.People;
using Microsoft.Extensions.Options;

namespace Countersign.SignIn;

/// <summary>Which role a person gets who signs in and has no account.</summary>
public enum NewAccount
{
    None,
    EndUser,
    Agent,
}

/// <summary>
/// An identity provider that speaks OpenID Connect. There may be several: named options, set in sections of their own.
/// </summary>
public sealed record OidcOptions : INamedOptions
{
    public const string Section = "Oidc";
    internal const string Example = "https://login.example.com/realms/company";

    /// <summary>Tells several apart, in settings and addresses; empty for the one in the section itself.</summary>
    public string Key { get; set; } = "";

    [Description("The issuer of an OpenID Connect provider.")]
    [MustBe($"the issuer's https address, such as {Example}. Plain http is only allowed on this machine")]
    [Issuer]
    public Uri? Authority { get; init; }

    [Description("The client ID that the provider issued for Countersign.")]
    public string ClientId { get; init; } = "";

    [Description("The client secret that the provider issued for Countersign."), Secret]
    public string ClientSecret { get; init; } = "";

    /// <summary>Without a name of its own a provider's button has the one that tells it from the others.</summary>
    [Description("The name on the button of the sign-in page.")]
    public string Name
    {
        get => field ?? (Key.Length > 0 ? Key : "single sign-on");
        init;
    }

    [Description("The role of people who sign in and have no account: none turns them away.")]
    [MustBe("none (only existing people), end-user or agent (a new person's role)")]
    public NewAccount MakeAccounts { get; init; }

    /// <summary>Null: the provider says nothing about groups.</summary>
    [Description("The claim that lists a person's groups by name.")]
    public string? GroupClaim { get; init; }

    public bool IsSetUp => Authority is not null;

    /// <summary>How the framework's authentication calls it.</summary>
    public string Scheme => SchemeOf(Key);

    public Role? NewAccountRole =>
        MakeAccounts switch
        {
            NewAccount.EndUser => Role.EndUser,
            NewAccount.Agent => Role.Agent,
            _ => null,
        };

    public static string SchemeOf(string key) => key.Length == 0 ? "oidc" : $"oidc-{key}";

    /// <summary>No one may read along or answer in the provider's place; on this machine no one can.</summary>
    internal static bool IsSafe(Uri address) =>
        address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);
}

/// <summary>The address of an issuer of tokens, under which it describes itself.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class IssuerAttribute : ValidationAttribute
{
    public override bool IsValid(object? value) => value is Uri { Query: "" } address && OidcOptions.IsSafe(address);
}

/// <summary>The providers with which people may sign in.</summary>
public sealed record OidcProviders(IReadOnlyList<OidcOptions> All);

internal sealed partial class OidcOptionsValidator : IValidateOptions<OidcOptions>
{
    public ValidateOptionsResult Validate(string? name, OidcOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        var of = string.IsNullOrEmpty(name) ? OidcOptions.Section : $"{OidcOptions.Section}:{name}";
        if (!string.IsNullOrEmpty(name) && !Key().IsMatch(name))
            result.AddError($"`{of}` must be 1 to 30 lowercase letters, digits and hyphens, and not callback.");
        var (id, secret) = (options.ClientId.Length > 0, options.ClientSecret.Length > 0);
        if (!options.IsSetUp && (id || secret))
        {
            result.AddError(
                $"`{of}:Authority` is missing. Set it to the provider's issuer, such as {OidcOptions.Example}"
            );
        }
        if (options.IsSetUp && !(id && secret))
        {
            result.AddError(
                $"`{of}:ClientId` or `{of}:ClientSecret` is missing. Set both to the values that the provider "
                    + "issued for Countersign."
            );
        }
        return result.Build();
    }

    [GeneratedRegex("^(?!callback$)[a-z0-9][a-z0-9-]{0,29}$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Key();
}
