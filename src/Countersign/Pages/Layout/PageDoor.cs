using Countersign.Hosting;
using Countersign.Pages.SignIn;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Countersign.Pages.Layout;

/// <summary>
/// The pages' door. People who are not signed in are sent to sign in and come back to where they wanted to go; what
/// they had typed goes along and is asked about after signing in. A token opens pages too, for people on a command
/// line.
/// </summary>
public sealed class PageDoor : Door
{
    public static readonly PageDoor One = new();

    private static readonly PageErrorFormat Pages = new();

    public override string Via => "page";
    public override bool TakesPeople => true;
    public override bool HidesWhatIsNotThere => false;

    /// <summary>Browsers hear refusals and faults as pages.</summary>
    public override ErrorFormat ErrorFormatOf(HttpContext http) =>
        !http.Request.Path.StartsWithSegments("/api")
        && http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            ? Pages
            : ErrorFormat.Ours;

    /// <summary>
    /// A proxy may send a credential of its own with everything, which only counts where one is needed and no session
    /// is brought.
    /// </summary>
    public override string SchemeOf(HttpContext http) =>
        SessionCookie.Of(http) is null
        && http.Request.Headers.Authorization.Count > 0
        && http.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is not null
            ? Schemes.Person
            : Schemes.Session;

    public override async Task Challenge(HttpContext http)
    {
        var request = http.Request;
        // A program that asks for reviews is told that it isn't the one to review, rather than where people sign in.
        if (Keys.IsSourceKey(request.Headers.Authorization.ToString()))
        {
            RefusalLog.Note(http, "people_only");
            await Problems
                .NotAllowed("people_only", "Pages are for people. A source's key opens only the API.")
                .ExecuteAsync(http);
            return;
        }
        // Only from a page of ours: another site's post, which never carries the session, must not plant a text.
        if (
            HttpMethods.IsPost(request.Method)
            && PostedForm.IsFromHere(request)
            && await PostedForm.Read(http, http.RequestAborted) is { } form
        )
        {
            await PendingForm.Posted(http, form).SignInFirst(http).ExecuteAsync(http);
            return;
        }
        // What was posted is nothing that one could come back to.
        var to = HttpMethods.IsPost(request.Method) ? "/" : request.Path + request.QueryString;
        http.Response.Redirect($"{request.PathBase}/sign-in?to={Uri.EscapeDataString(to)}");
    }

    /// <summary>What is not the reader's to see looks as if it were not there.</summary>
    public override Task Forbid(HttpContext http, CallerRequirement requirement) =>
        NotFoundPage.Page(http).ExecuteAsync(http);
}

/// <summary>
/// Stands before the pages that need a person: what is posted needs the proof that it came from a page of ours. Without
/// it nothing happens, and the person is asked again.
/// </summary>
internal sealed class PageForms(RequestDelegate next, IAntiforgery antiforgery)
{
    public async Task Invoke(HttpContext http)
    {
        if (
            Door.Of(http) is not PageDoor
            || !HttpMethods.IsPost(http.Request.Method)
            || http.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is null
        )
        {
            await next(http);
            return;
        }
        if (await antiforgery.IsProven(http))
        {
            await (http.Request.HasFormContentType ? next(http) : NotAForm.ExecuteAsync(http));
            return;
        }
        // Only what a page of ours sent is shown again: another site must not put its words into a form with our proof
        // on it.
        var form = PostedForm.IsFromHere(http.Request) ? await PostedForm.Read(http, http.RequestAborted) : null;
        await (
            (IResult)(form is null ? NotFromHere(http) : PendingForm.Posted(http, form).AskAgain(http))
        ).ExecuteAsync(http);
    }

    /// <summary>The proof can come in a header, with a body that no page of ours sends.</summary>
    private static ProblemHttpResult NotAForm =>
        Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", "Send a form.");

    private static PageResult NotFromHere(HttpContext http) =>
        ErrorModel.Page(http, StatusCodes.Status403Forbidden, http.Strings()["error.notFromHere"]);
}

/// <summary>Forms of pages that change who may sign in, and the like.</summary>
internal static class RecentlySignedIn
{
    /// <summary>For forms that ask for a recent proof of who sends them; what was typed is kept meanwhile.</summary>
    /// <param name="when">Of a page with several forms, those; null: all.</param>
    public static RouteHandlerBuilder AfterRecentSignIn(
        this RouteHandlerBuilder route,
        Func<string, bool>? when = null
    ) =>
        route.AddEndpointFilter(
            async (context, next) =>
            {
                var http = context.HttpContext;
                if (!RecentSignIn.IsMissing(http))
                    return await next(context);
                var form = await http.Request.ReadFormAsync(http.RequestAborted);
                if (when?.Invoke(form["do"].ToString()) == false)
                    return await next(context);
                return Ask(http, form);
            }
        );

    /// <summary>Signing in again; what was typed is kept meanwhile.</summary>
    public static IResult Ask(HttpContext http, IFormCollection form)
    {
        RefusalLog.Note(http, RecentSignIn.Rule);
        return SignInPage.Again(http, PendingForm.Posted(http, form));
    }
}
