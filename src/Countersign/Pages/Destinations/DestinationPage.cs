using System.Globalization;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Destinations;

/// <summary>
/// <c>/destinations/{name}</c>: one system that decides: whether it answers, what would be sent, what was handed over
/// and what waits for an admin.
/// </summary>
internal sealed class DestinationPage(
    DestinationViews views,
    AddDestination add,
    TestDestination trying,
    ResolveLink resolve
)
{
    public static string AddressOf(string name) => $"{DestinationsPage.Path}/{Uri.EscapeDataString(name)}";

    public Task<IResult> Show(string name, HttpContext http, CurrentCaller caller, CancellationToken cancel) =>
        Page(name, http, caller, null, null, cancel);

    public async Task<IResult> Do(string name, HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (await views.ManifestOf(name, cancel) is not { } manifest)
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        var origin = caller.Viewer.Origin;
        Resolution? resolution = null;
        switch (form["do"].ToString())
        {
            case "test":
                return await Page(
                    name,
                    http,
                    caller,
                    (await trying.Connect(name, cancel) as AccessOutcome<DestinationTest>.Done)?.Value,
                    null,
                    cancel
                );
            case "rehearse":
                return await Page(
                    name,
                    http,
                    caller,
                    (await trying.Rehearse(name, null, cancel) as AccessOutcome<DestinationTest>.Done)?.Value,
                    null,
                    cancel
                );
            case "pause" or "resume":
                await add.Pause(name, form["do"] == "pause", origin, cancel);
                break;
            case "values":
                var asked = new ValuesForm(manifest, form);
                if (
                    await add.Change(name, asked.Settings, asked.Secrets, origin, cancel)
                    is AccessOutcome<long>.Invalid(var field, var why)
                )
                {
                    return await Page(name, http, caller, null, (field, why), cancel, asked);
                }
                break;
            case "load":
                var typed = new ValuesForm(manifest, form);
                var (options, unknown) = await trying.OptionsAt(name, typed.Settings, typed.Secrets, cancel);
                return await Page(
                    name,
                    http,
                    caller,
                    null,
                    unknown is null ? null : (null, unknown),
                    cancel,
                    typed with
                    {
                        Options = options,
                    }
                );
            case "retry":
                resolution = new Resolution.Retry();
                break;
            case "send_again":
                resolution = new Resolution.SendAgain();
                break;
            case "exists":
                resolution = new Resolution.Exists(form["external"].ToString());
                break;
            case "give_up":
                resolution = new Resolution.GiveUp();
                break;
        }
        if (
            resolution is not null
            && long.TryParse(form["link"], NumberStyles.None, CultureInfo.InvariantCulture, out var link)
            && await resolve.Run(link, resolution, origin, cancel) is ResolveLinkOutcome.NotPossible(var not)
        )
        {
            return await Page(name, http, caller, null, (null, not), cancel);
        }
        return Results.Redirect($"{http.Request.PathBase}{AddressOf(name)}");
    }

    public static void Health(Html html, DestinationView destination)
    {
        if (destination.Paused)
            html.Badge(Tone.Careful, html.Says.Paused);
        else if (destination.FailingSince is { } since)
            html.Badge(Tone.Bad, html.Says.DoesNotAnswer).Add($" {html.Says.FirstNoticed} ").Ago(Instant.Parse(since));
        else
            html.Badge(Tone.Good, html.Says.AllWell);
    }

    private async Task<IResult> Page(
        string name,
        HttpContext http,
        CurrentCaller caller,
        DestinationTest? trial,
        (string? Field, string Why)? problem,
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
        var links = await views.Links(name, null, null, cancel) ?? [];
        return new PageResponse(
            destination.Name,
            html =>
            {
                var says = html.Says;
                if (problem is { Field: null })
                    html.Notice(Tone.Bad, problem.Value.Why);
                html.Add($"<p class=\"lede\">{destination.System} ");
                Health(html, destination);
                html.Add($"</p>");
                html.Form(
                    AddressOf(destination.Name),
                    f =>
                    {
                        f.Add($"<div class=\"buttons\">")
                            .Button(says.TryIt, "main", "do", "test")
                            .Button(says.Rehearse, null, "do", "rehearse");
                        f.Button(
                                destination.Paused ? says.Resume : says.Pause,
                                "quiet",
                                "do",
                                destination.Paused ? "resume" : "pause"
                            )
                            .Add($"</div><p class=\"soft small\">{says.RehearseHint}</p>");
                    }
                );
                if (trial is not null)
                    Trial(html, trial);
                html.Add($"<section><h2>{says.HandedOver}</h2>");
                if (links.Count == 0)
                {
                    html.Nothing(says.NothingHandedOver, says.NothingHandedOverHint);
                }
                else
                {
                    html.Table(
                        says.HandedOver,
                        [says.RequestHead, says.Health, says.TheirId, says.AsLastSeen, says.SeenHead, says.WhatNext],
                        links,
                        (h, l) => Row(h, destination, l)
                    );
                }
                html.Add($"</section><section class=\"sheet\"><h2>{says.Values}</h2>");
                html.Form(
                    AddressOf(destination.Name),
                    f =>
                    {
                        var values = typed ?? new ValuesForm(manifest, destination.Settings);
                        values.Write(f, problem, [.. destination.Secrets]);
                        values.Buttons(f, says.SaveValues, "values");
                    }
                );
                html.Add($"</section>");
            }
        )
        {
            Section = DestinationsPage.Path,
            Status = problem is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
        };
    }

    private static void Trial(Html html, DestinationTest trial)
    {
        html.Notice(trial.Ok ? Tone.Good : Tone.Bad, trial.Summary);
        foreach (var exchange in trial.Exchanges)
        {
            html.Add(
                $"<details class=\"sheet\"><summary><code>{exchange.Call}</code></summary><pre>{Text(exchange)}</pre></details>"
            );
        }
    }

    private static void Row(Html html, DestinationView destination, LinkView link)
    {
        var says = html.Says;
        html.Add($"<td><a href=\"{html.Base}/requests/{link.Request}\">{link.Subject}</a></td><td>");
        html.Badge(
            link.State == "held" ? Tone.Bad
                : link.Problem is null ? Tone.Plain
                : Tone.Careful,
            says.LinkStateOf(link.State)
        );
        if (link.Problem is { } problem)
            html.Add($"<p class=\"small\">{problem}</p>");
        html.Add($"</td><td>");
        if (link.Url is { } url)
            html.LinkOut(url, link.ExternalId ?? url);
        else
            html.Text(link.ExternalId ?? "");
        html.Add($"</td><td>{link.Display}</td><td>");
        if (link.SeenAt is { } seen)
            html.Ago(Instant.Parse(seen));
        html.Add($"</td><td>");
        if (link.State == "held")
            html.Add($"<p class=\"small\">{says.HeldWhy}</p>");
        if (link.State != "closed")
            html.Form(AddressOf(destination.Name), f => Choices(f, link));
        if (link.LastExchange is { } exchange)
            html.Add($"<details><summary>{says.LastExchange}</summary><pre>{Text(exchange)}</pre></details>");
        html.Add($"</td>");
    }

    private static void Choices(Html form, LinkView link)
    {
        var says = form.Says;
        form.Hidden("link", link.Id.ToString(CultureInfo.InvariantCulture));
        if (link.State is "held" or "unsure")
        {
            form.Field(new Field("external", says.ItExists) { Id = $"external-{link.Id}" });
            form.Add($"<div class=\"buttons\">")
                .Button(says.ItExists, null, "do", "exists")
                .Button(says.ItIsNotThere, null, "do", "send_again");
        }
        else
        {
            form.Add($"<div class=\"buttons\">").Button(says.Retry, null, "do", "retry");
        }
        form.Button(says.GiveUp, "quiet", "do", "give_up").Add($"</div>");
    }

    private static string Text(RedactedExchange exchange) =>
        string.Join(
            '\n',
            new[]
            {
                exchange.At,
                exchange.Refused,
                exchange.Method is { } method ? $"{method} {exchange.Url}" : null,
                exchange.Headers is { } headers ? string.Join('\n', headers) : null,
                exchange.Body,
                exchange.Status is { } status
                    ? $"→ {status.ToString(CultureInfo.InvariantCulture)}\n{exchange.Answer}"
                    : null,
                exchange.Failure is { } failure ? $"→ {failure}" : null,
            }.Where(line => !string.IsNullOrEmpty(line))
        );
}
