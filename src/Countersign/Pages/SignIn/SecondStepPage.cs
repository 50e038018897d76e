using Countersign.Audit;
using Countersign.Hosting;
using Countersign.Pages.Account;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/sign-in/second-step</c>: after the password, or the emailed link, a code or a passkey. Who needs a second factor
/// and has none sets up an authenticator app here, and is signed in with its first code.
/// </summary>
internal static class SecondStepPage
{
    public const string Path = SignInPage.Path + "/second-step";

    private const string Cookie = "countersign_second_step",
        To = "to";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, Run).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>On to the second step of this browser's sign-in.</summary>
    /// <param name="kept">What was typed and waits; it goes along in the page itself.</param>
    public static async Task<IResult> Begin(
        HttpContext http,
        NewPendingSignIn pending,
        string? to,
        PendingForm? kept,
        CancellationToken cancel
    )
    {
        http.Response.Cookies.Append(
            PageCookie.NameFor(http, Cookie),
            pending.Secret,
            PageCookie.Options(http, SignInPage.Path, PendingSignIns.Lasts)
        );
        var query = LocalPath.Of(to) is { } path and not "/" ? $"?{To}={Uri.EscapeDataString(path)}" : "";
        return kept is not null && await Find(http, pending.Secret, cancel) is var (found, person)
            ? await Page(http, found, person, to, kept, null, null, StatusCodes.Status401Unauthorized, cancel)
            : TypedResults.LocalRedirect($"{http.Request.PathBase}{Path}{query}");
    }

    private static async Task<IResult> Show(string? to, HttpContext http, CancellationToken cancel) =>
        await Find(http, http.Request.Cookies[PageCookie.NameFor(http, Cookie)], cancel) is var (pending, person)
            ? await Page(http, pending, person, to, null, null, null, StatusCodes.Status200OK, cancel)
            : Over(http, to);

    private static async Task<IResult> Run(
        HttpContext http,
        IAntiforgery antiforgery,
        SecondStep step,
        FailedSignIns failures,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return Over(http, null);
        var (to, kept) = (form[To].ToString(), PostedForm.IsFromHere(http.Request) ? PendingForm.Carried(form) : null);
        if (
            await Find(http, http.Request.Cookies[PageCookie.NameFor(http, Cookie)], cancel)
            is not var (pending, person)
        )
        {
            return kept is null ? Over(http, to) : SignInPage.First(http, kept);
        }
        var strings = http.Strings();
        string? key = null;
        var (what, code) = (form["do"].ToString(), form["code"].ToString());
        if (!await antiforgery.IsProven(http))
            return await Refused(strings["signIn.pageTooOld"], StatusCodes.Status400BadRequest);
        var visit = SignInPage.VisitOf(http);
        key = what == "set-up" ? TwoFactorPage.KeyOf(http, person, form) : null;
        if (what == "set-up" && key is null)
            return await Refused(strings["twoFactor.tooOld"], StatusCodes.Status422UnprocessableEntity);
        var outcome = what switch
        {
            "set-up" => await step.SetUpApp(pending, key!, code, visit, cancel),
            "passkey" => await step.WithPasskey(
                pending,
                person,
                SealedField.Open(http, SealedField.Passkey, pending.Hash, form["state"].ToString()) ?? "",
                form["credential"].ToString(),
                visit,
                http,
                cancel
            ),
            _ => await step.WithCode(pending, code, visit, cancel),
        };
        switch (outcome)
        {
            case SecondStepOutcome.Done(var session, var codes):
                http.Response.Cookies.Delete(
                    PageCookie.NameFor(http, Cookie),
                    PageCookie.Options(http, SignInPage.Path, null)
                );
                await SignInPage.Enter(http, session, cancel);
                if (codes.Count == 0)
                    return kept is null ? SignInPage.GoOn(http, to) : kept.AskAgain(http);
                TwoFactorPage.ShowOnce(http, codes);
                var next = kept is not null && PendingFormCookie.Leave(http, kept) ? PendingFormCookie.Path : to;
                var query = $"?next={Uri.EscapeDataString(LocalPath.Of(next) ?? "/")}";
                return TypedResults.LocalRedirect($"{http.Request.PathBase}{TwoFactorPage.Path}{query}");
            case SecondStepOutcome.TooOften { Wait: var wait }:
                failures.Note(person.Email!, visit.Address, PageDoor.One.Via);
                RateLimits.SetRetryAfter(http, wait);
                return await Refused(SignInPage.TooOften(strings, wait), StatusCodes.Status429TooManyRequests);
            case SecondStepOutcome.Wrong:
                failures.Note(person.Email!, visit.Address, PageDoor.One.Via);
                return await Refused(
                    strings[what == "passkey" ? "twoFactor.passkey.failed" : "twoFactor.code.wrong"],
                    StatusCodes.Status401Unauthorized
                );
            case SecondStepOutcome.Over:
                return kept is null ? Over(http, to) : SignInPage.First(http, kept);
            default:
                throw new System.Diagnostics.UnreachableException();
        }

        Task<IResult> Refused(string why, int status) =>
            Page(http, pending, person, to, kept, (why, what == "passkey"), key, status, cancel);
    }

    private static async Task<IResult> Page(
        HttpContext http,
        PendingSignIn pending,
        Person person,
        string? to,
        PendingForm? kept,
        (string Why, bool OfPasskey)? error,
        string? key,
        int status,
        CancellationToken cancel
    )
    {
        var services = http.RequestServices;
        var hasOne = (await services.GetRequiredService<SecondFactors>().Of(person.Id, cancel)).Factors.Count > 0;
        var passkey = await services.GetRequiredService<SecondStep>().AskForPasskey(person, http, cancel);
        var fields = kept?.Fields.ToList() ?? [];
        var model = new SecondStepModel(LocalPath.Of(to) ?? "/")
        {
            Kept = fields,
            Error = error is { OfPasskey: false } ofCode ? ofCode.Why : null,
            SetUp = hasOne ? null : TwoFactorPage.NewApp(http, person, key),
            Passkey = passkey is null
                ? null
                : new PasskeyFormModel(
                    Path,
                    "get",
                    passkey.Options,
                    SealedField.Seal(http, SealedField.Passkey, pending.Hash, passkey.State)
                )
                {
                    Error = error is { OfPasskey: true } ofPasskey ? ofPasskey.Why : null,
                    Hidden = [("do", "passkey"), (To, LocalPath.Of(to) ?? "/"), .. fields],
                },
        };
        return new PageResult(
            new PageFrame(http.Strings()[hasOne ? "twoFactor.title" : "secondStep.setUp"])
            {
                IsNarrow = true,
                AsksForPasskey = passkey is not null,
            },
            SecondStepSlice.Create(model)
        )
        {
            Status = status,
        };
    }

    private static Task<(PendingSignIn Pending, Person Person)?> Find(
        HttpContext http,
        string? secret,
        CancellationToken cancel
    ) => http.RequestServices.GetRequiredService<SecondStep>().Find(secret, cancel);

    private static RedirectHttpResult Over(HttpContext http, string? to) =>
        TypedResults.LocalRedirect(
            $"{http.Request.PathBase}{SignInPage.Path}?to={Uri.EscapeDataString(LocalPath.Of(to) ?? "/")}"
        );
}
