using System.Globalization;
using System.Text.Json;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Destinations;

/// <summary>
/// <c>/destinations/{name}</c>: one system that decides: whether it responds, its tickets, its configuration; and
/// <c>/destinations/{name}/calls</c>: every call that it would be sent.
/// </summary>
internal sealed class DestinationPage(
    DestinationViews views,
    AddDestination add,
    TestDestination trying,
    ResolveLink resolve
)
{
    public const string Calls = "/calls";

    public static string AddressOf(string name) => $"{DestinationsPage.Path}/{Uri.EscapeDataString(name)}";

    public Task<IResult> Show(string name, HttpContext http, CancellationToken cancel) =>
        Page(name, http, null, cancel);

    public async Task<IResult> Preview(string name, HttpContext http, CancellationToken cancel)
    {
        if (await trying.Rehearse(name, null, cancel) is not AccessOutcome<DestinationTest>.Done { Value: var preview })
            return NotFoundPage.Page(http);
        var strings = http.Strings();
        return new PageResult(
            new PageFrame(strings["destination.preview"])
            {
                Section = DestinationsPage.Path,
                Breadcrumbs = [(DestinationsPage.Path, strings["nav.destinations"]), (AddressOf(name), name)],
            },
            PreviewSlice.Create(new PreviewModel(preview))
        );
    }

    public async Task<IResult> Do(string name, HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (await views.ManifestOf(name, cancel) is not { } manifest)
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var origin = caller.Viewer.Origin;
        switch (form["do"].ToString())
        {
            case "test":
                if (await trying.Connect(name, cancel) is AccessOutcome<DestinationTest>.Done { Value: var test })
                    Leave(http, name, test);
                return TypedResults.LocalRedirect(http.Request.PathBase + AddressOf(name));
            case "pause" or "resume":
                var pauses = form["do"] == "pause";
                await add.Pause(name, pauses, origin, cancel);
                return AdminParts.Done(http, AddressOf(name), pauses ? "destinationPaused" : "destinationResumed");
            case "values":
                var changed = new ValuesForm(manifest, form);
                return
                    await add.Change(name, changed.Settings, changed.Secrets, origin, cancel)
                        is AccessOutcome<long>.Invalid(var field, var why)
                    ? await Page(name, http, changed.Refusal(field, why), cancel, changed)
                    : AdminParts.Done(http, AddressOf(name), "changed");
            case "load":
                var typed = new ValuesForm(manifest, form);
                var (options, unknown) = await trying.OptionsAt(name, typed.Settings, typed.Secrets, cancel);
                return await Page(
                    name,
                    http,
                    unknown is null ? null : new Refused(null, unknown),
                    cancel,
                    typed with
                    {
                        Options = options,
                    }
                );
            case "retry":
                return await Resolve(new Resolution.Retry());
            case "send_again":
                return await Resolve(new Resolution.SendAgain());
            case "exists":
                return await Resolve(new Resolution.Exists(form["external"].ToString()));
            case "give_up":
                return await Resolve(new Resolution.GiveUp());
            default:
                return NotFoundPage.Page(http);
        }

        async Task<IResult> Resolve(Resolution resolution) =>
            !long.TryParse(form["link"], NumberStyles.None, CultureInfo.InvariantCulture, out var link)
                ? NotFoundPage.Page(http)
            : await resolve.Run(link, resolution, origin, cancel) is ResolveLinkOutcome.NotPossible(var not)
                ? await Page(name, http, new Refused(null, not), cancel)
            : AdminParts.Done(http, AddressOf(name), "ticketResolved");
    }

    /// <summary>Where the calls are too long to be carried, how it went is said without them.</summary>
    private static void Leave(HttpContext http, string name, DestinationTest test)
    {
        if (!ShownOnce.Leave(http, AddressOf(name), JsonSerializer.Serialize(test)))
            ShownOnce.Leave(http, AddressOf(name), JsonSerializer.Serialize(test with { Exchanges = [] }));
    }

    private async Task<IResult> Page(
        string name,
        HttpContext http,
        Refused? refused,
        CancellationToken cancel,
        ValuesForm? typed = null
    )
    {
        if (
            await views.Find(name, cancel) is not { } destination
            || await views.ManifestOf(name, cancel) is not { } manifest
        )
        {
            return NotFoundPage.Page(http);
        }
        var strings = http.Strings();
        var values = (typed ?? new ValuesForm(manifest, destination.Settings)).Model(
            strings,
            refused,
            [.. destination.Secrets]
        );
        return new PageResult(
            new PageFrame(destination.Name)
            {
                Section = DestinationsPage.Path,
                Breadcrumbs = [(DestinationsPage.Path, strings["nav.destinations"])],
            },
            DestinationSlice.Create(
                new DestinationModel(destination, (await views.Links(name, null, null, cancel))?.Links ?? [], values)
                {
                    Test = ShownOnce.Take(http, AddressOf(name)) is { } kept
                        ? JsonSerializer.Deserialize<DestinationTest>(kept)
                        : null,
                    Refused = refused,
                }
            )
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
