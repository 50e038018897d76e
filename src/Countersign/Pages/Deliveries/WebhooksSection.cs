using System.Globalization;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.Pages.Layout;
using Countersign.Pages.SignIn;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Deliveries;

/// <summary>What somebody typed to add a webhook.</summary>
internal sealed record TypedWebhook(string Url, string Events, string Sources);

/// <summary>
/// The part of <c>/deliveries</c> where admins look after webhooks: add, test, rotate, switch off and on, send failed
/// ones again.
/// </summary>
internal static class WebhooksSection
{
    public const string Path = DeliveriesPage.Path + "/webhooks";

    private const string Url = "url",
        Events = "events",
        Sources = "sources",
        Do = "do";

    public static void Write(Html html, IReadOnlyList<Webhook> webhooks, PeopleSnapshot directory, TypedWebhook? typed)
    {
        html.Add($"<section id=\"webhooks\"><h2>{html.Says.Webhooks}</h2>");
        if (webhooks.Count == 0)
            html.Nothing(html.Says.NoWebhooks, html.Says.NoWebhooksYet);
        foreach (var webhook in webhooks)
            One(html, webhook, directory);
        html.Form(
            Path,
            form =>
            {
                form.Add($"<h3>{form.Says.AddWebhook}</h3>");
                form.Field(
                    new Field(Url, form.Says.WebhookAddress)
                    {
                        Type = "url",
                        Value = typed?.Url ?? "",
                        Required = true,
                        Longest = 2_000,
                    }
                );
                form.Field(
                    new Field(Events, form.Says.WebhookEvents)
                    {
                        Value = typed?.Events ?? "",
                        Hint = form.Says.WebhookEventsHint,
                        Longest = 1_000,
                    }
                );
                form.Field(
                    new Field(Sources, form.Says.WebhookSources)
                    {
                        Value = typed?.Sources ?? "",
                        Hint = form.Says.WebhookSourcesHint,
                        Longest = 1_000,
                    }
                );
                form.Button(form.Says.AddWebhook, "main");
            },
            css: "sheet"
        );
        html.Add($"</section>");
    }

    public static async Task<IResult> Add(
        HttpContext http,
        CurrentCaller caller,
        Subscriptions webhooks,
        Outcomes.Deliveries deliveries,
        OutcomeOptions options,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return NotFoundPage.Page(http);
        var typed = new TypedWebhook(form[Url].ToString(), form[Events].ToString(), form[Sources].ToString());
        return await webhooks.Add(
            typed.Url,
            Listed(typed.Events),
            Listed(typed.Sources),
            caller.Viewer.Origin,
            caller.Person.Id,
            cancel
        ) switch
        {
            AccessOutcome<NewWebhook>.Done { Value: var made } => await Back(
                http,
                deliveries,
                webhooks,
                options,
                html => Secret(html, made),
                cancel
            ),
            AccessOutcome<NewWebhook>.Invalid { Why: var why } => await Back(
                http,
                deliveries,
                webhooks,
                options,
                html => html.Notice(Tone.Bad, why),
                cancel,
                typed
            ),
            AccessOutcome<NewWebhook>.NotFound { What: var what } => await Back(
                http,
                deliveries,
                webhooks,
                options,
                html => html.Notice(Tone.Bad, html.Says.IsNotHere(what)),
                cancel,
                typed
            ),
            _ => NotFoundPage.Page(http),
        };
    }

    private static string[] Listed(string text) =>
        text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public static async Task<IResult> Change(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Subscriptions webhooks,
        TestWebhook test,
        Outcomes.Deliveries deliveries,
        OutcomeOptions options,
        CancellationToken cancel
    )
    {
        if (await webhooks.Find(id, cancel) is null || await PostedForm.Read(http, cancel) is not { } form)
            return NotFoundPage.Page(http);
        var origin = caller.Viewer.Origin;
        Action<Html>? said = null;
        switch (form[Do].ToString())
        {
            case "test"
                when await test.Run(id, origin, cancel) is AccessOutcome<WebhookTest>.Done { Value: var result }:
                said = html =>
                    html.Notice(
                        result.Ok ? Tone.Good : Tone.Bad,
                        h =>
                            h.Add(
                                $"<p>{h.Says.WebhookTested(result.Ok, result.Status)} {result.Failure} {result.Advice}</p><p><a href=\"{h.Base}{DeliveriesPage.Path}/{result.Delivery}\">{h.Says.Answered}</a></p>"
                            )
                    );
                break;
            case "rotate"
                when await webhooks.Rotate(id, origin, cancel) is AccessOutcome<NewWebhook>.Done { Value: var made }:
                said = html => Secret(html, made);
                break;
            case "end-old":
                await webhooks.EndOldSecret(id, origin, cancel);
                break;
            case "disable":
                await webhooks.Disable(id, origin, cancel);
                break;
            case "enable":
                await webhooks.Enable(id, origin, cancel);
                break;
            case "replay":
                var count = await deliveries.ReplayFailed(Webhook.NameOf(id), DateTimeOffset.MinValue, cancel);
                said = html => html.Notice(Tone.Good, html.Says.IsOnItsWay(count));
                break;
        }
        return said is null
            ? TypedResults.LocalRedirect($"{http.Request.PathBase}{DeliveriesPage.Path}")
            : await Back(http, deliveries, webhooks, options, said, cancel);
    }

    private static Task<IResult> Back(
        HttpContext http,
        Outcomes.Deliveries deliveries,
        Subscriptions webhooks,
        OutcomeOptions options,
        Action<Html>? said,
        CancellationToken cancel,
        TypedWebhook? refused = null
    ) => DeliveriesPage.Page(http, null, null, null, deliveries, webhooks, options, said, cancel, refused);

    private static void Secret(Html html, NewWebhook made) =>
        html.Notice(
            Tone.Good,
            h =>
                h.Add(
                    $"<p>{made.Url}</p><p>{h.Says.WebhookSecretOnce}</p><p class=\"once\"><code>{made.Secret}</code></p>"
                )
        );

    private static void One(Html html, Webhook webhook, PeopleSnapshot directory)
    {
        html.Add(
            $"<div class=\"sheet\"><h3>{webhook.ShownUrl}</h3><p>{(webhook.KindList.Count == 0 ? html.Says.AllEvents : string.Join(", ", webhook.KindList))}"
        );
        if (webhook.SourceList.Count > 0)
            html.Add($" {html.Says.OfSources(string.Join(", ", webhook.SourceNames(directory)))}");
        html.Add($" ");
        if (webhook.IsDisabled)
        {
            html.Badge(Tone.Bad, html.Says.IsOff);
            html.Add($" {webhook.DisabledWhy}");
        }
        var path = $"{Path}/{webhook.Id.ToString(CultureInfo.InvariantCulture)}";
        html.Add(
            $"</p><p><a href=\"{html.Base}{DeliveriesPage.Path}?endpoint={webhook.Name}\">{html.Says.Deliveries}</a></p>"
        );
        html.Form(
            path,
            form =>
            {
                if (webhook.IsDisabled)
                {
                    form.Button(form.Says.SwitchOn, null, Do, "enable");
                }
                else
                {
                    form.Button(form.Says.Test, null, Do, "test");
                    form.Button(form.Says.Rotate, null, Do, "rotate");
                    form.Button(form.Says.EndOld, null, Do, "end-old");
                    form.Button(form.Says.SwitchOff, "no", Do, "disable");
                }
            },
            css: "buttons"
        );
        html.Confirm(
            html.Says.SendFailedAgain,
            html.Says.SendFailedAgainAsk,
            path,
            html.Says.SendFailedAgain,
            h => h.Hidden(Do, "replay")
        );
        html.Add($"</div>");
    }
}
