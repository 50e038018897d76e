using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.SignIn;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Countersign.Pages.SignIn.Oidc;

/// <summary>
/// Signing in with identity providers, on the framework's handler: <c>/sign-in/oidc</c> leads there and
/// <c>/sign-in/oidc/callback</c>, which the authentication middleware answers, back, with the provider's name after
/// <c>oidc</c> where there are several.
/// </summary>
internal static partial class OidcEndpoints
{
    private const string Callback = "/callback";

    public static string PathOf(OidcOptions provider) =>
        provider.Key.Length == 0 ? SignInPage.Path + "/oidc" : $"{SignInPage.Path}/oidc/{provider.Key}";

    public static IServiceCollection AddOidc(this IServiceCollection services, IEnumerable<string> providers)
    {
        services.AddSingleton<OidcEvents>();
        foreach (var key in providers)
        {
            var scheme = OidcOptions.SchemeOf(key);
            services.AddAuthentication().AddOpenIdConnect(scheme, _ => { });
            services
                .AddOptions<OpenIdConnectOptions>(scheme)
                .Configure<IOptionsMonitor<OidcOptions>, Egress>(
                    (options, provider, egress) => Configure(options, provider.Get(key), egress)
                );
        }
        return services;
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var provider in routes.ServiceProvider.GetRequiredService<OidcProviders>().All)
        {
            var (scheme, path) = (provider.Scheme, PathOf(provider));
            routes
                .MapGet(path, (string? to, bool? again, HttpContext http) => Leave(scheme, to, again == true, http))
                .AllowAnonymous()
                .ExcludeFromDescription();
        }
    }

    private static void Configure(OpenIdConnectOptions options, OidcOptions provider, Egress egress)
    {
        var authority = provider.Authority!.AbsoluteUri.TrimEnd('/');
        (options.ClientId, options.ClientSecret) = (provider.ClientId, provider.ClientSecret);
        options.CallbackPath = PathOf(provider) + Callback;
        options.ResponseType = OpenIdConnectResponseType.Code;
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.Scope.Add("email");
        options.EventsType = typeof(OidcEvents);
        // Our own session is made in its place, and ended by ourselves alone.
        options.SignInScheme = Schemes.Session;
        (options.RemoteSignOutPath, options.SignedOutCallbackPath) = (default, default);
        options.MapInboundClaims = false;
        options.ClaimActions.Clear();
        options.GetClaimsFromUserInfoEndpoint = true;
        options.DisableTelemetry = true;
        options.PushedAuthorizationBehavior = PushedAuthorizationBehavior.Disable;
        options.TokenValidationParameters.ClockSkew = TimeSpan.FromMinutes(1);
        foreach (var cookie in new[] { options.CorrelationCookie, options.NonceCookie })
        {
            cookie.SameSite = SameSiteMode.Lax;
            cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        }
        options.Backchannel = egress.ClientFor(
            Trust.Operator,
            guarded => new ClientSecretHeader(options) { InnerHandler = guarded }
        );
        var documents = new HttpDocumentRetriever(options.Backchannel)
        {
            RequireHttps = !provider.Authority.IsLoopback,
            SendAdditionalHeaderData = false,
        };
        options.ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
            authority + "/.well-known/openid-configuration",
            new OpenIdConnectConfigurationRetriever(),
            documents,
            new ProviderCheck(authority)
        );
    }

    /// <param name="again">Whether the provider must ask the person, although it may know their browser.</param>
    private static async Task Leave(string scheme, string? to, bool again, HttpContext http)
    {
        var properties = new OpenIdConnectChallengeProperties { RedirectUri = "/" };
        properties.Items[OidcEvents.To] = LocalPath.Of(to) ?? "/";
        if (again)
        {
            // With max_age the provider must also say when it asked (OpenID Connect Core 3.1.2.1).
            (properties.Prompt, properties.MaxAge) = (OpenIdConnectPrompt.Login, TimeSpan.Zero);
            properties.Items[OidcEvents.Again] = "true";
        }
        try
        {
            var options = http.RequestServices.GetRequiredService<IOptionsMonitor<OpenIdConnectOptions>>().Get(scheme);
            await options.ConfigurationManager!.GetConfigurationAsync(http.RequestAborted);
        }
        catch (InvalidOperationException down)
        {
            Log.NotUsable(http.RequestServices.GetRequiredService<ILogger<OidcEvents>>(), down, scheme);
            OidcEvents.SayWhy(http, OidcEvents.NotAvailable, properties);
            return;
        }
        await http.ChallengeAsync(scheme, properties);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "The identity provider {Scheme} can't be used now")]
        public static partial void NotUsable(ILogger log, Exception failure, string scheme);
    }
}
