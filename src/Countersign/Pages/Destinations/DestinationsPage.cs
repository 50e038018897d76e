using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Destinations;

/// <summary><c>/destinations</c>: which systems decide, how they are doing, and how one is added.</summary>
internal sealed class DestinationsPage(DestinationViews views, AddDestination add, TestDestination trying)
{
    public const string Path = "/destinations";

    public async Task<IResult> Show(HttpContext http, CancellationToken cancel) =>
        List(http, await views.All(cancel), null);

    /// <summary>
    /// The manifest is chosen: its variables become a form. Its values are looked up when asked for, and kept when all
    /// is said.
    /// </summary>
    public async Task<IResult> Add(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var pasted = form["manifest"].ToString().Trim();
        var text = pasted.Length > 0 ? pasted : ShippedManifests.Find(form["known"].ToString());
        var (manifest, findings) = ManifestReader.Read(text ?? "");
        if (manifest is null)
        {
            return List(
                http,
                await views.All(cancel),
                string.Join(" ", findings.Where(f => f.IsFatal).Take(3).Select(f => $"{f.Place}: {f.Problem} {f.Fix}")),
                pasted
            );
        }
        var asked = new ValuesForm(manifest, form);
        switch (form["do"].ToString())
        {
            case "load":
                var (options, problem) = await trying.OptionsFor(manifest, asked.Settings, asked.Secrets, cancel);
                return Form(
                    http,
                    manifest,
                    form,
                    asked with
                    {
                        Options = options,
                    },
                    problem is null ? null : (null, problem)
                );
            case "add":
                var outcome = await add.Run(
                    form["name"].ToString(),
                    text!,
                    asked.Settings,
                    asked.Secrets,
                    caller.Viewer.Origin,
                    cancel
                );
                return outcome switch
                {
                    AccessOutcome<NewDestination>.Done(var made) => Results.Redirect(
                        $"{http.Request.PathBase}{DestinationPage.AddressOf(made.Name)}"
                    ),
                    AccessOutcome<NewDestination>.Exists(var what) => Form(
                        http,
                        manifest,
                        form,
                        asked,
                        ("name", Texts.For(http).AlreadyThere(what))
                    ),
                    AccessOutcome<NewDestination>.Invalid(var field, var why) => Form(
                        http,
                        manifest,
                        form,
                        asked,
                        (field, why)
                    ),
                    _ => NotFoundPage.Page(http),
                };
            default:
                return Form(http, manifest, form, asked, null);
        }
    }

    private static PageResponse List(
        HttpContext http,
        IReadOnlyList<DestinationView> destinations,
        string? problem,
        string manifest = ""
    ) =>
        new(
            Texts.For(http).Destinations,
            html =>
            {
                var says = html.Says;
                if (problem is not null)
                    html.Notice(Tone.Bad, problem);
                html.Add($"<p class=\"lede\">{says.DestinationsLede}</p>");
                if (destinations.Count == 0)
                {
                    html.Nothing(says.NoDestinations, says.NoDestinationsHint);
                }
                else
                {
                    html.Table(
                        says.Destinations,
                        [says.DestinationName, says.System, says.OpenQuestions, says.WaitForYou, says.Health],
                        destinations,
                        Row
                    );
                }
                html.Add($"<section class=\"sheet\"><h2>{says.AddDestination}</h2>");
                html.Form(
                    $"{Path}/new",
                    f =>
                    {
                        f.Select(
                            "known",
                            says.KnownSystem,
                            ShippedManifests.Names.Select(n => (n, n)),
                            "servicenow-normal"
                        );
                        f.Field(
                            new Field("manifest", says.ManifestOfYourOwn)
                            {
                                Lines = 4,
                                IsCode = true,
                                Hint = says.ManifestHint,
                                Value = manifest,
                            }
                        );
                        f.Button(says.GoOn, "main");
                    }
                );
                html.Add($"</section>");
            }
        )
        {
            Section = Path,
            Status = problem is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
        };

    private static void Row(Html html, DestinationView destination)
    {
        html.Add(
            $"<td><a href=\"{html.Base}{DestinationPage.AddressOf(destination.Name)}\">{destination.Name}</a></td><td>{destination.System}</td>"
        );
        html.Add(
            $"<td>{destination.Links.Where(l => l.Key != "held").Sum(l => l.Value)}</td><td>{destination.Links.GetValueOrDefault("held")}</td><td>"
        );
        DestinationPage.Health(html, destination);
        html.Add($"</td>");
    }

    private static PageResponse Form(
        HttpContext http,
        ApprovalManifest manifest,
        IFormCollection form,
        ValuesForm asked,
        (string? Field, string Why)? problem
    ) =>
        new(
            Texts.For(http).AddDestination,
            html =>
            {
                var says = html.Says;
                if (problem is { Field: null } or { Field: "manifest" })
                    html.Notice(Tone.Bad, problem.Value.Why);
                html.Add($"<p class=\"lede\">{manifest.Name}</p>");
                html.Form(
                    $"{Path}/new",
                    f =>
                    {
                        f.Hidden("known", form["known"].ToString()).Hidden("manifest", form["manifest"].ToString());
                        f.Field(
                            new Field("name", says.DestinationName)
                            {
                                Required = true,
                                Longest = 100,
                                Hint = says.DestinationNameHint,
                                Value = form["name"].ToString(),
                                Error = problem is { Field: "name" } ? problem.Value.Why : null,
                            }
                        );
                        asked.Write(f, problem, []);
                        asked.Buttons(f, says.AddIt, "add");
                    },
                    css: "sheet"
                );
            }
        )
        {
            Section = Path,
            Status = problem is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
        };
}
