using Countersign.SignIn;

namespace Countersign.Pages.SignIn;

/// <summary><c>POST /sign-out</c>: ends the session, here and in the store.</summary>
internal static class SignOut
{
    public const string Path = "/sign-out";

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Sessions sessions,
        CancellationToken cancel
    )
    {
        if (caller.Caller.Session is { } session)
            await sessions.End(session.Id, session.PersonId, "signed out", caller.Viewer.Origin, cancel);
        SessionCookie.Clear(http);
        PendingFormCookie.Forget(http);
        return TypedResults.LocalRedirect($"{http.Request.PathBase}{SignInPage.Path}");
    }
}
