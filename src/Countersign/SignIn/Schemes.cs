using Microsoft.AspNetCore.Authentication;

namespace Countersign.SignIn;

/// <summary>How callers prove who they are: ASP.NET Core's authentication schemes.</summary>
public static class Schemes
{
    /// <summary>
    /// The default: forwards to one of the others, by what the call brings and which door it came to.
    /// </summary>
    public const string AnyCaller = "AnyCaller";

    /// <summary>A source's key as Bearer.</summary>
    public const string SourceKey = "SourceKey";

    /// <summary>A person's token, or at some doors the password, as Basic.</summary>
    public const string Person = "Person";

    /// <summary>
    /// A browser's session cookie. Sessions lie in the store, so every node knows them and an ended one is over.
    /// </summary>
    public const string Session = "Session";

    public static AuthenticationBuilder AddCallerSchemes(this IServiceCollection services) =>
        services
            .AddAuthentication(AnyCaller)
            .AddPolicyScheme(
                AnyCaller,
                null,
                options => options.ForwardDefaultSelector = http => Door.Of(http)?.SchemeOf(http) ?? Session
            )
            .AddScheme<AuthenticationSchemeOptions, SourceKeyHandler>(SourceKey, null)
            .AddScheme<AuthenticationSchemeOptions, PersonHandler>(Person, null)
            .AddScheme<AuthenticationSchemeOptions, SessionHandler>(Session, null);
}
