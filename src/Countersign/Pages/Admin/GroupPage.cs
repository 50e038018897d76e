using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
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
        var (email, origin, strings) = (form["email"].ToString(), caller.Viewer.Origin, http.Strings());
        Refused? refused;
        switch (form["do"].ToString())
        {
            case "add":
                var added = await groups.AddMember(group.Name, email, origin, cancel);
                refused = Refused.From(strings, added) is { Field: null }
                    ? new Refused("email", strings["person.notFound"])
                    : Refused.From(strings, added);
                break;
            case "name":
                var renamed = await groups.Rename(group.Name, form["name"].ToString(), origin, cancel);
                refused = Refused.From(strings, renamed) is { Field: null }
                    ? new Refused("name", strings["group.nameInUse"])
                    : Refused.From(strings, renamed);
                break;
            case "remove":
                refused = Refused.From(strings, await groups.RemoveMember(group.Name, email, origin, cancel));
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, $"{Path}/{id}", "changed")
            : Page(id, http, await directory.Refresh(cancel), refused, form["name"]);
    }

    private static PageResult Page(
        long id,
        HttpContext http,
        PeopleSnapshot snapshot,
        Refused? refused,
        string? typedName = null
    )
    {
        if (!snapshot.Groups.TryGetValue(id, out var group))
            return NotFoundPage.Page(http);
        var candidates = snapshot
            .People.Values.Where(p => p.Role != Role.Service && !p.IsDisabled && !group.Members.Contains(p.Id))
            .OrderBy(p => p.Name, StringComparer.CurrentCultureIgnoreCase)
            .ToList();
        var model = new GroupModel(group, [.. group.Members.Select(m => snapshot.People[m])])
        {
            Candidates = candidates.Count is > 0 and <= MaxChoices ? candidates : null,
            Refused = refused,
            TypedName = typedName,
        };
        return new PageResult(
            new PageFrame(group.Name)
            {
                Section = PeoplePage.Path,
                Breadcrumbs = [(PeoplePage.Path, http.Strings()["nav.people"]), (Path, http.Strings()["groups.title"])],
            },
            GroupSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
