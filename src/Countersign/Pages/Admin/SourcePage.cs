using Countersign.Audit;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>/sources/{id}</c>: one source: whether it calls, who reviews, its requesters, its key.</summary>
internal static class SourcePage
{
    /// <summary>As many rejected calls are shown; the API has the others.</summary>
    private const int MaxRejected = 5;

    public static Task<IResult> Show(
        long id,
        HttpContext http,
        PeopleDirectory directory,
        ServerOptions server,
        RejectedBodies bodies,
        SourceConnectionActions launchDarkly,
        SourceGateActions gates,
        CancellationToken cancel
    ) => Page(id, http, directory, server, bodies, launchDarkly, gates, null, null, cancel);

    public static async Task<IResult> Run(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Sources sources,
        PeopleDirectory directory,
        ServerOptions server,
        RejectedBodies bodies,
        SourceConnectionActions launchDarkly,
        SourceGateActions gates,
        CancellationToken cancel
    )
    {
        if (Find(await directory.Refresh(cancel), id) is not { } source)
            return NotFoundPage.Page(http);
        var (origin, strings, path) = (caller.Viewer.Origin, http.Strings(), $"{SourcesPage.Path}/{id}");
        var form = await http.Request.ReadFormAsync(cancel);
        Refused? refused;
        var done = "changed";
        switch (form["do"].ToString())
        {
            case "set":
                refused = Refused.From(
                    strings,
                    await sources.Set(source.Name, SourceReviewersForm.Typed(form).Chosen, origin, cancel)
                );
                break;
            case "who-asks":
                var set = await sources.Set(
                    source.Name,
                    SourceRequesterForm.Typed(form).ChosenFor(source),
                    origin,
                    cancel
                );
                refused = set is AccessOutcome<long>.NotFound or AccessOutcome<long>.Invalid { Field: "owner" }
                    ? new Refused(
                        "owner",
                        strings[
                            form["owner"].ToString().Trim().Length == 0 ? "source.owner.needed" : "source.owner.unknown"
                        ]
                    )
                    : Refused.From(strings, set);
                break;
            case SourceAgentModel.Set:
                refused = SourceAgentModel.Refusal(
                    strings,
                    await http
                        .RequestServices.GetRequiredService<SetAgentClient>()
                        .Run(source.Name, SourceAgentModel.Typed(form), origin, cancel)
                );
                break;
            case "rotate":
                var outcome = await sources.Rotate(source.Name, origin, cancel);
                if (outcome is AccessOutcome<NewSourceKey>.Done { Value: var made })
                    ShownOnce.Leave(http, path, made.Key);
                (refused, done) = (Refused.From(strings, outcome), "keyRotated");
                break;
            case "key-expiry":
                var (until, problem) = KeyExpiry.Read(
                    form["expires"],
                    http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow()
                );
                refused = problem is not null
                    ? new Refused("expires", strings["source.key.expires.wrong"])
                    : Refused.From(strings, await sources.SetKeyExpiry(source.Name, until, origin, cancel));
                break;
            case "end-old":
                refused = Refused.From(strings, await sources.EndOldKey(source.Name, origin, cancel));
                done = "oldKeyRevoked";
                break;
            case "disable":
                refused = Refused.From(strings, await sources.Disable(source.Name, origin, cancel));
                done = "sourceDisabled";
                break;
            case "enable":
                refused = Refused.From(strings, await sources.Enable(source.Name, origin, cancel));
                done = "sourceEnabled";
                break;
            case var what when SourceConnectionActions.Knows(what):
                (refused, done) = await launchDarkly.Run(http, what, source, path, form, caller, cancel);
                break;
            case var what when SourceGateActions.Knows(what):
                (refused, done) = await gates.Run(http, what, source, form, caller, cancel);
                if (refused is null && what == SourceGateActions.App)
                    return GitHubAppPage.Begin(http, path, form["organization"].ToString());
                break;
            default:
                return NotFoundPage.Page(http);
        }
        return refused is null
            ? AdminParts.Done(http, path, done)
            : await Page(id, http, directory, server, bodies, launchDarkly, gates, refused, form, cancel);
    }

    /// <summary>Not those that come with the hub, which have no settings.</summary>
    internal static Source? Find(PeopleSnapshot snapshot, long id) =>
        snapshot.Sources.TryGetValue(id, out var source) && source.Kind != "built-in" ? source : null;

    private static async Task<IResult> Page(
        long id,
        HttpContext http,
        PeopleDirectory directory,
        ServerOptions server,
        RejectedBodies bodies,
        SourceConnectionActions launchDarkly,
        SourceGateActions gates,
        Refused? refused,
        IFormCollection? typed,
        CancellationToken cancel
    )
    {
        var snapshot = await directory.Refresh(cancel);
        if (Find(snapshot, id) is not { } source)
            return NotFoundPage.Page(http);
        var path = $"{SourcesPage.Path}/{id}";
        var doing = typed?["do"].ToString();
        var model = new SourceModel(
            source,
            snapshot,
            doing == "set" ? SourceReviewersForm.Typed(typed!) : SourceReviewersForm.Of(source, snapshot),
            await SourceReviewersForm.Choices(http, snapshot, cancel),
            doing == "who-asks" ? SourceRequesterForm.Typed(typed!) : SourceRequesterForm.Of(source, snapshot),
            server.BaseUrl,
            server.PublicUrl is not null
        )
        {
            NewKey = ShownOnce.Take(http, path),
            Refused = refused,
            TypedExpires = doing == "key-expiry" ? typed!["expires"].ToString() : null,
            Rejected = await bodies.Latest(source.Id, MaxRejected, cancel),
            Agent = SourceAgentModel.Of(http, source, path, refused, typed),
            Gate = await gates.Model(source, path, server, refused, typed, cancel),
            LaunchDarkly =
                source.Kind == "launchdarkly"
                    ? await launchDarkly.Model(http, source, path, server.BaseUrl, refused, typed, cancel)
                    : null,
        };
        return new PageResult(
            new PageFrame(source.Name)
            {
                Section = SourcesPage.Path,
                Breadcrumbs = [(SourcesPage.Path, http.Strings()["nav.sources"])],
            },
            SourceSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
