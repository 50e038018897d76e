using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Review.Entrance.Oidc;

/// <summary>
/// The framework sends the client's secret in the form. Unless the provider says otherwise it belongs in the header
/// (OpenID Connect Discovery 3, <c>client_secret_basic</c>), and many take it nowhere else.
/// </summary>
internal sealed class ClientSecretHeader(OpenIdConnectOptions options) : DelegatingHandler
{
    private const string SecretField = "client_secret";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        if (request is { Method.Method: "POST", Content: { } content } && await TakesHeader(cancel))
        {
            var form = QueryHelpers.ParseQuery(await content.ReadAsStringAsync(cancel));
            form.Remove(SecretField);
            request.Content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Key, field.Value.ToString())));
            var credentials = $"{Uri.EscapeDataString(options.ClientId!)}:{Uri.EscapeDataString(options.ClientSecret!)}";
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
        }
        return await base.SendAsync(request, cancel);
    }

    private async Task<bool> TakesHeader(CancellationToken cancel)
    {
        var provider = await options.ConfigurationManager!.GetConfigurationAsync(cancel);
        return provider.TokenEndpointAuthMethodsSupported is not { Count: > 0 } methods || methods.Contains("client_secret_basic");
    }
}
