using Countersign.Outcomes.Email;
using Countersign.Pages.Layout;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.Pages.SignIn;

/// <summary>
/// Links from mails. Opening one shows a page, however often and by whomever, and changes nothing: mail scanners open
/// everything. Only its button does what the link is for. A link that is not good says the same to everybody.
/// </summary>
internal static class MailedLink
{
    private const string Path = MailChannel.LinkPath;
    private const string AskPath = "/sign-in/mail";
    private const string Note = "Note",
        Email = "E-mail";
    private const int MaxNote = 500;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path + "{token}", Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path + "{token}", Press).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(AskPath, Ask).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>The form on the sign-in page, where links can be mailed; whether they can.</summary>
    public static bool Offer(Html html)
    {
        if (!html.Http.RequestServices.GetRequiredService<MailSignIn>().IsOffered)
            return false;
        html.Add($"<details class=\"narrow\"><summary>{html.Says.MailMeALink}</summary>");
        html.Form(
            AskPath,
            form =>
            {
                form.Field(
                    new Field(Email, form.Says.Email)
                    {
                        Type = "email",
                        Autocomplete = "username",
                        Required = true,
                        Longest = 254,
                        Id = "email-for-link",
                        Hint = form.Says.MailMeALinkHint,
                    }
                );
                form.Button(form.Says.MailMeALink);
            },
            css: "sheet narrow"
        );
        html.Add($"</details>");
        return true;
    }

    /// <summary>
    /// Follows a link that may not be one of ours, unless too many of late were not: null from
    /// <paramref name="follow"/> is a link that is not good, and is counted against the address.
    /// </summary>
    public static async Task<IResult> Try(
        HttpContext http,
        SignInAttempts attempts,
        Func<IResult> refused,
        Func<Task<IResult?>> follow
    )
    {
        if (attempts.BeginLink(http.Connection.RemoteIpAddress?.ToString() ?? "", out var wait) is not { } attempt)
        {
            return TooOften(http, wait);
        }
        if (await follow() is not { } answer)
            return refused();
        attempt.GiveBack();
        return answer;
    }

    private static Task<IResult> Show(
        string token,
        HttpContext http,
        DecideByMail byMail,
        MailSignIn signIn,
        SignInAttempts attempts,
        CancellationToken cancel
    ) => Try(http, attempts, () => Refused(http), () => Look(token, http, byMail, signIn, cancel));

    private static async Task<IResult?> Look(
        string token,
        HttpContext http,
        DecideByMail byMail,
        MailSignIn signIn,
        CancellationToken cancel
    ) =>
        await byMail.Look(token, cancel) is MailDecisionOutcome.Good good
            ? Decision(http, token, good.Request, good.Answer, good.Person, null)
        : await signIn.Look(token, cancel) ? SignInButton(http, token)
        : null;

    private static Task<IResult> Press(
        string token,
        HttpContext http,
        IAntiforgery antiforgery,
        DecideByMail byMail,
        MailSignIn signIn,
        SignInAttempts attempts,
        CancellationToken cancel
    ) => Try(http, attempts, () => Refused(http), () => Use(token, http, antiforgery, byMail, signIn, cancel));

    private static async Task<IResult?> Use(
        string token,
        HttpContext http,
        IAntiforgery antiforgery,
        DecideByMail byMail,
        MailSignIn signIn,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return null;
        // Without the proof that the page was open in this browser, it is shown again.
        if (!await antiforgery.IsRequestValidAsync(http))
            return await Look(token, http, byMail, signIn, cancel);
        if (await signIn.Look(token, cancel))
        {
            if (await signIn.Run(token, SignInPage.VisitOf(http), cancel) is not { } session)
                return null;
            await SignInPage.Enter(http, session, cancel);
            return SignInPage.GoOn(http, "/");
        }
        var note = form[Note].ToString().Trim();
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        return await byMail.Run(token, WellFormed.Cut(note, MaxNote), address, cancel) switch
        {
            MailDecisionOutcome.Done done => new PageResponse(
                Texts.For(http).LinkDone(done.Answer),
                html =>
                    html.Add(
                        $"<p class=\"lede\">{done.Request.Subject}</p><p>{done.Request.Display}</p><p><a href=\"{html.Base}/requests/{done.Request.Id.Value}\">{html.Says.BackToInbox}</a></p>"
                    )
            ),
            MailDecisionOutcome.NoteRequired again => Decision(
                http,
                token,
                again.Request,
                again.Answer,
                again.Person,
                Texts.For(http).LinkNoteNeeded
            ),
            _ => null,
        };
    }

    private static async Task<IResult> Ask(
        HttpContext http,
        IAntiforgery antiforgery,
        MailSignIn signIn,
        SignInAttempts attempts,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form || !await antiforgery.IsRequestValidAsync(http))
            return TypedResults.LocalRedirect($"{http.Request.PathBase}{SignInPage.Path}");
        var email = form[Email].ToString().Trim();
        var visit = SignInPage.VisitOf(http);
        // Each is counted, also for an account that exists: asking writes, and the answer must not tell the two apart.
        if (attempts.BeginLink(visit.Address, out var wait) is null)
            return TooOften(http, wait);
        if (email.Length is > 2 and <= 254)
            await signIn.Ask(email, visit, cancel);
        return new PageResponse(
            Texts.For(http).LinkIsOnItsWayTitle,
            html => html.Add($"<p class=\"lede\">{html.Says.LinkIsOnItsWay}</p>")
        );
    }

    private static PageResponse Decision(
        HttpContext http,
        string token,
        RequestDetails details,
        Answer answer,
        string person,
        string? error
    ) =>
        new(
            Texts.For(http).LinkDecideTitle(answer),
            html =>
            {
                var request = details.Request;
                html.Add($"<section class=\"sheet\"><h2>{request.Subject}</h2><p>{details.Current.Message}</p>");
                html.Facts([
                    (html.Says.AskedBy, h => h.Add($"{request.RequesterName}")),
                    (html.Says.StatusName, h => h.Add($"{request.Display}")),
                ]);
                html.Add($"</section>");
                html.Form(
                    Path + token,
                    form =>
                    {
                        form.Add($"<p>{form.Says.LinkDecides(answer, person)}</p>");
                        form.Field(
                            new Field(Note, form.Says.Note)
                            {
                                Lines = 3,
                                Longest = MaxNote,
                                Error = error,
                            }
                        );
                        form.Button(form.Says.LinkDo(answer), answer == Answer.Approve ? "yes" : "no");
                    },
                    css: "sheet"
                );
            }
        );

    private static PageResponse SignInButton(HttpContext http, string token) =>
        new(
            Texts.For(http).LinkSignInTitle,
            html =>
                html.Form(
                    Path + token,
                    form =>
                    {
                        form.Add($"<p>{form.Says.LinkSignIn}</p>");
                        form.Button(form.Says.SignIn, "main");
                    },
                    css: "sheet narrow"
                )
        );

    private static PageResponse TooOften(HttpContext http, TimeSpan wait)
    {
        RateLimits.SetRetryAfter(http, wait);
        return new PageResponse(
            Texts.For(http).RefusalTitle(StatusCodes.Status429TooManyRequests),
            html => html.Add($"<p>{html.Says.LinkTooOften}</p>")
        )
        {
            Status = StatusCodes.Status429TooManyRequests,
        };
    }

    private static PageResponse Refused(HttpContext http) =>
        new(
            Texts.For(http).LinkRefusedTitle,
            html =>
                html.Add($"<p>{html.Says.LinkRefused}</p><p><a href=\"{html.Base}/sign-in\">{html.Says.SignIn}</a></p>")
        )
        {
            Status = StatusCodes.Status404NotFound,
        };
}
