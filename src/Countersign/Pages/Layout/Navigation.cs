using Countersign.Pages.NewRequest;
using Countersign.People;

namespace Countersign.Pages.Layout;

/// <summary>Where one can go from every page: what everybody has, then what admins look after.</summary>
internal static class Navigation
{
    /// <summary>For everybody who signed in.</summary>
    private static readonly (string Path, Func<Texts, string> Name)[] Everybody =
    [
        ("/", t => t.Inbox),
        ("/new", t => t.NewRequest),
    ];

    /// <summary>For admins, in the order in which a hub is set up. A page adds its row here.</summary>
    private static readonly (string Path, Func<Texts, string> Name)[] Admins =
    [
        ("/people", t => t.People),
        ("/sources", t => t.Sources),
        ("/policies", t => t.PoliciesTitle),
        ("/destinations", t => t.Destinations),
        ("/deliveries", t => t.Deliveries),
        ("/work", t => t.Work),
        ("/tokens", t => t.Tokens),
        ("/sessions", t => t.Sessions),
        ("/audit", t => t.Audit),
    ];

    public static void Write(Html html, string? section)
    {
        if (html.Caller?.Person is not { } person)
            return;
        html.Add($"<nav aria-label=\"{html.Says.Navigation}\"><ul>");
        var mayAsk = NewRequestPage.MayAsk(html.Caller, html.Http.RequestServices.GetRequiredService<PageOptions>());
        foreach (var (path, name) in Everybody.Where(e => mayAsk || e.Path != "/new"))
            Entry(html, path, name, section);
        if (person.Role == Role.Admin && Admins.Length > 0)
        {
            var here = Admins.Any(a => a.Path == section);
            html.Add($"<li><details class=\"menu\"><summary{Current(here)}>{html.Says.Manage}</summary><ul>");
            foreach (var (path, name) in Admins)
                Entry(html, path, name, section);
            html.Add($"</ul></details></li>");
        }
        html.Add(
            $"</ul></nav><div class=\"me\"><a href=\"{html.Base}/account\"{Current(section == "/account")}>{person.Name}</a>"
        );
        html.Form("/sign-out", h => h.Add($"<button class=\"quiet\">{h.Says.SignOut}</button>"));
        html.Add($"</div>");
    }

    private static void Entry(Html html, string path, Func<Texts, string> name, string? section) =>
        html.Add($"<li><a href=\"{html.Base}{path}\"{Current(path == section)}>{name(html.Says)}</a></li>");

    private static Action<Html>? Current(bool here) => here ? static h => h.Add($" aria-current=\"page\"") : null;
}
