using System.Text.RegularExpressions;
using Countersign.Hosting;
using Countersign.People;

namespace Countersign.SignIn;

/// <summary>An identity provider that speaks OpenID Connect.</summary>
/// <param name="Key">Tells several apart, in settings and addresses; empty for that under <c>Oidc</c> itself.</param>
/// <param name="Name">What the button on the sign-in page calls it.</param>
/// <param name="GroupClaim">The claim that names a person's groups; null: it says nothing about groups.</param>
public sealed partial record OidcSettings(
    string Key,
    Uri Authority,
    string ClientId,
    string ClientSecret,
    string Name,
    Role? NewAccounts,
    string? GroupClaim
)
{
    private const string Root = "Oidc",
        Example = "https://login.example.com/realms/company";

    /// <summary>How the framework's authentication calls it.</summary>
    public string Scheme => Key.Length == 0 ? "oidc" : $"oidc-{Key}";

    internal static List<OidcSettings> Read(IConfiguration configuration, IList<string> mistakes)
    {
        var providers = new List<OidcSettings>();
        foreach (var key in Keys(configuration).Prepend(""))
        {
            if (key.Length > 0 && !KeyPattern().IsMatch(key))
            {
                mistakes.Add(
                    $"`{Root}:{key}` must be 1 to 30 lowercase letters, digits and hyphens, and not callback."
                );
            }
            else if (Read(configuration, mistakes, key) is { } provider)
            {
                providers.Add(provider);
            }
        }
        return providers;
    }

    /// <summary>The names of the providers that have settings of their own.</summary>
    internal static IEnumerable<string> Keys(IConfiguration configuration) =>
        from child in configuration.GetSection(Root).GetChildren()
        where child.GetChildren().Any()
        select child.Key;

    /// <summary><c>Oidc:Authority</c> of <c>Oidc:example:Authority</c>: the setting that means the same.</summary>
    internal static string General(string setting) =>
        setting.Split(':') is [var root, _, var last] && string.Equals(root, Root, StringComparison.OrdinalIgnoreCase)
            ? $"{Root}:{last}"
            : setting;

    private static OidcSettings? Read(IConfiguration configuration, IList<string> mistakes, string key)
    {
        var of = key.Length == 0 ? Root : $"{Root}:{key}";
        string Value(string name) => Settings.Value(configuration, $"{of}:{name}");
        var (authority, id, secret) = (Value("Authority"), Value("ClientId"), Value("ClientSecret"));
        if (authority.Length == 0)
        {
            if (id.Length + secret.Length > 0)
            {
                mistakes.Add($"`{of}:Authority` is missing. Set it to the provider's issuer, such as {Example}");
            }
            return null;
        }
        if (
            !Uri.TryCreate(authority, UriKind.Absolute, out var address)
            || !IsSafe(address)
            || address.Query.Length > 0
        )
        {
            mistakes.Add(
                $"`{of}:Authority` must be the issuer's https address, such as {Example}. Plain http is only "
                    + "allowed on this machine."
            );
            return null;
        }
        if (id.Length == 0 || secret.Length == 0)
        {
            mistakes.Add(
                $"`{of}:ClientId` or `{of}:ClientSecret` is missing. Set both to the values that the provider "
                    + "issued for Countersign."
            );
        }
        var makes = Value("MakeAccounts").ToLowerInvariant();
        if (makes is not ("none" or "end-user" or "agent"))
        {
            mistakes.Add(
                $"`{of}:MakeAccounts` must be none (only existing people), end-user or agent (a new person's role)."
            );
        }
        var groupClaim = Value("GroupClaim") is { Length: > 0 } claim ? claim : null;
        var newAccounts = makes == "none" ? null : Roles.Of(makes);
        return new OidcSettings(key, address, id, secret, Value("Name"), newAccounts, groupClaim);
    }

    /// <summary>No one may read along or answer in the provider's place; on this machine no one can.</summary>
    internal static bool IsSafe(Uri address) =>
        address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);

    [GeneratedRegex("^(?!callback$)[a-z0-9][a-z0-9-]{0,29}$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex KeyPattern();
}
