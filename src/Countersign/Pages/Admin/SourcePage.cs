using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/sources/{id}</c>: one system that asks: does it call, a new key, shut it out.</summary>
internal static class SourcePage
{
    public static Task<IResult> Show(long id, HttpContext http, PeopleDirectory directory, CancellationToken cancel) =>
        Page(id, http, directory, null, null, cancel);

    public static async Task<IResult> Run(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Sources sources,
        PeopleDirectory directory,
        ServerOptions server,
        CancellationToken cancel
    )
    {
        if (Find(await directory.Refresh(cancel), id) is not { } source)
            return NotFoundPage.Page(http);
        var (origin, says) = (caller.Viewer.Origin, Texts.For(http));
        var form = await http.Request.ReadFormAsync(cancel);
        Refused? refused;
        switch (form["do"].ToString())
        {
            case "set":
                refused = Refused.From(
                    says,
                    await sources.Set(source.Name, SourceReviewersForm.Typed(form).Chosen, origin, cancel)
                );
                break;
            case "who-asks":
                refused = Refused.From(
                    says,
                    await sources.Set(source.Name, SourceRequesterForm.Chosen(form, source), origin, cancel)
                );
                break;
            case "rotate":
                var outcome = await sources.Rotate(source.Name, origin, cancel);
                if (outcome is AccessOutcome<NewSourceKey>.Done { Value: var made })
                    return WithKey(source, made.Key, server, isNew: false);
                refused = Refused.From(says, outcome);
                break;
            case "end-old":
                refused = Refused.From(says, await sources.EndOldKey(source.Name, origin, cancel));
                break;
            case "disable":
                refused = Refused.From(says, await sources.Disable(source.Name, origin, cancel));
                break;
            case "enable":
                refused = Refused.From(says, await sources.Enable(source.Name, origin, cancel));
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, $"{SourcesPage.Path}/{id}", "changed")
            : await Page(id, http, directory, refused, form, cancel);
    }

    /// <summary>
    /// The one moment at which the key is known: with everything that is pasted and chosen on the other side.
    /// </summary>
    public static PageResponse WithKey(Source source, string key, ServerOptions server, bool isNew) =>
        new(
            source.Name,
            html =>
            {
                html.Notice(Tone.Careful, html.Says.ShownOnce);
                if (!isNew)
                    html.Notice(Tone.Plain, html.Says.OldKeyWorks);
                html.Add($"<section class=\"sheet\">");
                html.Once(html.Says.KeyOf(source.Name), key);
                if (source.Kind == "launchdarkly")
                {
                    html.Add($"<h2>{html.Says.PasteThis}</h2><p class=\"soft\">{html.Says.PasteWhere}</p>");
                    html.Facts(
                        LaunchDarklySetUp
                            .Integration(source.Name, key, server.BaseUrl)
                            .Select(v => (v.Field, (Action<Html>)(h => h.Add($"<code>{v.Value}</code>"))))
                    );
                    html.Add($"<h2>{html.Says.ThenChoose}</h2><p class=\"soft\">{html.Says.ChooseWhere}</p>");
                    html.Facts(
                        LaunchDarklySetUp
                            .Environment(source.Name)
                            .Select(v => (v.Field, (Action<Html>)(h => h.Add($"{v.Value}"))))
                    );
                    if (server.PublicUrl is null)
                        html.Notice(Tone.Careful, html.Says.NotReachable(server.BaseUrl));
                }
                else
                {
                    html.Add(
                        $"<p>{html.Says.SendWithEveryCall}</p><pre>curl -H 'Authorization: Bearer {key}' {server.BaseUrl}/api/v1/requests</pre>"
                    );
                }
                html.Add($"</section>");
                Waiting(html, source);
                html.Add($"<p><a href=\"{html.Base}{SourcesPage.Path}/{source.Id}\">{html.Says.KeptIt}</a></p>");
            }
        )
        {
            Section = SourcesPage.Path,
        };

    /// <summary>Turns green by itself where there is a script, and when one looks again where there is none.</summary>
    private static void Waiting(Html html, Source source)
    {
        html.Add(
            $"<section class=\"sheet\" id=\"first-call\"{Parts.Attribute("data-again", source.LastUsedAt is null ? $"{SourcesPage.Path}/{source.Id}" : null)}><h2>{html.Says.LastCall}</h2><p>"
        );
        SourcesPage.LastCall(html, source);
        html.Add($"</p>");
        if (source.LastUsedAt is null)
        {
            html.Add(
                $"<p class=\"soft\">{html.Says.WaitingWhat} <a href=\"{html.Base}{SourcesPage.Path}/{source.Id}\">{html.Says.LookAgain}</a></p>"
            );
        }
        html.Add($"</section>");
    }

    private static Source? Find(PeopleSnapshot snapshot, long id) =>
        snapshot.Sources.GetValueOrDefault(id) is { Kind: not "built-in" } source ? source : null;

    private static async Task<IResult> Page(
        long id,
        HttpContext http,
        PeopleDirectory directory,
        Refused? refused,
        IFormCollection? typed,
        CancellationToken cancel
    )
    {
        var (snapshot, destinations) = (
            await directory.Refresh(cancel),
            await SourceReviewersForm.Destinations(http, cancel)
        );
        if (Find(snapshot, id) is not { } source)
            return NotFoundPage.Page(http);
        var path = $"{SourcesPage.Path}/{id}";
        return new PageResponse(
            source.Name,
            html =>
            {
                html.Outcome(refused);
                if (source.IsDisabled)
                    html.Notice(Tone.Careful, html.Says.SourceDisabledWhat);
                SourceRequesterForm.Warnings(html, source);
                Waiting(html, source);
                html.Add($"<section class=\"sheet\">");
                html.Facts([
                    (html.Says.Kind, h => h.Add($"{h.Says.KindName(source.Kind)}")),
                    (html.Says.DecidedBy, h => h.Add($"{SourceReviewersForm.InWords(h, source, snapshot)}")),
                    (html.Says.SourceOwner, h => h.Add($"{SourceRequesterForm.OwnerInWords(h, source, snapshot)}")),
                    (html.Says.Added, h => h.Time(source.CreatedAt)),
                ]);
                html.Add($"</section>");
                html.Form(
                    path,
                    form =>
                    {
                        form.Add(
                            $"<h2>{form.Says.ChangeWhoDecides}</h2><p class=\"soft\">{form.Says.ChangeWhoDecidesWhat}</p>"
                        );
                        form.Hidden("do", "set");
                        (
                            typed?["do"].ToString() == "set"
                                ? SourceReviewersForm.Typed(typed)
                                : SourceReviewersForm.Of(source, snapshot)
                        ).Fields(form, snapshot, destinations, refused);
                        form.Button(form.Says.Keep);
                    },
                    css: "sheet narrow"
                );
                html.Form(
                    path,
                    form => SourceRequesterForm.Fields(form, source, snapshot, refused, typed),
                    css: "sheet narrow",
                    id: "who-asks"
                );
                html.Confirm(
                    html.Says.RotateKey,
                    html.Says.RotateQuestion(source.Name),
                    path,
                    html.Says.RotateDo,
                    h => h.Hidden("do", "rotate")
                );
                html.Confirm(
                    html.Says.EndOldKey,
                    html.Says.EndOldKeyQuestion(source.Name),
                    path,
                    html.Says.EndOldKeyDo,
                    h => h.Hidden("do", "end-old")
                );
                if (source.IsDisabled)
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
                else
                {
                    html.Confirm(
                        html.Says.Disable,
                        html.Says.DisableSourceQuestion(source.Name),
                        path,
                        html.Says.DisableDo(source.Name),
                        h => h.Hidden("do", "disable")
                    );
                }
            }
        )
        {
            Section = SourcesPage.Path,
            Status = AdminParts.StatusOf(refused),
        };
    }
}
