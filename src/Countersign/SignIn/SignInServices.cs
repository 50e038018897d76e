using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.RateLimiting;

namespace Countersign.SignIn;

internal static class SignInServices
{
    /// <summary>Keys, tokens, sessions and secrets, as the server and the command line use them.</summary>
    public static IServiceCollection AddSignIn(this IServiceCollection services, RootKey rootKey) =>
        services
            .AddSingleton(rootKey)
            .AddKeyRing()
            .AddSingleton<Tokens>()
            .AddSingleton<Sessions>()
            .AddSingleton<SecondFactors>()
            .AddSingleton<PendingSignIns>()
            .AddSingleton(s => PendingSignIns.Old(s.GetRequiredService<Store>()))
            .AddSingleton<PasswordHashing>()
            .AddSingleton<PasswordPolicy>()
            .AddSingleton<SetUpLink>()
            .AddSingleton<ExternalSignIn>()
            .AddSingleton(s => new CleaningStep(
                "sessions that have ended",
                s.GetRequiredService<Sessions>().EndExpired
            ));

    /// <summary>Who is calling: <see cref="Schemes"/>, over these.</summary>
    public static IServiceCollection AddCallers(this IServiceCollection services)
    {
        services.AddCallerSchemes();
        return services
            .AddSingleton<Callers>()
            .AddSingleton<Passwords>()
            .AddSingleton<PasswordSignIn>()
            .AddSingleton<PasskeyCeremony>()
            .AddSingleton<SecondStep>()
            .AddSingleton<SignInAttempts>();
    }

    /// <summary>How often: limits per key, person and address.</summary>
    public static IServiceCollection AddRateLimits(this IServiceCollection services)
    {
        services
            .AddRateLimiter(_ => { })
            .AddOptions<RateLimiterOptions>()
            .Configure<RateLimits>((options, limits) => limits.Configure(options));
        return services.AddSingleton<RateLimits>();
    }

    /// <summary>Forms of a session are proven to come from our own pages.</summary>
    public static IServiceCollection AddFormProtection(this IServiceCollection services, string pathBase)
    {
        services.AddAntiforgery(options =>
        {
            options.HeaderName = "X-CSRF-Token";
            // Said better by the pages' content security policy.
            options.SuppressXFrameOptionsHeader = true;
        });
        services
            .AddHttpContextAccessor()
            .AddOptions<AntiforgeryOptions>()
            .Configure<IHttpContextAccessor>(
                (options, current) =>
                    options.Cookie = new AntiforgeryCookie(current, pathBase)
                    {
                        HttpOnly = true,
                        IsEssential = true,
                        SameSite = SameSiteMode.Lax,
                        // Not more than that: without TLS the framework would refuse to make one. The session's own
                        // cookie is stricter.
                        SecurePolicy = CookieSecurePolicy.SameAsRequest,
                        Path = pathBase.Length > 0 ? pathBase : "/",
                    }
            );
        return services;
    }
}
