using Countersign.SignIn;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>The ways in which callers say who they are.</summary>
internal static class SecuritySchemes
{
    public const string SourceKey = "sourceKey";
    public const string PersonToken = "personToken";
    public const string Password = "password";
    public const string Session = "session";
    public const string CsrfToken = "csrfToken";
    public const string LaunchDarklySignature = "launchDarklySignature";

    public static IDictionary<string, IOpenApiSecurityScheme> All =>
        new Dictionary<string, IOpenApiSecurityScheme>
        {
            [SourceKey] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "The key of a source, which begins with `csk_`.",
            },
            [PersonToken] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "basic",
                Description = "A person's API token: the user name is `EMAIL/token`, the password is the token.",
            },
            [Password] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "basic",
                Description = "A person's email and password.",
            },
            [Session] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Cookie,
                Name = SessionCookie.Name,
                Description = "The session of a signed-in browser. Over TLS the cookie's name begins with `__Host-`.",
            },
            [CsrfToken] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = "X-CSRF-Token",
                Description =
                    "With a session, for every call that changes something: the `authenticity_token` that "
                    + "`GET /api/v2/users/me` returns.",
            },
            [LaunchDarklySignature] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = "X-LD-Signature",
                Description = "HMAC-SHA256 of the body, in hexadecimal, by the secret of the connection's webhook.",
            },
        };
}
