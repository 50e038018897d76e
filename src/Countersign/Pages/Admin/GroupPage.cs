using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/groups/{id}</c>: who belongs to a group.</summary>
internal static class GroupPage
{
    public const string Path = "/groups";

    /// <summary>More people than this are not offered to choose from: one types the address.</summary>
    private const int MaxChoices = 500;

    public static async Task<IResult> Show(
        long id,
        HttpContext http,
        PeopleDirectory directory,
        CancellationToken cancel
    ) => Page(id, http, await directory.Refresh(cancel), null);

    public static async Task<IResult> Run(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Groups groups,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var snapshot = await directory.Refresh(cancel);
        if (!snapshot.Groups.TryGetValue(id, out var group))
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var (email, origin, says) = (form["email"].ToString(), caller.Viewer.Origin, Texts.For(http));
        Refused? refused;
        switch (form["do"].ToString())
        {
            case "add":
                refused = Refused.From(says, await groups.AddMember(group.Name, email, origin, cancel));
                break;
            case "name":
                refused = Refused.From(says, await groups.Rename(group.Name, form["name"].ToString(), origin, cancel));
                break;
            case "remove":
                refused = Refused.From(says, await groups.RemoveMember(group.Name, email, origin, cancel));
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, $"{Path}/{id}", "changed")
            : Page(id, http, await directory.Refresh(cancel), refused, form["name"].ToString());
    }

    private static PageResponse Page(
        long id,
        HttpContext http,
        PeopleSnapshot snapshot,
        Refused? refused,
        string typedName = ""
    )
    {
        if (!snapshot.Groups.TryGetValue(id, out var group))
            return NotFoundPage.Page(http);
        var path = $"{Path}/{id}";
        return new PageResponse(
            group.Name,
            html =>
            {
                html.Outcome(refused);
                html.Add($"<p class=\"lede\">{html.Says.GroupLede}</p>");
                if (group.Members.Count == 0)
                {
                    html.Nothing(html.Says.NoMembers, html.Says.NoMembersWhat);
                }
                else
                {
                    html.Table(
                        html.Says.Members,
                        [html.Says.Name, html.Says.Email, ""],
                        group.Members.Select(m => snapshot.People[m]),
                        (h, p) =>
                        {
                            h.Add(
                                $"<td><a href=\"{h.Base}{PeoplePage.Path}/{p.Id}\">{p.Name}</a></td><td>{p.Email}</td><td>"
                            );
                            h.Confirm(
                                h.Says.Remove,
                                h.Says.RemoveMemberQuestion(p.DisplayName, group.Name),
                                path,
                                h.Says.RemoveDo(p.DisplayName),
                                f => f.Hidden("do", "remove").Hidden("email", p.Email)
                            );
                            h.Add($"</td>");
                        }
                    );
                }
                html.Form(
                    path,
                    form =>
                    {
                        form.Hidden("do", "add");
                        var others = snapshot
                            .People.Values.Where(p =>
                                p.Role != Role.Service && !p.IsDisabled && !group.Members.Contains(p.Id)
                            )
                            .OrderBy(p => p.Name, StringComparer.CurrentCultureIgnoreCase)
                            .ToList();
                        if (others.Count is > 0 and <= MaxChoices)
                        {
                            form.Select(
                                "email",
                                form.Says.AddMember,
                                others.Select(p => (p.Email ?? "", $"{p.Name} ({p.Email})")),
                                null
                            );
                        }
                        else
                        {
                            form.Field(
                                new Field("email", form.Says.AddMember)
                                {
                                    Type = "email",
                                    Required = true,
                                    Autocomplete = "off",
                                }
                            );
                        }
                        form.Button(form.Says.Add, "main");
                    },
                    css: "sheet narrow"
                );
                html.Form(
                    path,
                    form =>
                    {
                        form.Hidden("do", "name");
                        form.Field(
                            new Field("name", form.Says.Name)
                            {
                                Value = typedName.Length > 0 ? typedName : group.Name,
                                Hint = form.Says.RenameGroupHint,
                                Required = true,
                                Longest = Names.Longest,
                                Error = Refused.Of(refused, "name"),
                                Autocomplete = "off",
                            }
                        );
                        form.Button(form.Says.ChangeName);
                    },
                    css: "sheet narrow"
                );
            }
        )
        {
            Section = PeoplePage.Path,
            Status = AdminParts.StatusOf(refused),
        };
    }
}
