using System.Globalization;
using Countersign.Audit;
using Countersign.Pages.Account;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/people/{id}</c>: all that an admin can do for, and with, one person.</summary>
internal static class PersonPage
{
    public static bool ChangesWhoMaySignIn(string what) =>
        what is "role" or "password" or "disable" or "enable" or "erase";

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
        if (await Find(directory, id, cancel) is not { Email: { } email })
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (what, origin, isSelf, says) = (
            form["do"].ToString(),
            caller.Viewer.Origin,
            id == caller.Person.Id,
            Texts.For(http)
        );
        // Whoever shuts themselves out cannot let themselves in again.
        if (isSelf && what is ("disable" or "role" or "erase"))
        {
            return await Page(
                id,
                http,
                caller,
                directory,
                tokens,
                sessions,
                new Refused(null, says.NotToYourself),
                cancel
            );
        }
        Refused? refused;
        switch (what)
        {
            case "name":
                refused = Refused.From(says, await people.Rename(email, form["name"].ToString(), origin, cancel));
                break;
            case "add-alias":
                refused = Refused.From(
                    says,
                    await aliases.Add(email, form["alias"].ToString(), origin, cancel, form.ContainsKey("force"))
                );
                break;
            case "remove-alias"
                when long.TryParse(form["id"], NumberStyles.None, CultureInfo.InvariantCulture, out var alias):
                refused = Refused.From(says, await aliases.Remove(email, alias, origin, cancel));
                break;
            case "role" when Roles.Of(form["role"].ToString()) is { } role:
                refused = Refused.From(says, await people.SetRole(email, role, origin, cancel));
                break;
            case "password":
                refused = Refused.From(
                    says,
                    await people.SetPassword(
                        email,
                        form["password"].ToString(),
                        origin,
                        cancel,
                        isSelf ? caller.Caller.Session?.Id ?? 0 : 0
                    )
                );
                break;
            case AbsenceSection.Set or AbsenceSection.End:
                refused = await AbsenceSection.Run(form, email, absences, origin, says, cancel);
                break;
            case "disable":
                refused = Refused.From(says, await people.Disable(email, origin, cancel));
                break;
            case "erase":
                refused = Refused.From(
                    says,
                    await http.RequestServices.GetRequiredService<ErasePerson>().Run(email, origin, cancel)
                );
                break;
            case "enable":
                refused = Refused.From(says, await people.Enable(email, origin, cancel));
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
        var groups = directory.Current.GroupsOf(id);
        var (theirTokens, theirSessions) = (await tokens.List(cancel, id), await sessions.List(id, cancel));
        var absence = await http.RequestServices.GetRequiredService<Absences>().Find(id, cancel);
        var aliases = await http.RequestServices.GetRequiredService<Aliases>().List(id, cancel);
        var path = $"{PeoplePage.Path}/{id}";
        return new PageResponse(
            person.DisplayName,
            html =>
            {
                html.Outcome(refused);
                if (ErasedPerson.IdOf(person.Email ?? "") != 0)
                {
                    html.Notice(Tone.Careful, html.Says.ErasedWhat);
                    return;
                }
                if (person.IsDisabled)
                    html.Notice(Tone.Careful, html.Says.DisabledWhat);
                html.Add($"<section class=\"sheet\">");
                html.Facts([
                    (html.Says.Email, h => h.Add($"{person.Email}")),
                    (html.Says.Role, h => h.Add($"{h.Says.RoleInWords(person.Role)}")),
                    (html.Says.Groups, h => GroupLinks(h, groups)),
                    (html.Says.Added, h => h.Time(person.CreatedAt)),
                    .. person.EarlierNames.Count == 0
                        ? Array.Empty<(string, Action<Html>)>()
                        :
                        [
                            (
                                html.Says.EarlierNames,
                                h => h.Add($"{string.Join(", ", person.EarlierNames.Distinct(StringComparer.Ordinal))}")
                            ),
                        ],
                ]);
                html.Add($"</section>");
                html.Form(
                    path,
                    form =>
                    {
                        form.Hidden("do", "name");
                        form.Field(
                            new Field("name", form.Says.Name)
                            {
                                Value = person.Name,
                                Required = true,
                                Hint = form.Says.RenamePersonHint,
                                Longest = Names.Longest,
                                Error = Refused.Of(refused, "name"),
                                Autocomplete = "off",
                            }
                        );
                        form.Button(form.Says.ChangeName);
                    },
                    css: "sheet narrow"
                );
                AliasSection(html, path, aliases, refused, typed?["alias"].ToString() ?? "");
                if (id != caller.Person.Id)
                {
                    html.Form(
                        path,
                        form =>
                        {
                            form.Hidden("do", "role");
                            form.Select(
                                "role",
                                form.Says.Role,
                                [
                                    .. new[] { Role.EndUser, Role.Agent, Role.Admin }.Select(r =>
                                        (r.ToWireName(), form.Says.RoleInWords(r))
                                    ),
                                ],
                                person.Role.ToWireName()
                            );
                            form.Button(form.Says.ChangeRole);
                        },
                        css: "sheet narrow"
                    );
                }
                html.Form(
                    path,
                    form =>
                    {
                        form.Hidden("do", "password");
                        form.Field(
                            Field.NewPassword(
                                "password",
                                form.Says.NewPassword,
                                form.Says.SetPasswordHint,
                                Refused.Of(refused, "password")
                            )
                        );
                        form.Button(form.Says.SetPassword);
                    },
                    css: "sheet narrow"
                );
                AbsenceSection.Write(html, path, person, absence, directory.Current, refused, typed);
                TokensPage.Section(html, theirTokens, person, path, person.Role == Role.Admin);
                SessionsPage.Section(html, theirSessions, person, path, caller.Caller.Session?.Id);
                if (person.IsDisabled)
                {
                    html.Form(
                        path,
                        form =>
                        {
                            form.Hidden("do", "enable");
                            form.Button(form.Says.Enable);
                        }
                    );
                }
                else if (id != caller.Person.Id)
                {
                    html.Confirm(
                        html.Says.Disable,
                        html.Says.DisablePersonQuestion(person.DisplayName),
                        path,
                        html.Says.DisableDo(person.DisplayName),
                        h => h.Hidden("do", "disable")
                    );
                }
                if (id != caller.Person.Id)
                {
                    html.Confirm(
                        html.Says.Erase,
                        html.Says.ErasePersonQuestion(person.DisplayName),
                        path,
                        html.Says.EraseDo(person.DisplayName),
                        h => h.Hidden("do", "erase")
                    );
                }
            }
        )
        {
            Section = PeoplePage.Path,
            Status = AdminParts.StatusOf(refused),
        };
    }

    private static void AliasSection(Html html, string path, List<Alias> aliases, Refused? refused, string typed)
    {
        html.Add($"<h2 id=\"aliases\">{html.Says.Aliases}</h2><p class=\"soft\">{html.Says.AliasesWhat}</p>");
        if (aliases.Count > 0)
        {
            html.Table(
                html.Says.Aliases,
                [html.Says.Alias, ""],
                aliases,
                (h, alias) =>
                {
                    h.Add($"<td>{alias.Text}</td><td>");
                    h.Confirm(
                        h.Says.Remove,
                        h.Says.RemoveAliasQuestion(alias.Text),
                        path,
                        h.Says.RemoveDo(alias.Text),
                        f =>
                            f.Hidden("do", "remove-alias").Hidden("id", alias.Id.ToString(CultureInfo.InvariantCulture))
                    );
                    h.Add($"</td>");
                }
            );
        }
        if (refused is { Blocked.Count: > 0 })
        {
            html.Add(
                $"<section class=\"sheet narrow\"><h3>{html.Says.AddAliasAnyway}</h3><p>{html.Says.AddAliasAnywayWhat(typed)}</p><ul>"
            );
            foreach (var request in refused.Blocked)
            {
                html.Add(
                    $"<li><a href=\"{html.Base}/requests/{request.Id.Value}\">{request.Subject}</a> <span class=\"soft\">{request.Why}</span></li>"
                );
            }
            html.Add($"</ul>");
            html.Form(
                path,
                form =>
                    form.Hidden("do", "add-alias")
                        .Hidden("alias", typed)
                        .Hidden("force", "true")
                        .Button(form.Says.AddAliasAnyway, "no")
            );
            html.Add($"</section>");
        }
        html.Form(
            path,
            form =>
            {
                form.Hidden("do", "add-alias");
                form.Field(
                    new Field("alias", form.Says.NewAlias)
                    {
                        Value = typed,
                        Hint = form.Says.NewAliasHint,
                        Required = true,
                        Longest = Names.Longest,
                        Error = Refused.Of(refused, "alias"),
                        Autocomplete = "off",
                    }
                );
                form.Button(form.Says.AddAlias);
            },
            css: "sheet narrow"
        );
    }

    private static void GroupLinks(Html html, IReadOnlyList<Group> groups)
    {
        if (groups.Count == 0)
            html.Add($"{html.Says.None}");
        foreach (var group in groups)
            html.Add($"<a href=\"{html.Base}{GroupPage.Path}/{group.Id}\">{group.Name}</a> ");
    }
}
