using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.SignIn.Oidc;

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
            request.Content = new FormUrlEncodedContent(
                form.Select(f => KeyValuePair.Create(f.Key, f.Value.ToString()))
            );
            var (id, secret) = (Uri.EscapeDataString(options.ClientId!), Uri.EscapeDataString(options.ClientSecret!));
            var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{id}:{secret}"));
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", credentials);
        }
        return await base.SendAsync(request, cancel);
    }

    private async Task<bool> TakesHeader(CancellationToken cancel)
    {
        var provider = await options.ConfigurationManager!.GetConfigurationAsync(cancel);
        var methods = provider.TokenEndpointAuthMethodsSupported;
        return methods.Count == 0 || methods.Contains("client_secret_basic");
    }
}
