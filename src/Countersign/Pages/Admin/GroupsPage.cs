using System.Globalization;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/groups</c>: all groups, beside the list of people.</summary>
internal static class GroupsPage
{
    public const string CsvPath = GroupPage.Path + ".csv";

    public static async Task<IResult> Show(HttpContext http, PeopleDirectory directory, CancellationToken cancel) =>
        Page(http, await directory.Refresh(cancel), "", null);

    /// <summary>The list as a file.</summary>
    public static async Task<IResult> Export(PeopleDirectory directory, CancellationToken cancel)
    {
        var snapshot = await directory.Refresh(cancel);
        return Csv.Of(
            "groups.csv",
            ["id", "name", "members"],
            snapshot
                .Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase)
                .Select(group =>
                    (IReadOnlyList<string?>)
                        [
                            group.Id.ToString(CultureInfo.InvariantCulture),
                            group.Name,
                            string.Join("; ", group.Members.Select(m => snapshot.People[m].Email)),
                        ]
                )
        );
    }

    public static async Task<IResult> RunAdd(
        string name,
        HttpContext http,
        CurrentCaller caller,
        Groups groups,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var strings = http.Strings();
        var outcome = await groups.Add(name, [], caller.Viewer.Origin, cancel);
        return outcome switch
        {
            AccessOutcome<Group>.Done(var made) => AdminParts.Done(http, $"{GroupPage.Path}/{made.Id}", "groupAdded"),
            AccessOutcome<Group>.Exists => await Again(new Refused("group", strings["group.nameInUse"])),
            _ => await Again(Refused.From(strings, outcome)! with { Field = "group" }),
        };

        async Task<IResult> Again(Refused refused) => Page(http, await directory.Refresh(cancel), name, refused);
    }

    private static PageResult Page(HttpContext http, PeopleSnapshot snapshot, string typed, Refused? refused)
    {
        var groups = snapshot.Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase);
        var model = new GroupsModel(
            [
                .. groups.Select(g =>
                    (g, (IReadOnlyList<string>)[.. g.Members.Select(m => snapshot.People[m].DisplayName)])
                ),
            ],
            PeoplePage.TabsOf(GroupPage.Path, snapshot)
        )
        {
            TypedName = typed,
            Refused = refused,
        };
        return new PageResult(
            new PageFrame(http.Strings()["groups.title"]) { Section = PeoplePage.Path },
            GroupsSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
