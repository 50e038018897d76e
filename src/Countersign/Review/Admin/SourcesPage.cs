using System.Globalization;
using Countersign.Access;
using Countersign.Doors;
using Countersign.Review.Frame;
using Countersign.Web;
using Directory = Countersign.Access.Directory;

namespace Countersign.Review.Admin;

/// <summary><c>/sources</c>: the systems that ask; another one, with all that must be pasted on its side.</summary>
internal static class SourcesPage
{
    public const string Path = "/sources";

    public static async Task<IResult> Show(Directory directory, CancellationToken cancel) => Page(await directory.Refresh(cancel), null, new Typed("", "launchdarkly", "", "1"));

    public static async Task<IResult> Run(HttpContext http, Asking asking, Sources sources, Directory directory, Settings settings, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var typed = new Typed(form["name"].ToString(), form["kind"].ToString(), form["group"].ToString(), form["need"].ToString());
        var need = int.TryParse(typed.Need, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        var outcome = await sources.Add(typed.Name, typed.Kind, typed.Group.Length == 0 ? null : typed.Group, typed.Group.Length == 0 ? null : need, asking.Viewer.Origin, cancel);
        return outcome is AccessOutcome<NewKey>.Done { Value: var made }
            ? SourcePage.WithKey((await directory.Refresh(cancel)).Sources[made.Id], made.Key, settings, isNew: true)
            : Page(await directory.Refresh(cancel), Refused.From(outcome), typed);
    }

    /// <summary>Whether it ever called: the first thing one wants to know after setting it up.</summary>
    public static void LastCall(Html html, Source source)
    {
        if (source.LastUsedAt is { } used)
            html.Badge(Tone.Good, html.Says.Connected).Add($" ").Ago(used);
        else
            html.Badge(Tone.Careful, html.Says.WaitingForFirstCall);
    }

    private static PageAnswer Page(DirectorySnapshot snapshot, Refused? refused, Typed typed) => new("Sources", html =>
    {
        html.Outcome(refused);
        html.Add($"<p class=\"lede\">{html.Says.SourcesLede}</p>");
        var sources = snapshot.Sources.Values.Where(s => s.Kind != "built-in").OrderBy(s => s.IsDisabled).ThenBy(s => s.Name, StringComparer.CurrentCultureIgnoreCase).ToList();
        if (sources.Count == 0)
        {
            html.Nothing(html.Says.NoSources, html.Says.NoSourcesWhat);
        }
        else
        {
            html.Table(html.Says.Sources, [html.Says.Name, html.Says.Kind, html.Says.DecidedBy, html.Says.LastCall, ""], sources, (h, s) =>
            {
                h.Add($"<td><a href=\"{h.Base}{Path}/{s.Id}\">{s.Name}</a></td><td>{h.Says.KindName(s.Kind)}</td><td>{SourcePage.WhoDecides(h, s, snapshot)}</td><td>");
                LastCall(h, s);
                h.Add($"</td><td>");
                if (s.IsDisabled)
                    h.Badge(Tone.Bad, h.Says.Disabled);
                h.Add($"</td>");
            });
        }
        html.Form(Path, form =>
        {
            form.Add($"<h2>{form.Says.AddSource}</h2>");
            form.Field(new Field("name", form.Says.Name) { Value = typed.Name, Hint = form.Says.SourceNameHint, Required = true, Longest = Names.Longest, Error = Refused.Of(refused, "name"), Autocomplete = "off" });
            form.Select("kind", form.Says.Kind, [("launchdarkly", form.Says.KindName("launchdarkly")), ("api", form.Says.KindName("api"))], typed.Kind, error: Refused.Of(refused, "kind"));
            form.Select("group", form.Says.DecidedBy, [("", form.Says.OneAdmin), .. snapshot.Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase).Select(g => (g.Name, g.Name))], typed.Group, form.Says.DecidedByHint);
            form.Field(new Field("need", form.Says.HowMany) { Type = "number", Value = typed.Need, Hint = form.Says.HowManyHint, Error = Refused.Of(refused, "need"), Autocomplete = "off" });
            form.Button(form.Says.AddSource, "main");
        }, css: "sheet narrow");
    })
    { Section = Path, Status = AdminParts.StatusOf(refused) };

    private sealed record Typed(string Name, string Kind, string Group, string Need);
}
