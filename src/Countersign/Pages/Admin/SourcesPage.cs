using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/sources</c>: the systems that ask; another one, with all that must be pasted on its side.</summary>
internal static class SourcesPage
{
    public const string Path = "/sources";

    public static async Task<IResult> Show(HttpContext http, PeopleDirectory directory, CancellationToken cancel) =>
        Page(
            await directory.Refresh(cancel),
            await SourceReviewersForm.Destinations(http, cancel),
            null,
            new Typed("", "launchdarkly", SourceReviewersForm.OneAdmin)
        );

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Sources sources,
        PeopleDirectory directory,
        ServerOptions server,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var typed = new Typed(form["name"].ToString(), form["kind"].ToString(), SourceReviewersForm.Typed(form));
        var chosen = typed.Who.Chosen;
        var outcome = await sources.Add(
            typed.Name,
            typed.Kind,
            chosen.Group,
            chosen.Need,
            caller.Viewer.Origin,
            cancel,
            chosen.Destination
        );
        return outcome is AccessOutcome<NewSourceKey>.Done { Value: var made }
            ? SourcePage.WithKey((await directory.Refresh(cancel)).Sources[made.Id], made.Key, server, isNew: true)
            : Page(
                await directory.Refresh(cancel),
                await SourceReviewersForm.Destinations(http, cancel),
                Refused.From(Texts.For(http), outcome),
                typed
            );
    }

    /// <summary>Whether it ever called: the first thing one wants to know after setting it up.</summary>
    public static void LastCall(Html html, Source source)
    {
        if (source.LastUsedAt is { } used)
            html.Badge(Tone.Good, html.Says.Connected).Add($" ").Ago(used);
        else
            html.Badge(Tone.Careful, html.Says.WaitingForFirstCall);
    }

    private static PageResponse Page(
        PeopleSnapshot snapshot,
        IEnumerable<string> destinations,
        Refused? refused,
        Typed typed
    ) =>
        new(
            t => t.Sources,
            html =>
            {
                html.Outcome(refused);
                html.Add($"<p class=\"lede\">{html.Says.SourcesLede}</p>");
                var sources = snapshot
                    .Sources.Values.Where(s => s.Kind != "built-in")
                    .OrderBy(s => s.IsDisabled)
                    .ThenBy(s => s.Name, StringComparer.CurrentCultureIgnoreCase)
                    .ToList();
                if (sources.Count == 0)
                {
                    html.Nothing(html.Says.NoSources, html.Says.NoSourcesWhat);
                }
                else
                {
                    html.Add(
                        $"<div id=\"sources\"{Parts.Attribute("data-again", sources.Exists(s => s is { IsDisabled: false, LastUsedAt: null }) ? Path : null)}>"
                    );
                    html.Table(
                        html.Says.Sources,
                        [html.Says.Name, html.Says.Kind, html.Says.DecidedBy, html.Says.LastCall, ""],
                        sources,
                        (h, s) =>
                        {
                            h.Add(
                                $"<td><a href=\"{h.Base}{Path}/{s.Id}\">{s.Name}</a></td><td>{h.Says.KindName(s.Kind)}</td><td>{SourceReviewersForm.InWords(h, s, snapshot)}</td><td>"
                            );
                            LastCall(h, s);
                            h.Add($"</td><td>");
                            if (s.IsDisabled)
                                h.Badge(Tone.Bad, h.Says.Disabled);
                            h.Add($"</td>");
                        }
                    );
                    html.Add($"</div>");
                }
                html.Form(
                    Path,
                    form =>
                    {
                        form.Add($"<h2>{form.Says.AddSource}</h2>");
                        form.Field(
                            new Field("name", form.Says.Name)
                            {
                                Value = typed.Name,
                                Hint = form.Says.SourceNameHint,
                                Required = true,
                                Longest = Names.Longest,
                                Error = Refused.Of(refused, "name"),
                                Autocomplete = "off",
                            }
                        );
                        form.Select(
                            "kind",
                            form.Says.Kind,
                            [("launchdarkly", form.Says.KindName("launchdarkly")), ("api", form.Says.KindName("api"))],
                            typed.Kind,
                            error: Refused.Of(refused, "kind")
                        );
                        typed.Who.Fields(form, snapshot, destinations, refused);
                        form.Button(form.Says.AddSource, "main");
                    },
                    css: "sheet narrow"
                );
            }
        )
        {
            Section = Path,
            Status = AdminParts.StatusOf(refused),
        };

    private sealed record Typed(string Name, string Kind, SourceReviewersForm Who);
}
