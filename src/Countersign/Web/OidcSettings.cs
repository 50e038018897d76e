using Countersign.Access;

namespace Countersign.Web;

/// <summary>An identity provider that speaks OpenID Connect.</summary>
/// <param name="Name">What the button on the sign-in page calls it.</param>
/// <param name="GroupClaim">The claim that names a person's groups; null: it says nothing about groups.</param>
public sealed record OidcSettings(Uri Authority, string ClientId, string ClientSecret, string Name, Role? NewAccounts, string? GroupClaim)
{
    internal static OidcSettings? Read(IConfiguration configuration, IList<string> mistakes)
    {
        string Value(string name) => Settings.Value(configuration, "Oidc:" + name);
        var (authority, id, secret) = (Value("Authority"), Value("ClientId"), Value("ClientSecret"));
        if (authority.Length == 0)
        {
            if (id.Length + secret.Length > 0)
                mistakes.Add("Oidc:Authority must be set with Oidc:ClientId and Oidc:ClientSecret: the provider's issuer, such as https://login.example.com/realms/company");
            return null;
        }
        if (!Uri.TryCreate(authority, UriKind.Absolute, out var address) || !IsSafe(address) || address.Query.Length > 0)
        {
            mistakes.Add("Oidc:Authority must be the issuer's https address, such as https://login.example.com/realms/company; plain http only on this machine.");
            return null;
        }
        if (id.Length == 0 || secret.Length == 0)
            mistakes.Add("Oidc:ClientId and Oidc:ClientSecret must be set with Oidc:Authority: what the provider gave when Countersign was registered there.");
        var makes = Value("MakeAccounts").ToLowerInvariant();
        if (makes is not ("none" or "end-user" or "agent"))
            mistakes.Add("Oidc:MakeAccounts must be none (only people who are here already), end-user or agent (the role of those who come for the first time).");
        return new OidcSettings(address, id, secret, Value("Name"), makes == "none" ? null : Roles.Of(makes), Value("GroupClaim") is { Length: > 0 } claim ? claim : null);
    }

    /// <summary>What it says comes over TLS, which is why it is believed; on this machine nobody is in between.</summary>
    internal static bool IsSafe(Uri address) => address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);
}
