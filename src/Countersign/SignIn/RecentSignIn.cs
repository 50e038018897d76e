using Countersign.Hosting;

namespace Countersign.SignIn;

/// <summary>
/// Making tokens, overriding a policy and changing who may sign in ask for a proof of who it is that is minutes old: an
/// open browser must not be enough. Signing in again begins a new session, so a session's beginning says how old the
/// proof is. Callers with a token have no session, and bring their proof with each call.
/// </summary>
internal static class RecentSignIn
{
    public const string Rule = "sign_in_again";

    public static readonly TimeSpan Lasts = TimeSpan.FromMinutes(10);

    /// <summary>Whether this call is by a session whose owner signed in too long ago.</summary>
    public static bool IsMissing(HttpContext http) =>
        http.FindCaller()?.Session is { } session
        && (
            !session.IsProof
            || http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow() - session.CreatedAt >= Lasts
        );

    /// <summary>For endpoints of the API.</summary>
    public static RouteHandlerBuilder RequireRecentSignIn(this RouteHandlerBuilder route) =>
        route
            .WithMetadata(RecentSignInRequired.One)
            .AddEndpointFilter(
                (context, next) =>
                {
                    if (!IsMissing(context.HttpContext))
                        return next(context);
                    RefusalLog.Note(context.HttpContext, Rule);
                    return ValueTask.FromResult<object?>(
                        Problems.NotAllowed(
                            Rule,
                            $"This requires a sign-in within the last {Lasts.TotalMinutes:0} minutes. Sign in "
                                + "again, or use a token."
                        )
                    );
                }
            );
}

/// <summary>Says in an endpoint's metadata that a recent sign-in is needed.</summary>
internal sealed class RecentSignInRequired
{
    public static readonly RecentSignInRequired One = new();
}
