using System.Globalization;
using Countersign.Audit;
using Countersign.Pages.Account;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/people/{id}</c>: all that an admin can do for one person and with them.</summary>
internal static class PersonPage
{
    public static bool ChangesWhoMaySignIn(string what) =>
        what is "password" or "reset-two-factor" or "disable" or "enable" or "erase";

    public static Task<IResult> Show(
        long id,
        HttpContext http,
        CurrentCaller caller,
        PeopleDirectory directory,
        Tokens tokens,
        Sessions sessions,
        CancellationToken cancel
    ) => Page(id, http, caller, directory, tokens, sessions, null, cancel);

    public static async Task<IResult> Run(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Accounts people,
        Aliases aliases,
        Absences absences,
        PeopleDirectory directory,
        Tokens tokens,
        Sessions sessions,
        CancellationToken cancel
    )
    {
        if (await Find(directory, id, cancel) is not { Email: { } email } person)
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (what, origin, isSelf, strings) = (
            form["do"].ToString(),
            caller.Viewer.Origin,
            id == caller.Person.Id,
            http.Strings()
        );
        var role = Roles.Of(form["role"].ToString());
        var changesRole = what == "profile" && role is not null && role != person.Role;
        // An admin who takes their own access away can't give it back.
        if (isSelf && (changesRole || what is "disable" or "erase"))
        {
            var self = new Refused(null, strings["person.notYourself"]);
            return await Page(id, http, caller, directory, tokens, sessions, self, cancel);
        }
        if (changesRole && RecentSignIn.IsMissing(http))
            return RecentlySignedIn.Ask(http, form);
        Refused? refused;
        switch (what)
        {
            case "profile":
                refused = Refused.From(
                    strings,
                    await people.Change(email, form["name"].ToString(), role, origin, cancel)
                );
                break;
            case "add-alias":
                refused = Refused.From(
                    strings,
                    await aliases.Add(email, form["alias"].ToString(), origin, cancel, form.ContainsKey("force"))
                );
                break;
            case "remove-alias"
                when long.TryParse(form["id"], NumberStyles.None, CultureInfo.InvariantCulture, out var alias):
                refused = Refused.From(strings, await aliases.Remove(email, alias, origin, cancel));
                break;
            case "password":
                refused = Refused.From(
                    strings,
                    await people.SetPassword(
                        email,
                        form["password"].ToString(),
                        origin,
                        cancel,
                        isSelf ? caller.Caller.Session?.Id ?? 0 : 0
                    )
                );
                break;
            case "reset-two-factor":
                refused = Refused.From(
                    strings,
                    await http.RequestServices.GetRequiredService<SecondFactors>().Reset(email, origin, cancel)
                );
                break;
            case AbsenceForm.Set or AbsenceForm.End:
                refused = await AbsenceForm.Run(form, email, absences, origin, strings, cancel);
                break;
            case "disable":
                refused = Refused.From(strings, await people.Disable(email, origin, cancel));
                break;
            case "erase":
                refused = Refused.From(
                    strings,
                    await http.RequestServices.GetRequiredService<ErasePerson>().Run(email, origin, cancel)
                );
                break;
            case "enable":
                refused = Refused.From(strings, await people.Enable(email, origin, cancel));
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, $"{PeoplePage.Path}/{id}", "changed")
            : await Page(id, http, caller, directory, tokens, sessions, refused, cancel, form);
    }

    private static async Task<Person?> Find(PeopleDirectory directory, long id, CancellationToken cancel) =>
        (await directory.Refresh(cancel)).People.GetValueOrDefault(id) is { Role: not Role.Service } person
            ? person
            : null;

    private static async Task<IResult> Page(
        long id,
        HttpContext http,
        CurrentCaller caller,
        PeopleDirectory directory,
        Tokens tokens,
        Sessions sessions,
        Refused? refused,
        CancellationToken cancel,
        IFormCollection? typed = null
    )
    {
        if (await Find(directory, id, cancel) is not { } person)
            return NotFoundPage.Page(http);
        var services = http.RequestServices;
        var (path, isSelf) = ($"{PeoplePage.Path}/{id}", id == caller.Person.Id);
        var absence = await services.GetRequiredService<Absences>().Find(id, cancel);
        var model = new PersonModel(person, directory.Current.GroupsOf(id))
        {
            Absence = AbsenceForm.ModelOf(path, person, isSelf, absence, directory.Current, refused, typed),
            Aliases = await services.GetRequiredService<Aliases>().List(id, cancel),
            Tokens = await TokensPage.Of(person, path, caller, tokens, cancel),
            Sessions = await SessionsPage.Of(person, path, caller, sessions, cancel),
            IsSelf = isSelf,
            TakesPassword = services.GetRequiredService<PasswordPolicy>().AreEnabled,
            Refused = refused,
            TypedName = typed?.ContainsKey("name") == true ? typed["name"].ToString() : null,
            TypedRole = typed?.ContainsKey("role") == true ? typed["role"].ToString() : null,
            TypedAlias = typed?["alias"].ToString() ?? "",
        };
        return new PageResult(
            new PageFrame(person.DisplayName)
            {
                Section = PeoplePage.Path,
                Breadcrumbs = [(PeoplePage.Path, http.Strings()["nav.people"])],
                HasOwnHeading = true,
            },
            PersonSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
