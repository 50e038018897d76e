using Countersign.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;

namespace Countersign.Review.Entrance.Oidc;

/// <summary>Signing in with an identity provider: <c>/sign-in/oidc</c> leads there, <c>/sign-in/oidc/callback</c> back. Only where one is configured.</summary>
internal static class OidcEndpoints
{
    public const string Path = SignInPage.Path + "/oidc";

    private const string Callback = Path + "/callback";
    private static readonly string[] Scopes = ["openid", "email", "profile"];

    public static void AddOidc(this IServiceCollection services, OidcSettings oidc)
    {
        services.AddSingleton<Provider>().AddSingleton<OidcEvents>();
        services.AddAuthentication().AddOAuth<OAuthOptions, OidcHandler>(OidcHandler.Way, _ => { });
        services.AddOptions<OAuthOptions>(OidcHandler.Way).Configure(options =>
        {
            (options.ClientId, options.ClientSecret) = (oidc.ClientId, oidc.ClientSecret);
            // The handler takes these from what the provider says of itself; here they only must not be empty.
            (options.AuthorizationEndpoint, options.TokenEndpoint) = (oidc.Authority.AbsoluteUri, oidc.Authority.AbsoluteUri);
            options.CallbackPath = Callback;
            options.UsePkce = true;
            options.Scope.Clear();
            foreach (var scope in Scopes)
                options.Scope.Add(scope);
            options.EventsType = typeof(OidcEvents);
            // Our own session is made in its place.
            options.SignInScheme = "session";
            options.CorrelationCookie.SameSite = SameSiteMode.Lax;
            options.CorrelationCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        });
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetRequiredService<Settings>().Oidc is null)
            return;
        routes.MapGet(Path, Leave).ExcludeFromDescription();
        routes.MapGet(Callback, Return).ExcludeFromDescription();
    }

    /// <param name="again">Whether the provider must ask the person, although it may know their browser.</param>
    private static Task Leave(string? to, bool? again, HttpContext http)
    {
        var properties = new AuthenticationProperties { RedirectUri = "/", Items = { [OidcEvents.To] = LocalPath.Of(to) ?? "/" } };
        if (again == true)
            properties.Items[OidcEvents.Again] = "true";
        return http.ChallengeAsync(OidcHandler.Way, properties);
    }

    private static async Task Return(HttpContext http, IAuthenticationHandlerProvider handlers)
    {
        if (await handlers.GetHandlerAsync(http, OidcHandler.Way) is IAuthenticationRequestHandler handler)
            await handler.HandleRequestAsync();
    }
}
