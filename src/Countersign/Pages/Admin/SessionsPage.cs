using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary>
/// Where people are signed in: everybody's own on <c>/account</c>, all of them on <c>/sessions</c> for admins.
/// </summary>
internal static class SessionsPage
{
    public const string Path = "/sessions";

    public static async Task<IResult> Show(
        CurrentCaller caller,
        Sessions sessions,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var (all, snapshot) = (await sessions.List(null, cancel), directory.Current);
        return new PageResponse(
            t => t.Sessions,
            html =>
            {
                html.Outcome(null);
                html.Add($"<p class=\"lede\">{html.Says.SessionsLede}</p>");
                List(html, all, Path, caller.Caller.Session?.Id, snapshot);
            }
        )
        {
            Section = Path,
        };
    }

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Sessions sessions,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var back = LocalPath.Of(form["back"].ToString()) ?? "/account";
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

    public static void Section(Html html, IReadOnlyList<Session> sessions, Person person, string back, long? own)
    {
        html.Add($"<section class=\"sheet\"><h2>{html.Says.Sessions}</h2>");
        List(html, sessions, back, own, null);
        if (html.Caller?.Person?.Id == person.Id && sessions.Count > 1)
        {
            html.Confirm(
                html.Says.EndOthers,
                html.Says.EndOthersQuestion,
                Path,
                html.Says.EndOthersDo,
                f => f.Hidden("do", "end-others").Hidden("back", back)
            );
        }
        html.Add($"</section>");
    }

    private static void List(
        Html html,
        IReadOnlyList<Session> sessions,
        string back,
        long? own,
        PeopleSnapshot? withOwner
    )
    {
        if (sessions.Count == 0)
        {
            html.Nothing(html.Says.NoSessions, html.Says.NoSessionsWhat);
            return;
        }
        var says = html.Says;
        string[] heads = withOwner is null
            ? [says.Browser, says.Address, says.SignedIn, says.LastUsed, ""]
            : [says.Owner, says.Browser, says.Address, says.SignedIn, says.LastUsed, ""];
        html.Table(
            says.Sessions,
            heads,
            sessions,
            (h, s) =>
            {
                if (withOwner is not null)
                    h.Add($"<td>{withOwner.People.GetValueOrDefault(s.PersonId)?.DisplayName}</td>");
                h.Add($"<td>{Browsers.NameOf(s.Browser) ?? h.Says.UnknownBrowser}");
                if (s.Id == own)
                    h.Add($" ").Badge(Tone.Good, h.Says.ThisOne);
                h.Add($"</td><td>{s.Address}</td><td>")
                    .Time(s.CreatedAt)
                    .Add($"</td><td>")
                    .Ago(s.LastUsedAt)
                    .Add($"</td><td>");
                if (s.Id != own)
                {
                    h.Confirm(
                        h.Says.End,
                        h.Says.EndQuestion,
                        Path,
                        h.Says.EndDo,
                        f => f.Hidden("do", "end").Hidden("id", $"{s.Id}").Hidden("back", back)
                    );
                }
                h.Add($"</td>");
            }
        );
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
