using System.Security.Cryptography;
using System.Text;
using Countersign.Outcomes.Email;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.Pages.Request;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.SignIn;

/// <summary>
/// Links from mails. Opening one shows a page, however often and by whomever, and changes nothing: mail scanners open
/// everything. Only its button does what the link is for. A link that is not good says the same to everybody.
/// </summary>
internal static class MailedLink
{
    private const string Path = MailChannel.LinkPath,
        DonePath = Path + "done/",
        Purpose = "mailed decision";
    private const int MaxHeadline = 200;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path + "{token}", Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path + "{token}", Press).AllowAnonymous().ExcludeFromDescription();
        routes.MapGet(DonePath + "{what}", Done).AllowAnonymous().ExcludeFromDescription();
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
    ) => Try(http, attempts, () => InvalidLinkModel.Page(http), () => Look(token, http, byMail, signIn, cancel));

    private static async Task<IResult?> Look(
        string token,
        HttpContext http,
        DecideByMail byMail,
        MailSignIn signIn,
        CancellationToken cancel
    ) =>
        await byMail.Look(token, cancel) is MailDecisionOutcome.Good(var request, var answer, var viewer)
            ? await Decision(http, token, request.Id, answer, viewer, null, cancel)
        : await signIn.Look(token, cancel) ? SignInLink.Button(http, Path + token)
        : null;

    private static Task<IResult> Press(
        string token,
        HttpContext http,
        IAntiforgery antiforgery,
        DecideByMail byMail,
        MailSignIn signIn,
        SignInAttempts attempts,
        CancellationToken cancel
    ) =>
        Try(
            http,
            attempts,
            () => InvalidLinkModel.Page(http),
            () => Use(token, http, antiforgery, byMail, signIn, cancel)
        );

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
        if (!await antiforgery.IsProven(http))
            return await Look(token, http, byMail, signIn, cancel);
        if (await signIn.Look(token, cancel))
        {
            switch (await signIn.Run(token, SignInPage.VisitOf(http), cancel))
            {
                case SignInOutcome.Done { Session: var session }:
                    await SignInPage.Enter(http, session, cancel);
                    return SignInPage.GoOn(http, "/");
                case SignInOutcome.SecondStep { Pending: var pending }:
                    return await SecondStepPage.Begin(http, pending, null, null, cancel);
                default:
                    return null;
            }
        }
        var note = form[MailedDecisionModel.Field].ToString().Trim();
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        return await byMail.Run(token, WellFormed.Cut(note, MailedDecisionModel.MaxNote), address, cancel) switch
        {
            MailDecisionOutcome.Done(var request, var answer) => Results.Redirect(
                $"{http.Request.PathBase}{DonePath}{Sealed(http, request, answer)}"
            ),
            MailDecisionOutcome.NoteRequired(var request, var answer, var viewer) => await Decision(
                http,
                token,
                request.Id,
                answer,
                viewer,
                http.Strings()["request.commentMissing." + (answer == Answer.Reject ? "reject" : "policy")],
                cancel
            ),
            _ => null,
        };
    }

    private static async Task<IResult?> Decision(
        HttpContext http,
        string token,
        RequestId id,
        Answer answer,
        Viewer viewer,
        string? error,
        CancellationToken cancel
    )
    {
        var loader = http.RequestServices.GetRequiredService<RequestPageLoader>();
        if (await loader.Find(id, viewer, cancel) is not { } request)
            return null;
        if (error is not null)
            request.Refused = new Refusal(error, "f-" + MailedDecisionModel.Field);
        return new PageResult(
            new PageFrame(HeadlineModel.Of(request.Summary, http.Strings()).Text) { HasOwnHeading = true },
            MailedDecisionSlice.Create(new MailedDecisionModel(request, answer, Path + token) { Error = error })
        )
        {
            Status = error is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
        };
    }

    /// <summary>
    /// The page after a decision. The link is used up by then, so what was decided is in the address.
    /// </summary>
    private static PageResult Done(string what, HttpContext http)
    {
        try
        {
            var said = Encoding
                .UTF8.GetString(Protector(http).Unprotect(WebEncoders.Base64UrlDecode(what)))
                .Split('|', 3);
            return new PageResult(
                new PageFrame(http.Strings()["request.review.mine." + said[0]]) { IsNarrow = true },
                MailedDecisionDoneSlice.Create(new MailedDecisionDoneModel(RequestId.Of(said[1]), said[2]))
            );
        }
        catch (Exception notOurs) when (notOurs is FormatException or CryptographicException)
        {
            return InvalidLinkModel.Page(http);
        }
    }

    private static string Sealed(HttpContext http, ApprovalRequest request, Answer answer) =>
        WebEncoders.Base64UrlEncode(
            Protector(http)
                .Protect(
                    Encoding.UTF8.GetBytes(
                        $"{answer.ToWireName()}|{request.Id}|{WellFormed.Cut(request.Subject, MaxHeadline)}"
                    )
                )
        );

    private static IDataProtector Protector(HttpContext http) => http.RequestServices.GetDataProtector(Purpose);

    private static PageResult TooOften(HttpContext http, TimeSpan wait)
    {
        RateLimits.SetRetryAfter(http, wait);
        return InvalidLinkModel.TooMany(http);
    }
}
