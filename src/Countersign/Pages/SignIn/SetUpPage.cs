using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/set-up?key=…</c>: where the link leads that is printed while there is no admin. It creates the first one and
/// signs them in.
/// </summary>
internal static class SetUpPage
{
    public const string Path = "/set-up";

    private const string Key = "key";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, Run).AllowAnonymous().ExcludeFromDescription();
    }

    private static Task<IResult> Show(
        string? key,
        HttpContext http,
        SetUpLink link,
        SignInAttempts attempts,
        CancellationToken cancel
    ) =>
        key is { Length: > 0 and < 200 }
            ? MailedLink.Try(
                http,
                attempts,
                () => Invalid(http),
                async () => await link.IsGood(key, cancel) ? Page(http, new SetUpModel(key)) : null
            )
            : Task.FromResult<IResult>(Invalid(http));

    private static async Task<IResult> Run(
        HttpContext http,
        IAntiforgery antiforgery,
        SetUpLink link,
        SignInAttempts attempts,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return Invalid(http);
        var typed = new SetUpModel(form[Key].ToString())
        {
            Name = form["name"].ToString(),
            Email = PostedForm.EmailOf(form),
        };
        if (typed.Key.Length is 0 or >= 200)
            return Invalid(http);
        var password = form["password"].ToString();
        return await MailedLink.Try(
            http,
            attempts,
            () => Invalid(http),
            async () =>
            {
                if (!await antiforgery.IsProven(http))
                    return await link.IsGood(typed.Key, cancel) ? Page(http, typed) : null;
                switch (await link.Use(typed.Key, typed.Email, typed.Name, password, SignInPage.VisitOf(http), cancel))
                {
                    case SetUpOutcome.Done { Session: var session }:
                        await SignInPage.Enter(http, session, cancel);
                        return SignInPage.GoOn(http, "/");
                    case SetUpOutcome.SecondStep { Pending: var pending }:
                        return await SecondStepPage.Begin(http, pending, null, null, cancel);
                    case SetUpOutcome.Invalid problem:
                        return Page(
                            http,
                            typed with
                            {
                                Refused = Refused.Invalid(http.Strings(), problem.Field, problem.Why, problem.Code),
                            }
                        );
                    case SetUpOutcome.Busy:
                        return Page(http, typed with { Refused = new Refused(null, http.Strings()["signIn.busy"]) });
                    default:
                        return null;
                }
            }
        );
    }

    private static PageResult Page(HttpContext http, SetUpModel model)
    {
        model = model with { TakesPassword = http.RequestServices.GetRequiredService<PasswordPolicy>().AreEnabled };
        return new(new PageFrame(http.Strings()["setUp.title"]) { IsNarrow = true }, SetUpSlice.Create(model))
        {
            Status = AdminParts.StatusOf(model.Refused),
        };
    }

    private static PageResult Invalid(HttpContext http) =>
        InvalidLinkModel.Page(
            http,
            new InvalidLinkModel(http.Strings()["setUp.invalid"])
            {
                Otherwise = (
                    http.Strings()["setUp.otherwise"],
                    "countersign user add you@example.com --name \"Your Name\" --role admin --password-stdin"
                ),
            }
        );
}
