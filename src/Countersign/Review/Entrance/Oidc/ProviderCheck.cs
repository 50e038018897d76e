using Countersign.Web;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Countersign.Review.Entrance.Oidc;

/// <summary>What a provider says of itself is taken only if it is about the configured issuer and leads nowhere without TLS.</summary>
internal sealed class ProviderCheck(string authority) : IConfigurationValidator<OpenIdConnectConfiguration>
{
    public ConfigurationValidationResult Validate(OpenIdConnectConfiguration configuration)
    {
        string?[] needed = [configuration.AuthorizationEndpoint, configuration.TokenEndpoint, configuration.JwksUri];
        string?[] addresses = configuration.UserInfoEndpoint is { Length: > 0 } userInfo ? [.. needed, userInfo] : needed;
        var problem = configuration.Issuer?.TrimEnd('/') != authority ? "It describes itself as another issuer."
            : !addresses.All(IsSafe) ? "It names an address without TLS, or none where one is needed."
            : configuration.SigningKeys.Count == 0 ? "It has no keys."
            : null;
        return new ConfigurationValidationResult { Succeeded = problem is null, ErrorMessage = problem };
    }

    private static bool IsSafe(string? address) => Uri.TryCreate(address, UriKind.Absolute, out var uri) && OidcSettings.IsSafe(uri);
}
