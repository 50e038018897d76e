using Countersign.Access;
using Countersign.Doors;
using Countersign.Review.Entrance;
using Countersign.Web;
using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.Review.Frame;

/// <summary>Marks pages that are for people who signed in.</summary>
internal sealed class OnlySignedIn
{
    public static readonly OnlySignedIn Mark = new();
}

/// <summary>
/// Stands before the pages. Nobody signed in: one is sent to sign in and comes back to where one wanted to go; if something
/// was typed, it goes along and is asked about after signing in. What is posted needs the proof that it came from a page
/// of ours; without it nothing happens either, and one is asked again.
/// </summary>
internal static class SignedIn
{
    /// <summary>For forms that ask for a recent proof of who sends them; what was typed is kept meanwhile.</summary>
    /// <param name="when">Of a page with several forms, those; null: all.</param>
    public static RouteHandlerBuilder AfterRecentSignIn(this RouteHandlerBuilder route, Func<string, bool>? when = null) => route.AddEndpointFilter(async (context, next) =>
    {
        var http = context.HttpContext;
        if (!RecentSignIn.IsMissing(http))
            return await next(context);
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        if (when?.Invoke(form["do"].ToString()) == false)
            return await next(context);
        Refusals.Note(http, RecentSignIn.Rule);
        return SignInPage.Again(http, KeptForm.Posted(http, form));
    });

    public static Task Check(HttpContext http, RequestDelegate next) =>
        http.GetEndpoint()?.Metadata.GetMetadata<OnlySignedIn>() is null ? next(http) : CheckPage(http, next);

    private static async Task CheckPage(HttpContext http, RequestDelegate next)
    {
        if (http.Features.Get<Caller>()?.Person is null)
        {
            await SendAway(http);
            return;
        }
        if (HttpMethods.IsPost(http.Request.Method) && http.RequestServices.GetService<IAntiforgery>() is { } antiforgery && !await antiforgery.IsRequestValidAsync(http))
        {
            // Only what a page of ours sent is shown again: another site must not put its words into a form with our proof on it.
            var form = PostedForm.IsFromHere(http.Request) ? await PostedForm.Read(http, http.RequestAborted) : null;
            await (form is null ? NotFromHere(http) : KeptForm.Posted(http, form).AskAgain()).ExecuteAsync(http);
            return;
        }
        await next(http);
    }

    private static async Task SendAway(HttpContext http)
    {
        var request = http.Request;
        // Only from a page of ours: another site's post, which never carries the session, must not plant a text.
        if (HttpMethods.IsPost(request.Method) && PostedForm.IsFromHere(request) && await PostedForm.Read(http, http.RequestAborted) is { } form)
        {
            await KeptForm.Posted(http, form).SignInFirst().ExecuteAsync(http);
            return;
        }
        // What was posted is nothing that one could come back to.
        var to = HttpMethods.IsPost(request.Method) ? "/" : request.Path + request.QueryString;
        http.Response.Redirect($"{request.PathBase}/sign-in?to={Uri.EscapeDataString(to)}");
    }

    private static PageAnswer NotFromHere(HttpContext http) => new(Texts.For(http).RefusalTitle(StatusCodes.Status403Forbidden), html =>
        html.Add($"<p>{html.Says.NotFromHere}</p><p><a href=\"{html.Base}/\">{html.Says.BackToInbox}</a></p>"))
    { Status = StatusCodes.Status403Forbidden };
}
