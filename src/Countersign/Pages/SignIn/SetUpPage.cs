using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.Pages.SignIn;

/// <summary>
/// <c>/set-up?key=…</c>: where the link leads that is printed while there is no admin. It makes the first one and signs
/// them in.
/// </summary>
internal static class SetUpPage
{
    public const string Path = "/set-up";

    private const string Key = "key",
        Name = "Name",
        Email = "E-mail",
        Password = "Password";

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
                Over,
                async () => await link.IsGood(key, cancel) ? Page(new Typed(key, "", ""), null) : null
            )
            : Task.FromResult<IResult>(Over());

    private static async Task<IResult> Run(
        HttpContext http,
        IAntiforgery antiforgery,
        SetUpLink link,
        SignInAttempts attempts,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return Over();
        var typed = new Typed(form[Key].ToString(), form[Name].ToString(), form[Email].ToString());
        if (typed.Key.Length is 0 or >= 200)
            return Over();
        var password = form[Password].ToString();
        return await MailedLink.Try(
            http,
            attempts,
            Over,
            async () =>
            {
                if (!await antiforgery.IsRequestValidAsync(http))
                    return await link.IsGood(typed.Key, cancel) ? Page(typed, null) : null;
                switch (await link.Use(typed.Key, typed.Email, typed.Name, password, SignInPage.VisitOf(http), cancel))
                {
                    case SetUpOutcome.Done { Session: var session }:
                        await SignInPage.Enter(http, session, cancel);
                        return SignInPage.GoOn(http, "/");
                    case SetUpOutcome.Invalid problem:
                        return Page(typed, problem);
                    case SetUpOutcome.Busy:
                        return Page(typed, new SetUpOutcome.Invalid("password", Texts.For(http).SignInBusy));
                    default:
                        return null;
                }
            }
        );
    }

    private static PageResponse Page(Typed typed, SetUpOutcome.Invalid? problem) =>
        new(
            t => t.SetUpTitle,
            html =>
            {
                string? ErrorOf(string field) => problem?.Field == field ? problem.Why : null;
                html.Add($"<p class=\"lede\">{html.Says.SetUpLede}</p>");
                html.Form(
                    Path,
                    form =>
                    {
                        form.Hidden(Key, typed.Key);
                        form.Field(
                            new Field(Name, form.Says.YourName)
                            {
                                Value = typed.Name,
                                Error = ErrorOf("name"),
                                Required = true,
                                Longest = Names.Longest,
                                Autocomplete = "name",
                                Id = "name",
                            }
                        );
                        form.Field(
                            new Field(Email, form.Says.Email)
                            {
                                Type = "email",
                                Value = typed.Email,
                                Error = ErrorOf("email"),
                                Required = true,
                                Longest = 254,
                                Autocomplete = "username",
                                Id = "email",
                            }
                        );
                        form.Field(
                            Layout.Field.NewPassword(
                                Password,
                                form.Says.Password,
                                form.Says.PasswordHint,
                                ErrorOf("password")
                            ) with
                            {
                                Id = "password",
                            }
                        );
                        form.Button(form.Says.SetUpDo, "main");
                    },
                    css: "sheet narrow"
                );
            }
        )
        {
            Status = problem is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
        };

    private static PageResponse Over() =>
        new(
            t => t.SetUpOverTitle,
            html =>
                html.Add(
                    $"""
                    <p>{html.Says.SetUpOver}</p>
                    <p>{html.Says.SetUpOtherwise}</p>
                    <pre>countersign user add you@example.com --name "Your Name" --role admin --password-stdin</pre>
                    <p><a href="{html.Base}{SignInPage.Path}">{html.Says.SignIn}</a></p>
                    """
                )
        )
        {
            Status = StatusCodes.Status404NotFound,
        };

    private sealed record Typed(string Key, string Name, string Email);
}
