using System.Globalization;
using System.Text.Json;
using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.Pages.SignIn;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Deliveries;

/// <summary><c>/webhooks</c>: receivers of events. Admins add, test, rotate, disable and delete them.</summary>
internal static class WebhooksPage
{
    public const string Path = "/webhooks",
        NewPath = Path + "/new",
        CsvPath = Path + ".csv";

    private const string Url = "url",
        Events = "events",
        Sources = "sources",
        Do = "do";

    public static string AddressOf(long id) => $"{Path}/{id.ToString(CultureInfo.InvariantCulture)}";

    public static async Task<IResult> Show(
        HttpContext http,
        Subscriptions webhooks,
        PeopleDirectory directory,
        OutcomeOptions options,
        CancellationToken cancel
    ) =>
        new PageResult(
            new PageFrame(http.Strings()["nav.webhooks"]) { Section = Path },
            WebhooksSlice.Create(
                new WebhooksModel(
                    await webhooks.List(cancel),
                    await directory.Refresh(cancel),
                    options.PublicUrl is null
                )
            )
        );

    /// <summary>The list as a file, without secrets, also those that stand in addresses.</summary>
    public static async Task<IResult> Export(
        Subscriptions webhooks,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var people = await directory.Refresh(cancel);
        return Csv.Of(
            "webhooks.csv",
            ["id", "url", "events", "sources", "owner", "created_at", "disabled_at", "disabled_because"],
            (await webhooks.List(cancel)).Select(webhook =>
                (IReadOnlyList<string?>)
                    [
                        webhook.Id.ToString(CultureInfo.InvariantCulture),
                        webhook.ShownUrl,
                        string.Join("; ", webhook.KindList),
                        string.Join("; ", webhook.SourceNames(people)),
                        webhook.OwnerId is { } owner ? people.People.GetValueOrDefault(owner)?.Email : null,
                        webhook.CreatedAt,
                        webhook.DisabledAt,
                        webhook.DisabledWhy,
                    ]
            )
        );
    }

    public static IResult New(HttpContext http) => Form(http, new NewWebhookModel("", "", ""));

    public static async Task<IResult> Add(
        HttpContext http,
        CurrentCaller caller,
        Subscriptions webhooks,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is not { } form)
            return NotFoundPage.Page(http);
        var typed = new NewWebhookModel(form[Url].ToString(), form[Events].ToString(), form[Sources].ToString());
        var outcome = await webhooks.Add(
            typed.Url,
            Listed(typed.Events),
            Listed(typed.Sources),
            caller.Viewer.Origin,
            caller.Person.Id,
            cancel
        );
        switch (outcome)
        {
            case AccessOutcome<NewWebhook>.Done { Value: var made }:
                Leave(http, made.Id, new WebhookNews(Secret: made.Secret));
                return AdminParts.Done(http, AddressOf(made.Id), "webhookAdded");
            case AccessOutcome<NewWebhook>.NotFound { What: var what }:
                return Form(
                    http,
                    typed with
                    {
                        Refused = new Refused(Sources, http.Strings()["refused.notFound", what]),
                    }
                );
            default:
                return Form(http, typed with { Refused = Refused.From(http.Strings(), outcome) });
        }
    }

    public static async Task<IResult> One(
        long id,
        HttpContext http,
        Subscriptions webhooks,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (await webhooks.Find(id, cancel) is not { } webhook)
            return NotFoundPage.Page(http);
        var news = ShownOnce.Take(http, AddressOf(id));
        return new PageResult(
            new PageFrame(webhook.ShownUrl) { Section = Path, Breadcrumbs = [(Path, http.Strings()["nav.webhooks"])] },
            WebhookSlice.Create(
                new WebhookModel(webhook, await directory.Refresh(cancel), await webhooks.HasOldSecret(id, cancel))
                {
                    News = news is null ? null : JsonSerializer.Deserialize<WebhookNews>(news),
                }
            )
        );
    }

    public static async Task<IResult> Change(
        long id,
        HttpContext http,
        CurrentCaller caller,
        Subscriptions webhooks,
        TestWebhook test,
        Outcomes.Deliveries deliveries,
        CancellationToken cancel
    )
    {
        if (await webhooks.Find(id, cancel) is null || await PostedForm.Read(http, cancel) is not { } form)
            return NotFoundPage.Page(http);
        var origin = caller.Viewer.Origin;
        switch (form[Do].ToString())
        {
            case "test"
                when await test.Run(id, origin, cancel) is AccessOutcome<WebhookTest>.Done { Value: var result }:
                Leave(http, id, new WebhookNews(Test: result));
                return Back(http, id, null);
            case "rotate"
                when await webhooks.Rotate(id, origin, cancel) is AccessOutcome<NewWebhook>.Done { Value: var made }:
                Leave(http, id, new WebhookNews(Secret: made.Secret));
                return Back(http, id, "secretRotated");
            case "end-old":
                await webhooks.EndOldSecret(id, origin, cancel);
                return Back(http, id, "oldSecretRevoked");
            case "disable":
                await webhooks.Disable(id, origin, cancel);
                return Back(http, id, "webhookDisabled");
            case "enable":
                await webhooks.Enable(id, origin, cancel);
                return Back(http, id, "webhookEnabled");
            case "replay":
                var count = await deliveries.ReplayFailed(Webhook.NameOf(id), DateTimeOffset.MinValue, cancel);
                Leave(http, id, new WebhookNews(Replayed: count));
                return Back(http, id, null);
            case "delete":
                await webhooks.Delete(id, origin, cancel);
                return AdminParts.Done(http, Path, "webhookDeleted");
            default:
                return Back(http, id, null);
        }
    }

    private static IResult Back(HttpContext http, long id, string? done) =>
        done is null
            ? TypedResults.LocalRedirect(http.Request.PathBase + AddressOf(id))
            : AdminParts.Done(http, AddressOf(id), done);

    /// <summary>A test's answer may be long; then its delivery alone has it.</summary>
    private static void Leave(HttpContext http, long id, WebhookNews news)
    {
        if (!ShownOnce.Leave(http, AddressOf(id), JsonSerializer.Serialize(news)) && news.Test is { } test)
            Leave(http, id, new WebhookNews(Test: test with { Answer = "" }));
    }

    private static PageResult Form(HttpContext http, NewWebhookModel model) =>
        new(
            new PageFrame(http.Strings()["webhooks.add"])
            {
                Section = Path,
                Breadcrumbs = [(Path, http.Strings()["nav.webhooks"])],
            },
            NewWebhookSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(model.Refused),
        };

    private static string[] Listed(string text) =>
        text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
