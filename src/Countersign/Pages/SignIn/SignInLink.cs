using Countersign.Outcomes.Email;
using Countersign.Pages.Layout;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/sign-in/mail</c>: signing in with a link that is emailed, for people who have no password at hand.
/// </summary>
internal static class SignInLink
{
    public const string Path = SignInPage.Path + "/mail";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Sent).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, Ask).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>Opening a link signs no one in, because mail scanners open everything; its button does.</summary>
    public static PageResult Button(HttpContext http, string path) =>
        new(new PageFrame(http.Strings()["link.signIn.title"]) { IsNarrow = true }, SignInLinkSlice.Create(path));

    private static async Task<IResult> Ask(
        HttpContext http,
        IAntiforgery antiforgery,
        MailSignIn signIn,
        SignInAttempts attempts,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form || !await antiforgery.IsProven(http))
            return TypedResults.LocalRedirect($"{http.Request.PathBase}{SignInPage.Path}");
        var email = PostedForm.EmailOf(form);
        if (email.Length is <= 2 or > 254 || !email.Contains('@', StringComparison.Ordinal))
        {
            var kept = PostedForm.IsFromHere(http.Request) ? PendingForm.Carried(form) : null;
            return SignInPage.NoEmail(http, form["to"], kept, email);
        }
        var visit = SignInPage.VisitOf(http);
        // Each is counted, also for an account that exists: asking writes, and the answer must not tell the two apart.
        if (attempts.BeginLink(visit.Address, out var wait) is null)
        {
            RateLimits.SetRetryAfter(http, wait);
            return InvalidLinkModel.TooMany(http);
        }
        await signIn.Ask(email, visit, cancel);
        return TypedResults.LocalRedirect($"{http.Request.PathBase}{Path}");
    }

    private static PageResult Sent(HttpContext http) =>
        new(
            new PageFrame(http.Strings()["link.sent.title"]) { IsNarrow = true },
            LinkSentSlice.Create((int)MailOptions.SignInLink.TotalMinutes)
        );
}
