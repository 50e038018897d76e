using Countersign.Audit;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Account;

/// <summary>
/// <c>/account</c>: what belongs to the person who looks: password, tokens, sessions. Not the name: it tells the hub
/// who asks.
/// </summary>
internal static class AccountPage
{
    public const string Path = "/account";

    public static void Map(RouteGroupBuilder pages)
    {
        pages.MapGet(Path, Show);
        pages.MapPost(Path, Run);
    }

    private static Task<IResult> Show(
        HttpContext http,
        CurrentCaller caller,
        Tokens tokens,
        Sessions sessions,
        PeopleDirectory directory,
        CancellationToken cancel
    ) => Page(http, caller, tokens, sessions, directory, null, cancel);

    private static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Accounts people,
        Passwords passwords,
        FailedSignIns failures,
        Absences absences,
        Tokens tokens,
        Sessions sessions,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (form, me, origin, says) = (
            await http.Request.ReadFormAsync(cancel),
            caller.Person,
            caller.Viewer.Origin,
            Texts.For(http)
        );
        var what = form["do"].ToString();
        Refused? refused;
        switch (what)
        {
            case "password":
                refused = await ChangePassword(form, says, caller, people, passwords, failures, directory, cancel);
                break;
            case AbsenceSection.Set or AbsenceSection.End:
                refused = await AbsenceSection.Run(form, me.Email!, absences, origin, says, cancel);
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, Path, what == "password" ? what : "changed")
            : await Page(http, caller, tokens, sessions, directory, refused, cancel, form);
    }

    /// <summary>
    /// Whoever sits at an open browser must not be able to take the account over, so the current password is asked for.
    /// </summary>
    private static async Task<Refused?> ChangePassword(
        IFormCollection form,
        Texts says,
        CurrentCaller caller,
        Accounts people,
        Passwords passwords,
        FailedSignIns failures,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (me, origin) = (caller.Person, caller.Viewer.Origin);
        if (!directory.Current.PasswordHashes.ContainsKey(me.Id))
            return new Refused("current", says.NoPasswordToChange);
        switch (await passwords.Check(me.Email!, form["current-password"].ToString(), origin.Address, cancel))
        {
            case PasswordOutcome.TooOften { Wait: var wait }:
                return new Refused("current", says.SignInTooOften(wait));
            case PasswordOutcome.Busy:
                return new Refused("current", says.SignInBusy);
            case PasswordOutcome.Wrong:
                failures.Note(me.Email!, origin.Address, origin.Via);
                return new Refused("current", says.WrongCurrentPassword);
        }
        return Refused.From(
            says,
            await people.SetPassword(
                me.Email!,
                form["new-password"].ToString(),
                origin,
                cancel,
                caller.Caller.Session?.Id ?? 0
            )
        );
    }

    private static async Task<IResult> Page(
        HttpContext http,
        CurrentCaller caller,
        Tokens tokens,
        Sessions sessions,
        PeopleDirectory directory,
        Refused? refused,
        CancellationToken cancel,
        IFormCollection? typed = null
    )
    {
        var snapshot = await directory.Refresh(cancel);
        var me = snapshot.People[caller.Person.Id];
        var (theirTokens, theirSessions) = (await tokens.List(cancel, me.Id), await sessions.List(me.Id, cancel));
        var channels = await ChannelsSection.Of(http, me.Id, cancel);
        var absence = await http.RequestServices.GetRequiredService<Absences>().Find(me.Id, cancel);
        return new PageResponse(
            me.Name,
            html =>
            {
                html.Outcome(refused);
                html.Add($"<section class=\"sheet\">");
                html.Facts([
                    (html.Says.Email, h => h.Add($"{me.Email}")),
                    (html.Says.Role, h => h.Add($"{h.Says.RoleInWords(me.Role)}")),
                    (
                        html.Says.Groups,
                        h =>
                            h.Add(
                                $"{(snapshot.GroupsOf(me.Id) is { Count: > 0 } groups ? string.Join(", ", groups.Select(g => g.Name)) : h.Says.None)}"
                            )
                    ),
                ]);
                html.Add($"</section>");
                AbsenceSection.Write(html, Path, me, absence, snapshot, refused, typed);
                channels(html);
                if (snapshot.PasswordHashes.ContainsKey(me.Id))
                {
                    html.Form(
                        Path,
                        form =>
                        {
                            form.Add($"<h2>{form.Says.YourPassword}</h2>");
                            form.Hidden("do", "password");
                            form.Field(
                                new Field("current-password", form.Says.CurrentPassword)
                                {
                                    Type = "password",
                                    Required = true,
                                    Longest = PasswordRules.Longest,
                                    Error = Refused.Of(refused, "current"),
                                    Autocomplete = "current-password",
                                }
                            );
                            form.Field(
                                Field.NewPassword(
                                    "new-password",
                                    form.Says.NewPassword,
                                    form.Says.PasswordHint,
                                    Refused.Of(refused, "password")
                                )
                            );
                            form.Button(form.Says.ChangePassword);
                        },
                        css: "sheet narrow"
                    );
                }
                TokensPage.Section(html, theirTokens, me, Path, me.Role == Role.Admin);
                SessionsPage.Section(html, theirSessions, me, Path, caller.Caller.Session?.Id);
            }
        )
        {
            Section = Path,
            Status = AdminParts.StatusOf(refused),
        };
    }
}
