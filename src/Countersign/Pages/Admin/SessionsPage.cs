using Countersign.Hosting;
using Countersign.Pages.Account;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary>
/// Where people are signed in: one's own on <c>/account</c>, all of them on <c>/sessions</c> for admins.
/// </summary>
internal static class SessionsPage
{
    public const string Path = "/sessions";

    public static async Task<IResult> Show(
        HttpContext http,
        CurrentCaller caller,
        Sessions sessions,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var people = directory.Current.People;
        var model = new SessionsModel(
            [
                .. (await sessions.List(null, cancel)).Select(s => new SessionView(
                    s,
                    people.GetValueOrDefault(s.PersonId)?.DisplayName,
                    s.Id == caller.Caller.Session?.Id
                )),
            ],
            Path
        )
        {
            HasOwners = true,
        };
        return new PageResult(
            new PageFrame(http.Strings()["sessions.title"]) { Section = Path },
            SessionsSlice.Create(model)
        );
    }

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Sessions sessions,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var back = LocalPath.Of(form["back"].ToString()) ?? AccountPage.Path;
        switch (form["do"].ToString())
        {
            case "end"
                when long.TryParse(
                    form["id"].ToString(),
                    System.Globalization.CultureInfo.InvariantCulture,
                    out var id
                ):
                return
                    await sessions.End(
                        id,
                        caller.Caller.IsAdmin ? null : caller.Person.Id,
                        "ended on a page",
                        caller.Viewer.Origin,
                        cancel
                    ) is AccessOutcome<long>.Done
                    ? AdminParts.Done(http, back, "ended")
                    : NotFoundPage.Page(http);
            case "end-others":
                await sessions.EndOthers(
                    caller.Person.Id,
                    caller.Caller.Session?.Id ?? 0,
                    caller.Viewer.Origin,
                    cancel
                );
                return AdminParts.Done(http, back, "ended");
            default:
                return NotFoundPage.Page(http);
        }
    }

    /// <summary>One person's.</summary>
    public static async ValueTask<SessionsModel> Of(
        Person owner,
        string back,
        CurrentCaller caller,
        Sessions sessions,
        CancellationToken cancel
    )
    {
        var own = caller.Caller.Session?.Id;
        var all = await sessions.List(owner.Id, cancel);
        return new SessionsModel([.. all.Select(s => new SessionView(s, null, s.Id == own))], back)
        {
            CanEndOthers = owner.Id == caller.Person.Id && all.Exists(s => s.Id != own),
        };
    }
}

/// <summary>Of what browsers call themselves, what people call them.</summary>
internal static class Browsers
{
    private static readonly (string Sign, string Name)[] Names =
    [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];

    private static readonly (string Sign, string Name)[] Systems =
    [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];

    public static string? NameOf(string agent)
    {
        var (name, system) = (Find(Names, agent), Find(Systems, agent));
        return name is null
            ? agent.Length is > 0 and <= 40
                ? agent
                : null
            : system is null
                ? name
                : $"{name}, {system}";
    }

    private static string? Find((string Sign, string Name)[] known, string agent) =>
        known.FirstOrDefault(k => agent.Contains(k.Sign, StringComparison.Ordinal)).Name;
}
