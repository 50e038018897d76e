using Countersign.Audit;
using Countersign.Hosting;
using Countersign.Outcomes.Email;
using Countersign.Pages.Layout;
using Countersign.Pages.SignIn.Oidc;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/sign-in</c>: email and password, and from here on to where the person wanted to go. A wrong password and an
/// unknown account get the same answer.
/// </summary>
internal static class SignInPage
{
    public const string Path = "/sign-in";

    private const string AccountPath = "/account",
        To = "to";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, Run).AllowAnonymous().ExcludeFromDescription();
    }

    private static IResult Show(string? to, string? problem, HttpContext http, PeopleDirectory directory)
    {
        if (http.FindCaller()?.Person is not null && problem != OidcEvents.NotFresh)
            return GoOn(http, to);
        var strings = http.Strings();
        if (problem is { Length: > 0 and < 40 })
        {
            var why = strings.Find("signIn.problem." + problem) ?? strings["signIn.problem.failed"];
            return Page(http, to, null, model => model with { Problem = why });
        }
        return directory.Current.People.Values.Any(p => p is { Role: Role.Admin, IsDisabled: false })
            ? Page(http, to, null)
            : Page(http, to, null, model => model with { Hint = strings["signIn.noAdminYet"] });
    }

    private static async Task<IResult> Run(
        HttpContext http,
        IAntiforgery antiforgery,
        PasswordSignIn signIn,
        FailedSignIns failures,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return Page(http, null, null);
        var strings = http.Strings();
        var (email, to, kept) = (
            PostedForm.EmailOf(form),
            form[To].ToString(),
            PostedForm.IsFromHere(http.Request) ? PendingForm.Carried(form) : null
        );
        // Signed in already, in another tab.
        if (http.FindCaller()?.Person is not null && email.Length == 0)
            return kept?.AskAgain(http) ?? GoOn(http, to);
        if (!await antiforgery.IsProven(http))
            return Refused(strings["signIn.pageTooOld"], StatusCodes.Status400BadRequest);
        var visit = VisitOf(http);
        switch (await signIn.Run(email, form["password"].ToString(), visit, cancel))
        {
            case SignInOutcome.Done { Session: var session }:
                await Enter(http, session, cancel);
                return kept is null ? GoOn(http, to) : kept.AskAgain(http);
            case SignInOutcome.SecondStep { Pending: var pending }:
                return await SecondStepPage.Begin(http, pending, to, kept, cancel);
            case SignInOutcome.TooOften { Wait: var wait }:
                failures.Note(email, visit.Address, PageDoor.One.Via);
                RateLimits.SetRetryAfter(http, wait);
                return Refused(TooOften(strings, wait), StatusCodes.Status429TooManyRequests);
            case SignInOutcome.Busy { Wait: var wait }:
                RateLimits.SetRetryAfter(http, wait);
                return Refused(strings["signIn.busy"], StatusCodes.Status503ServiceUnavailable);
            default:
                failures.Note(email, visit.Address, PageDoor.One.Via);
                return Refused(strings["signIn.wrong"], StatusCodes.Status401Unauthorized);
        }

        PageResult Refused(string problem, int status) =>
            Page(http, to, kept, model => model with { Email = email, Problem = problem }, status);
    }

    public static string TooOften(IStringLocalizer strings, TimeSpan wait) =>
        strings.Count("signIn.tooOften", Math.Max(1, (long)Math.Ceiling(wait.TotalMinutes)));

    public static ClientInfo VisitOf(HttpContext http) =>
        new(
            PageDoor.One.Via,
            http.Connection.RemoteIpAddress?.ToString() ?? "",
            http.Request.Headers.UserAgent.ToString()
        );

    /// <summary>
    /// From here on this browser is that person, also for the rest of this answer; a session that it had ends.
    /// </summary>
    public static async Task Enter(HttpContext http, NewSession session, CancellationToken cancel)
    {
        // Asked of the scheme, because on the way back from a provider the call has no user yet.
        if (
            (await http.AuthenticateAsync(Schemes.Session)).Principal?.Identity is CallerIdentity
            {
                Caller: { Session: { } replaced } before
            }
        )
        {
            await http
                .RequestServices.GetRequiredService<Sessions>()
                .End(replaced.Id, replaced.PersonId, "signed in again", before.Viewer.Origin, cancel);
        }
        SessionCookie.Set(http, session);
        var caller = await http
            .RequestServices.GetRequiredService<Callers>()
            .FindBySession(session.Secret, PageDoor.One.Via, VisitOf(http).Address, cancel);
        if (caller is not null)
            http.User = CallerIdentity.PrincipalOf(caller, Schemes.Session);
    }

    /// <summary>To where one wanted to go, as long as that is here.</summary>
    public static IResult GoOn(HttpContext http, string? to) =>
        TypedResults.LocalRedirect($"{http.Request.PathBase}{LocalPath.Of(to) ?? "/"}");

    /// <summary>For a person whose session ended while they typed.</summary>
    public static PageResult First(HttpContext http, PendingForm kept) =>
        Page(http, null, kept, status: StatusCodes.Status401Unauthorized);

    /// <summary>For a person who is signed in and now has to prove that they are still there.</summary>
    public static PageResult Again(HttpContext http, PendingForm kept) =>
        Page(
            http,
            null,
            kept,
            model => model with { Email = http.FindCaller()?.Person?.Email ?? "", IsAgain = true },
            StatusCodes.Status403Forbidden
        );

    /// <summary>For a person who wants a link emailed and gave no email to which it could go.</summary>
    public static PageResult NoEmail(HttpContext http, string? to, PendingForm? kept, string email) =>
        Page(
            http,
            to,
            kept,
            model => model with { Email = email, EmailError = http.Strings()["signIn.noEmail"] },
            StatusCodes.Status422UnprocessableEntity
        );

    private static PageResult Page(
        HttpContext http,
        string? to,
        PendingForm? kept,
        Func<SignInModel, SignInModel>? change = null,
        int status = StatusCodes.Status200OK
    )
    {
        var services = http.RequestServices;
        var model = new SignInModel(LocalPath.Of(to) ?? "/")
        {
            Kept = [.. kept?.Fields ?? []],
            TakesPassword = services.GetRequiredService<PasswordPolicy>().AreEnabled,
            OffersLink = services.GetRequiredService<MailSignIn>().IsOffered,
        };
        model = change?.Invoke(model) ?? model;
        var providers = services.GetRequiredService<OidcProviders>().All;
        if (providers.Count > 0)
            model = WithProviders(http, model, providers, kept);
        var title = http.Strings()[model.IsAgain ? "signIn.again.title" : "signIn.title"];
        return new PageResult(new PageFrame(title) { IsNarrow = true }, SignInSlice.Create(model)) { Status = status };
    }

    /// <summary>
    /// What was typed doesn't travel to an identity provider: it waits in this browser, or in this tab if there is too
    /// much of it.
    /// </summary>
    private static SignInModel WithProviders(
        HttpContext http,
        SignInModel model,
        IReadOnlyList<OidcOptions> providers,
        PendingForm? kept
    )
    {
        var waits = kept is not null && PendingFormCookie.Leave(http, kept);
        var backTo =
            kept is null ? model.To
            : waits ? PendingFormCookie.Path
            : AccountPath;
        var query = $"?to={Uri.EscapeDataString(backTo)}{(model.IsAgain ? "&again=true" : "")}";
        return model with
        {
            Providers = [.. providers.Select(p => (p.Name, OidcEndpoints.PathOf(p) + query))],
            ProvidersOpenBeside = kept is not null && !waits,
        };
    }
}

/// <summary>What a browser posted.</summary>
internal static class PostedForm
{
    /// <summary>Whether a page of ours sent it, by what the browser itself says of it.</summary>
    public static bool IsFromHere(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site
            ? site == "same-origin"
            : string.Equals(
                request.Headers.Origin.ToString(),
                $"{request.Scheme}://{request.Host}",
                StringComparison.OrdinalIgnoreCase
            );

    public static string EmailOf(IFormCollection form) => form["email"].ToString().Trim();

    /// <summary>Null when it is no form.</summary>
    public static async ValueTask<IFormCollection?> Read(HttpContext http, CancellationToken cancel)
    {
        try
        {
            return http.Request.HasFormContentType ? await http.Request.ReadFormAsync(cancel) : null;
        }
        catch (Exception broken) when (broken is InvalidDataException or BadHttpRequestException)
        {
            return null;
        }
    }
}
