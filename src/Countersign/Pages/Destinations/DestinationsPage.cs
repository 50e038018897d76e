using System.Globalization;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Hosting;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Destinations;

/// <summary>
/// <c>/destinations</c>: which systems decide and how they are doing; <c>/destinations/new</c> adds one.
/// </summary>
internal sealed class DestinationsPage(DestinationViews views, AddDestination add, TestDestination trying)
{
    public const string Path = "/destinations",
        NewPath = Path + "/new",
        CsvPath = Path + ".csv";

    public async Task<IResult> Show(HttpContext http, CancellationToken cancel) =>
        new PageResult(
            new PageFrame(http.Strings()["nav.destinations"]) { Section = Path },
            DestinationsSlice.Create(new DestinationsModel(await views.All(cancel)))
        );

    /// <summary>The list as a file, without what is set: values may tell as much as secrets.</summary>
    public async Task<IResult> Export(CancellationToken cancel) =>
        Csv.Of(
            "destinations.csv",
            ["id", "name", "system", "paused", "failing_since", "open_tickets", "created_at"],
            (await views.All(cancel)).Select(destination =>
                (IReadOnlyList<string?>)
                    [
                        destination.Id.ToString(CultureInfo.InvariantCulture),
                        destination.Name,
                        destination.System,
                        destination.Paused ? "true" : "false",
                        destination.FailingSince,
                        destination
                            .Links.Where(l => l.Key != "closed")
                            .Sum(l => l.Value)
                            .ToString(CultureInfo.InvariantCulture),
                        destination.CreatedAt,
                    ]
            )
        );

    /// <summary>First the system is chosen; with a known one its variables are the form.</summary>
    public static IResult New(string? known, HttpContext http) =>
        known is not null
        && ShippedManifests.Find(known) is { } text
        && ManifestReader.Read(text).Manifest is { } manifest
            ? Form(http, manifest, known, "", "", new ValuesForm(manifest, new Dictionary<string, string>()), null)
            : Choose(http, "", null);

    /// <summary>
    /// Adds it. A manifest that was just pasted becomes a form, and what may be chosen is looked up when asked for:
    /// neither changes anything, so both are answered with the form.
    /// </summary>
    public async Task<IResult> Add(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var (known, pasted, name) = (
            form["known"].ToString(),
            form["manifest"].ToString().Trim(),
            form["name"].ToString()
        );
        var text = pasted.Length > 0 ? pasted : ShippedManifests.Find(known);
        var (manifest, findings) = ManifestReader.Read(text ?? "");
        if (manifest is null)
        {
            var problems = findings.Where(f => f.IsFatal).Take(3).Select(f => $"{f.Place}: {f.Problem} {f.Fix}");
            return Choose(http, pasted, new Refused("manifest", string.Join(" ", problems)));
        }
        var typed = new ValuesForm(manifest, form);
        switch (form["do"].ToString())
        {
            case "load":
                var (options, problem) = await trying.OptionsFor(manifest, typed.Settings, typed.Secrets, cancel);
                return Form(
                    http,
                    manifest,
                    known,
                    pasted,
                    name,
                    typed with
                    {
                        Options = options,
                    },
                    problem is null ? null : new Refused(null, problem)
                );
            case "add":
                var outcome = await add.Run(name, text!, typed.Settings, typed.Secrets, caller.Viewer.Origin, cancel);
                return outcome switch
                {
                    AccessOutcome<NewDestination>.Done(var made) => AdminParts.Done(
                        http,
                        DestinationPage.AddressOf(made.Name),
                        "destinationAdded"
                    ),
                    AccessOutcome<NewDestination>.Exists => Form(
                        http,
                        manifest,
                        known,
                        pasted,
                        name,
                        typed,
                        new Refused("name", http.Strings()["destination.name.taken"])
                    ),
                    AccessOutcome<NewDestination>.Invalid(var field, var why) => Form(
                        http,
                        manifest,
                        known,
                        pasted,
                        name,
                        typed,
                        typed.Refusal(field, why)
                    ),
                    _ => NotFoundPage.Page(http),
                };
            default:
                return Form(http, manifest, known, pasted, name, typed, null);
        }
    }

    private static PageResult Choose(HttpContext http, string manifest, Refused? refused)
    {
        var strings = http.Strings();
        var known = ShippedManifests.Names.Select(key => (key, strings.Find("destination.known." + key) ?? key));
        return Page(
            http,
            ChooseSystemSlice.Create(new ChooseSystemModel([.. known], manifest) { Refused = refused }),
            refused
        );
    }

    private static PageResult Form(
        HttpContext http,
        ApprovalManifest manifest,
        string known,
        string text,
        string name,
        ValuesForm values,
        Refused? refused
    ) =>
        Page(
            http,
            NewDestinationSlice.Create(
                new NewDestinationModel(manifest.Name, known, text, name, values.Model(http.Strings(), refused, []))
                {
                    Refused = refused,
                }
            ),
            refused
        );

    private static PageResult Page(HttpContext http, RazorSlices.RazorSlice slice, Refused? refused) =>
        new(
            new PageFrame(http.Strings()["destinations.add"])
            {
                Section = Path,
                Breadcrumbs = [(Path, http.Strings()["nav.destinations"])],
            },
            slice
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
}
