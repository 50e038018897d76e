using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/people</c>: who is here and in which groups; more of them.</summary>
internal static class PeoplePage
{
    public const string Path = "/people";

    private const string AddPerson = "add-person",
        AddGroup = "add-group";

    public static bool ChangesWhoMaySignIn(string what) => what == AddPerson;

    public static async Task<IResult> Show(PeopleDirectory directory, Absences absences, CancellationToken cancel) =>
        Page(await directory.Refresh(cancel), await absences.List(cancel), null, new Typed("", "", "agent", ""));

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Accounts people,
        Groups groups,
        Absences absences,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var typed = new Typed(
            form["email"].ToString(),
            form["name"].ToString(),
            form["role"].ToString(),
            form["group"].ToString()
        );
        var (origin, says) = (caller.Viewer.Origin, Texts.For(http));
        Refused? refused;
        switch (form["do"].ToString())
        {
            case AddPerson when Roles.Of(typed.Role) is { } role:
                var password = form["password"].ToString();
                refused = Refused.From(
                    says,
                    await people.Add(
                        typed.Email,
                        typed.Name,
                        role,
                        password.Length == 0 ? null : password,
                        origin,
                        cancel
                    )
                );
                break;
            case AddGroup:
                var outcome = await groups.Add(typed.Group, [], origin, cancel);
                if (outcome is AccessOutcome<Group>.Done { Value: var made })
                    return AdminParts.Done(http, $"{GroupPage.Path}/{made.Id}", "added");
                refused = Refused.From(says, outcome) is { Field: not null } bad
                    ? bad with
                    {
                        Field = "group",
                    }
                    : Refused.From(says, outcome);
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, Path, "added")
            : Page(await directory.Refresh(cancel), await absences.List(cancel), refused, typed);
    }

    private static PageResponse Page(PeopleSnapshot snapshot, List<Absence> absences, Refused? refused, Typed typed) =>
        new(
            t => t.People,
            html =>
            {
                var away = absences.ToDictionary(a => a.PersonId);
                html.Outcome(refused);
                var people = snapshot
                    .People.Values.Where(p => p.Role != Role.Service)
                    .OrderBy(p => p.IsDisabled)
                    .ThenBy(p => p.Name, StringComparer.CurrentCultureIgnoreCase)
                    .ToList();
                html.Table(
                    html.Says.People,
                    [html.Says.Name, html.Says.Email, html.Says.Role, html.Says.Groups, ""],
                    people,
                    (h, p) =>
                    {
                        h.Add(
                            $"<td><a href=\"{h.Base}{Path}/{p.Id}\">{p.Name}</a></td><td>{p.Email}</td><td>{h.Says.RoleName(p.Role)}</td><td>{string.Join(", ", snapshot.GroupsOf(p.Id).Select(g => g.Name))}</td><td>"
                        );
                        if (p.IsDisabled)
                            h.Badge(Tone.Bad, h.Says.Disabled);
                        else if (away.TryGetValue(p.Id, out var absence))
                            h.Badge(Tone.Careful, absence.Begun ? h.Says.Away : h.Says.AwaySoon);
                        h.Add($"</td>");
                    }
                );
                html.Form(
                    Path,
                    form =>
                    {
                        form.Add($"<h2>{form.Says.AddPerson}</h2>");
                        form.Hidden("do", AddPerson);
                        form.Field(
                            new Field("name", form.Says.Name)
                            {
                                Value = typed.Name,
                                Required = true,
                                Longest = Names.Longest,
                                Error = Refused.Of(refused, "name"),
                                Autocomplete = "off",
                            }
                        );
                        form.Field(
                            new Field("email", form.Says.Email)
                            {
                                Type = "email",
                                Value = typed.Email,
                                Required = true,
                                Longest = 254,
                                Error = Refused.Of(refused, "email"),
                                Autocomplete = "off",
                            }
                        );
                        form.Select(
                            "role",
                            form.Says.Role,
                            [
                                .. new[] { Role.EndUser, Role.Agent, Role.Admin }.Select(r =>
                                    (r.ToWireName(), form.Says.RoleInWords(r))
                                ),
                            ],
                            typed.Role
                        );
                        form.Field(
                            Field.NewPassword(
                                "password",
                                form.Says.Password,
                                form.Says.FirstPasswordHint,
                                Refused.Of(refused, "password")
                            ) with
                            {
                                Required = false,
                            }
                        );
                        form.Button(form.Says.AddPerson, "main");
                    },
                    css: "sheet narrow"
                );

                html.Add($"<h2 id=\"groups\">{html.Says.Groups}</h2>");
                if (snapshot.Groups.Count == 0)
                {
                    html.Nothing(html.Says.NoGroups, html.Says.NoGroupsWhat);
                }
                else
                {
                    html.Table(
                        html.Says.Groups,
                        [html.Says.Group, html.Says.Members],
                        snapshot.Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase),
                        (h, g) =>
                            h.Add(
                                $"<td><a href=\"{h.Base}{GroupPage.Path}/{g.Id}\">{g.Name}</a></td><td>{(g.Members.Count == 0 ? h.Says.Nobody : string.Join(", ", g.Members.Select(m => snapshot.People[m].DisplayName)))}</td>"
                            )
                    );
                }
                html.Form(
                    Path,
                    form =>
                    {
                        form.Hidden("do", AddGroup);
                        form.Field(
                            new Field("group", form.Says.NewGroup)
                            {
                                Value = typed.Group,
                                Required = true,
                                Longest = Names.Longest,
                                Error = Refused.Of(refused, "group"),
                                Autocomplete = "off",
                            }
                        );
                        form.Button(form.Says.AddGroup);
                    },
                    css: "sheet narrow"
                );
            }
        )
        {
            Section = Path,
            Status = AdminParts.StatusOf(refused),
        };

    private sealed record Typed(string Email, string Name, string Role, string Group);
}
