using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Deliveries;

/// <summary>
/// <c>/deliveries</c>: what left the hub and how it was received, and the webhooks that hear of it. For admins.
/// </summary>
internal static class DeliveriesPage
{
    public const string Path = "/deliveries";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static async Task<IResult> Show(
        HttpContext http,
        CurrentCaller caller,
        string? state,
        string? endpoint,
        long? before,
        Outcomes.Deliveries deliveries,
        Subscriptions webhooks,
        OutcomeOptions options,
        CancellationToken cancel
    ) => await Page(http, state, endpoint, before, deliveries, webhooks, options, null, cancel);

    /// <param name="first">What just happened, said before everything else.</param>
    /// <param name="refused">A webhook that could not be added, to be corrected.</param>
    public static async Task<IResult> Page(
        HttpContext http,
        string? state,
        string? endpoint,
        long? before,
        Outcomes.Deliveries deliveries,
        Subscriptions webhooks,
        OutcomeOptions options,
        Action<Html>? first,
        CancellationToken cancel,
        TypedWebhook? refused = null
    )
    {
        state = state is not null && Outcomes.Deliveries.States.Contains(state) ? state : null;
        endpoint = endpoint is { Length: > 0 } ? endpoint : null;
        var page = await deliveries.List(state, endpoint, before, cancel);
        var hooks = await webhooks.List(cancel);
        var directory = http.RequestServices.GetRequiredService<PeopleDirectory>().Current;
        return new PageResponse(
            Texts.For(http).Deliveries,
            html =>
            {
                first?.Invoke(html);
                if (options.PublicUrl is null)
                    html.Notice(Tone.Careful, html.Says.SendingIsOff);
                html.Add(
                    $"<p class=\"lede\">{html.Says.DeliveriesLede} <a href=\"#webhooks\">{html.Says.Webhooks}</a></p>"
                );
                Filter(html, state, endpoint);
                List(html, page, state, endpoint, receiver => NameOf(receiver, directory, hooks));
                WebhooksSection.Write(html, hooks, directory, refused);
            }
        )
        {
            Section = Path,
        };
    }

    public static async Task<IResult> One(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Outcomes.Deliveries deliveries,
        Subscriptions webhooks,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (await deliveries.Find(id, cancel) is not { } found)
            return NotFoundPage.Page(http);
        var delivery = found.Delivery;
        var receiver = NameOf(delivery.Receiver, directory.Current, await webhooks.List(cancel));
        return new PageResponse(
            $"{Texts.For(http).Deliveries}: {delivery.Kind}",
            html =>
            {
                html.Add($"<section class=\"sheet\">");
                html.Facts([
                    (html.Says.How, h => State(h, delivery)),
                    (html.Says.ToWhom, h => h.Add($"{receiver}")),
                    (html.Says.Through, h => h.Add($"{delivery.Channel}")),
                    (html.Says.WhatHappened, h => What(h, delivery)),
                    (html.Says.WhenMade, h => h.Time(Instant.Parse(delivery.CreatedAt))),
                ]);
                if (delivery.State is "failed" or "delivered")
                    html.Form($"{Path}/{delivery.Id}/replay", f => f.Button(f.Says.SendOnceMore));
                html.Add($"</section><section class=\"sheet\"><h2>{html.Says.WhatWasSent}</h2>");
                if (found.Sent is { } sent)
                    html.Add($"<pre>{Shortened(Laid(sent))}</pre>");
                else
                    html.Add($"<p class=\"soft\">{html.Says.NothingSentYet}</p>");
                html.Add($"</section><section class=\"sheet\"><h2>{html.Says.Attempts}</h2>");
                foreach (var attempt in found.Attempts)
                {
                    html.Add($"<h3>{attempt.N}. ");
                    html.Time(Instant.Parse(attempt.At));
                    html.Add($" · {html.Says.AttemptTook(attempt.Took)} · ");
                    html.Badge(
                        attempt.Failure is null ? Tone.Good : Tone.Bad,
                        $"{attempt.Failure ?? html.Says.DeliveryState(delivery.State == "dropped" ? "dropped" : "delivered")}{(attempt.Status is { } status ? $" {status.ToString(CultureInfo.InvariantCulture)}" : "")}"
                    );
                    html.Add($"</h3>");
                    if (attempt.Call is { } call)
                        html.Add($"<p class=\"soft\">{html.Says.TheCall}</p><pre>{call}</pre>");
                    if (attempt.Answer.Length > 0)
                        html.Add($"<p class=\"soft\">{html.Says.Answered}</p><pre>{attempt.Answer}</pre>");
                }
                html.Add($"</section><p><a href=\"{html.Base}{Path}\">{html.Says.Deliveries}</a></p>");
            }
        )
        {
            Section = Path,
        };
    }

    public static async Task<IResult> Replay(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Outcomes.Deliveries deliveries,
        CancellationToken cancel
    )
    {
        await deliveries.Replay(id, cancel);
        return TypedResults.LocalRedirect($"{http.Request.PathBase}{Path}/{id.ToString(CultureInfo.InvariantCulture)}");
    }

    private static void Filter(Html html, string? state, string? endpoint)
    {
        html.Add($"<form method=\"get\" action=\"{html.Base}{Path}\" class=\"buttons\">");
        html.Select(
            "state",
            html.Says.ShowOnly,
            [("", html.Says.AllOfThem), .. Outcomes.Deliveries.States.Select(s => (s, html.Says.DeliveryState(s)))],
            state ?? ""
        );
        if (endpoint is not null)
            html.Hidden("endpoint", endpoint);
        html.Button(html.Says.ShowOnly);
        html.Add($"</form>");
    }

    private static void List(Html html, DeliveryPage page, string? state, string? endpoint, Func<string, string> nameOf)
    {
        if (page.Deliveries.Count == 0)
        {
            html.Nothing(html.Says.NoDeliveries, html.Says.NoDeliveriesYet);
        }
        else
        {
            html.Table(
                html.Says.Deliveries,
                [html.Says.WhenMade, html.Says.WhatHappened, html.Says.ToWhom, html.Says.Through, html.Says.How],
                page.Deliveries,
                (h, d) =>
                {
                    h.Add($"<td>");
                    h.Ago(Instant.Parse(d.CreatedAt));
                    h.Add($"</td><td><a href=\"{h.Base}{Path}/{d.Id}\">{d.Kind}</a>");
                    if (d.About is { } about)
                        h.Add($"<br><span class=\"soft\">{about}</span>");
                    h.Add($"</td><td>{nameOf(d.Receiver)}</td><td>{d.Channel}</td><td>");
                    State(h, d);
                    h.Add($"</td>");
                }
            );
        }
        string Address(long next) =>
            $"{html.Base}{Path}?before={next.ToString(CultureInfo.InvariantCulture)}&state={Uri.EscapeDataString(state ?? "")}&endpoint={Uri.EscapeDataString(endpoint ?? "")}";
        html.Pager(null, page.Next is { } older ? Address(older) : null);
    }

    private static void State(Html html, DeliveryRow delivery)
    {
        var tone = delivery.State switch
        {
            "delivered" => Tone.Good,
            "failed" => Tone.Bad,
            _ => delivery.LastFailure is null ? Tone.Plain : Tone.Careful,
        };
        html.Badge(tone, html.Says.DeliveryState(delivery.State));
        if (delivery.LastFailure is { } word && delivery.State != "delivered")
            html.Add($" {word}");
    }

    private static void What(Html html, DeliveryRow delivery)
    {
        html.Add($"{delivery.Kind}");
        if (delivery.About is { } about)
            html.Add($"<br><a href=\"{html.Base}/requests/{delivery.Subject["request:".Length..]}\">{about}</a>");
    }

    /// <summary>
    /// A person's name, a webhook's address, a chat's channel: what follows the colon of a receiver, as people know it.
    /// </summary>
    private static string NameOf(string receiver, PeopleSnapshot directory, IReadOnlyList<Webhook> webhooks)
    {
        var name = receiver[(receiver.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return webhooks.FirstOrDefault(w => w.Name == receiver) is { } webhook ? webhook.ShownUrl
            : receiver.StartsWith("person:", StringComparison.Ordinal)
            && directory.People.TryGetValue(long.Parse(name, CultureInfo.InvariantCulture), out var person)
                ? person.DisplayName
            : name;
    }

    /// <summary>JSON with a line for each member; everything else as it is.</summary>
    private static string Laid(string sent)
    {
        try
        {
            return sent.StartsWith('{') ? JsonSerializer.Serialize(JsonElement.Parse(sent), Indented) : sent;
        }
        catch (JsonException)
        {
            return sent;
        }
    }

    private static string Shortened(string text) => text.Length <= 10_000 ? text : text[..10_000] + "…";
}
