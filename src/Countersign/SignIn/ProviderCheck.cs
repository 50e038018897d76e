using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Countersign.SignIn;

/// <summary>
/// What a provider says of itself is taken only if it is about the configured issuer and leads nowhere without TLS.
/// </summary>
internal sealed class ProviderCheck(string authority) : IConfigurationValidator<OpenIdConnectConfiguration>
{
    public ConfigurationValidationResult Validate(OpenIdConnectConfiguration configuration)
    {
        // Many have no address for what they know of a person beside the token.
        var isSafe =
            IsSafe(configuration.AuthorizationEndpoint)
            && IsSafe(configuration.TokenEndpoint)
            && IsSafe(configuration.JwksUri)
            && (string.IsNullOrEmpty(configuration.UserInfoEndpoint) || IsSafe(configuration.UserInfoEndpoint));
        var problem =
            configuration.Issuer?.TrimEnd('/') != authority ? "It describes itself as another issuer."
            : !isSafe ? "It names an address without TLS, or none where one is needed."
            : configuration.SigningKeys.Count == 0 ? "It has no keys."
            : null;
        return new ConfigurationValidationResult { Succeeded = problem is null, ErrorMessage = problem };
    }

    private static bool IsSafe(string? address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && OidcOptions.IsSafe(uri);
}
