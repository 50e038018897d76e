using Countersign.Audit;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.SignIn.Oidc;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/sign-in</c>: e-mail address and password, and from here on to where one wanted to go. It says the same to
/// whoever gives a wrong password and whoever nobody knows.
/// </summary>
internal static class SignInPage
{
    public const string Path = "/sign-in";

    private const string AccountPath = "/account",
        To = "to",
        Email = "E-mail",
        Password = "Password";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, Run).AllowAnonymous().ExcludeFromDescription();
    }

    private static IResult Show(string? to, string? problem, HttpContext http, PeopleDirectory directory) =>
        http.FindCaller()?.Person is not null && problem != OidcEvents.NotFresh ? GoOn(http, to)
        : problem is { Length: > 0 } ? Page(to, null, problem: t => t.SignInElsewhereProblem(problem))
        : directory.Current.People.Values.Any(p => p is { Role: Role.Admin, IsDisabled: false }) ? Page(to, null)
        : Page(to, null, hint: t => t.NoAdminYet);

    private static async Task<IResult> Run(
        HttpContext http,
        IAntiforgery antiforgery,
        PasswordSignIn signIn,
        FailedSignIns failures,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return Page(null, null);
        var (email, to, kept) = (
            form[Email].ToString(),
            form[To].ToString(),
            PostedForm.IsFromHere(http.Request) ? PendingForm.Carried(form) : null
        );
        // Signed in already, in another tab.
        if (http.FindCaller()?.Person is not null && email.Length == 0)
            return kept?.AskAgain() ?? GoOn(http, to);
        if (!await antiforgery.IsRequestValidAsync(http))
            return Page(to, kept, email, t => t.SignInPageTooOld, StatusCodes.Status400BadRequest);
        var visit = VisitOf(http);
        switch (await signIn.Run(email, form[Password].ToString(), visit, cancel))
        {
            case SignInOutcome.Done { Session: var session }:
                await Enter(http, session, cancel);
                return kept is null ? GoOn(http, to) : kept.AskAgain();
            case SignInOutcome.TooOften { Wait: var wait }:
                failures.Note(email, visit.Address, PageDoor.One.Via);
                RateLimits.SetRetryAfter(http, wait);
                return Page(to, kept, email, t => t.SignInTooOften(wait), StatusCodes.Status429TooManyRequests);
            case SignInOutcome.Busy { Wait: var wait }:
                RateLimits.SetRetryAfter(http, wait);
                return Page(to, kept, email, t => t.SignInBusy, StatusCodes.Status503ServiceUnavailable);
            default:
                failures.Note(email, visit.Address, PageDoor.One.Via);
                return Page(to, kept, email, t => t.SignInWrong, StatusCodes.Status401Unauthorized);
        }
    }

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
    public static PageResponse First(PendingForm kept) => Page(null, kept, status: StatusCodes.Status401Unauthorized);

    /// <summary>For a person who is signed in and now has to prove that they are still there.</summary>
    public static PageResponse Again(HttpContext http, PendingForm kept) =>
        Page(null, kept, http.FindCaller()?.Person?.Email ?? "", status: StatusCodes.Status403Forbidden, again: true);

    private static PageResponse Page(
        string? to,
        PendingForm? kept,
        string email = "",
        Func<Texts, string>? problem = null,
        int status = StatusCodes.Status200OK,
        Func<Texts, string>? hint = null,
        bool again = false
    ) =>
        new(
            t => again ? t.SignInAgainTitle : t.SignIn,
            html =>
            {
                if (kept is not null)
                    html.Notice(Tone.Careful, again ? html.Says.SignInAgain : html.Says.SignedOutMeanwhile);
                if (hint is not null)
                    html.Notice(Tone.Careful, hint(html.Says));
                if (problem is not null)
                    html.Notice(Tone.Bad, problem(html.Says));
                html.Form(
                    Path,
                    form =>
                    {
                        kept?.Carry(form);
                        form.Hidden(To, LocalPath.Of(to) ?? "/");
                        form.Field(
                            new Field(Email, form.Says.Email)
                            {
                                Type = "email",
                                Value = email,
                                Autocomplete = "username",
                                Required = true,
                                Longest = 254,
                                Id = "email",
                            }
                        );
                        form.Field(
                            new Field(Password, form.Says.Password)
                            {
                                Type = "password",
                                Autocomplete = "current-password",
                                Required = true,
                                Longest = PasswordRules.Longest,
                                Id = "password",
                            }
                        );
                        form.Button(form.Says.SignIn, "main");
                    },
                    css: "sheet narrow"
                );
                var byMail = MailedLink.Offer(html);
                if (html.Http.RequestServices.GetRequiredService<OidcProviders>().All is { Count: > 0 } providers)
                    Elsewhere(html, providers, to, kept, again);
                else if (again && byMail)
                    HaveSignedIn(html, kept!);
            }
        )
        {
            Status = status,
        };

    /// <summary>
    /// With identity providers. What was typed does not travel there: it waits in this browser, or in this tab if
    /// there is too much of it.
    /// </summary>
    private static void Elsewhere(
        Html html,
        IReadOnlyList<OidcOptions> providers,
        string? to,
        PendingForm? kept,
        bool again
    )
    {
        var waits = kept is not null && PendingFormCookie.Leave(html.Http, kept);
        var backTo =
            kept is null ? LocalPath.Of(to) ?? "/"
            : waits ? PendingFormCookie.Path
            : AccountPath;
        var query = $"?to={Uri.EscapeDataString(backTo)}{(again ? "&again=true" : "")}";
        var staysHere = kept is not null && !waits;
        html.Add($"<div class=\"sheet narrow\">");
        if (staysHere)
            html.Add($"<p>{html.Says.KeptAndElsewhere}</p>");
        foreach (var provider in providers)
        {
            var way = html.Base + OidcEndpoints.PathOf(provider) + query;
            var text = html.Says.SignInWith(provider.Name);
            if (staysHere)
                html.Add($"<p><a class=\"button\" href=\"{way}\" target=\"_blank\">{text}</a></p>");
            else
                html.Add($"<p><a class=\"button\" href=\"{way}\">{text}</a></p>");
        }
        if (staysHere)
            HaveSignedIn(html, kept!);
        html.Add($"</div>");
    }

    /// <summary>Goes on with what was kept once the person has signed in in another tab.</summary>
    private static void HaveSignedIn(Html html, PendingForm kept) =>
        html.Form(
            Path,
            form =>
            {
                kept.Carry(form);
                form.Button(form.Says.HaveSignedIn);
            }
        );
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
