using Countersign.Audit;
using Countersign.Outcomes.Email;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.Pages.SignIn;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Account;

/// <summary>
/// <c>/account</c>: what belongs to the person who looks: display, absence, password, tokens, sessions. Not the name:
/// it
/// tells the hub who the requester is.
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
        var (form, me, origin, strings) = (
            await http.Request.ReadFormAsync(cancel),
            caller.Person,
            caller.Viewer.Origin,
            http.Strings()
        );
        var what = form["do"].ToString();
        Refused? refused;
        switch (what)
        {
            case "password":
                refused = await ChangePassword(form, strings, caller, people, passwords, failures, directory, cancel);
                break;
            case AbsenceForm.Set or AbsenceForm.End:
                refused = await AbsenceForm.Run(form, me.Email!, absences, origin, strings, cancel);
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, Path, what == "password" ? what : "changed")
            : await Page(http, caller, tokens, sessions, directory, refused, cancel, form);
    }

    /// <summary>
    /// An open browser must not be enough to take the account over, so the current password is asked for.
    /// </summary>
    private static async Task<Refused?> ChangePassword(
        IFormCollection form,
        IStringLocalizer strings,
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
            return new Refused(null, strings["password.none"]);
        switch (await passwords.Check(me.Email!, form["current-password"].ToString(), origin.Address, cancel))
        {
            case PasswordOutcome.TooOften { Wait: var wait }:
                return new Refused("current-password", SignInPage.TooOften(strings, wait));
            case PasswordOutcome.Busy:
                return new Refused("current-password", strings["signIn.busy"]);
            case PasswordOutcome.Wrong:
                failures.Note(me.Email!, origin.Address, origin.Via);
                return new Refused("current-password", strings["password.wrong"]);
        }
        var refused = Refused.From(
            strings,
            await people.SetPassword(
                me.Email!,
                form["new-password"].ToString(),
                origin,
                cancel,
                caller.Caller.Session?.Id ?? 0
            )
        );
        return refused is { Field: "password" } ? refused with { Field = "new-password" } : refused;
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
        var absence = await http.RequestServices.GetRequiredService<Absences>().Find(me.Id, cancel);
        var model = new AccountModel(me, snapshot.GroupsOf(me.Id))
        {
            Absence = AbsenceForm.ModelOf(Path, me, true, absence, snapshot, refused, typed),
            Channels = await NotificationsForm.Of(http, me.Id, cancel),
            HasPassword =
                http.RequestServices.GetRequiredService<PasswordPolicy>().AreEnabled
                && snapshot.PasswordHashes.ContainsKey(me.Id),
            TakesSecondFactor =
                me.HasSecondFactor
                || http.RequestServices.GetRequiredService<PasswordPolicy>().AreEnabled
                || http.RequestServices.GetRequiredService<MailSignIn>().IsOffered,
            Tokens = await TokensPage.Of(me, Path, caller, tokens, cancel),
            Sessions = await SessionsPage.Of(me, Path, caller, sessions, cancel),
            TimeZones = TimeZones.All,
            Refused = refused,
        };
        return new PageResult(
            new PageFrame(http.Strings()["account.title"]) { Section = Path },
            AccountSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
