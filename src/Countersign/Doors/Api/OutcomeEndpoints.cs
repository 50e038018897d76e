using System.ComponentModel;
using System.Globalization;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.Outcomes;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Webhooks;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Doors.Api;

public sealed record WebhookBodyIn
{
    public required string Url { get; init; }

    [Description("Kinds of event, or families such as `request.*`; without it, all."), Example("request.*")]
    public IReadOnlyList<string>? Events { get; init; }

    [Description("Only requests of these sources, by name; without it, all."), Example("checkout")]
    public IReadOnlyList<string>? Sources { get; init; }
}

public sealed record ReplayBody
{
    [Description("Such as `webhook:3`, `mail` or `slack`."), Example("webhook:3")]
    public required string Endpoint { get; init; }

    [
        Description("Only what was created since; without it, all that failed."),
        Format("date-time"),
        Example("2026-03-04T05:06:07Z")
    ]
    public string? Since { get; init; }
}

public sealed record WebhookView(
    long Id,
    string Url,
    [Description("Kinds of event, or families; empty for all."), Example("request.*")] IReadOnlyList<string> Events,
    [Description("Names of sources; empty for all."), Example("checkout")] IReadOnlyList<string> Sources,
    [Description("The email of the admin who added it."), Example("root@example.com")] string? Owner,
    bool Disabled,
    string? DisabledWhy,
    string CreatedAt
)
{
    public static WebhookView From(Webhook webhook, PeopleSnapshot directory) =>
        new(
            webhook.Id,
            webhook.ShownUrl,
            webhook.KindList,
            [.. webhook.SourceNames(directory)],
            webhook.OwnerId is { } owner && directory.People.TryGetValue(owner, out var person) ? person.Email : null,
            webhook.IsDisabled,
            webhook.DisabledWhy,
            webhook.CreatedAt
        );
}

public sealed record WebhooksView(IReadOnlyList<WebhookView> Webhooks);

public sealed record ReplayedView([Description("How many are sent again.")] int Replayed);

/// <summary>Which channels are on for the caller; what is not named stays as it is.</summary>
public sealed record ChannelsBody
{
    public bool? Mail { get; init; }
    public bool? Slack { get; init; }
}

public sealed record ChannelsView(bool Mail, bool Slack);

/// <summary>Webhooks and deliveries, for admins.</summary>
internal static class OutcomeEndpoints
{
    public static void Map(RouteGroupBuilder admin)
    {
        admin
            .MapGet("/webhooks", ListWebhooks)
            .Produces<WebhooksView>()
            .Describe(Tags.Webhooks, OutcomeOperations.ListWebhooks);
        admin
            .MapPost("/webhooks", AddWebhook)
            .Produces<NewWebhook>(201)
            .Describe(Tags.Webhooks, OutcomeOperations.AddWebhook);
        admin
            .MapPost(
                "/webhooks/{id:long}/secret",
                async (long id, CurrentCaller caller, Subscriptions webhooks, CancellationToken cancel) =>
                    AdminEndpoints.Answer(
                        await webhooks.Rotate(id, caller.Viewer.Origin, cancel),
                        made => TypedResults.Ok(made)
                    )
            )
            .Produces<NewWebhook>()
            .Describe(Tags.Webhooks, OutcomeOperations.RotateSecret);
        admin
            .MapDelete(
                "/webhooks/{id:long}/old-secret",
                async (long id, CurrentCaller caller, Subscriptions webhooks, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await webhooks.EndOldSecret(id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Webhooks, OutcomeOperations.EndOldSecret);
        admin
            .MapDelete(
                "/webhooks/{id:long}",
                async (long id, CurrentCaller caller, Subscriptions webhooks, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await webhooks.Delete(id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Webhooks, OutcomeOperations.DeleteWebhook);
        admin
            .MapPost(
                "/webhooks/{id:long}/disable",
                async (long id, CurrentCaller caller, Subscriptions webhooks, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await webhooks.Disable(id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Webhooks, OutcomeOperations.DisableWebhook);
        admin
            .MapPost(
                "/webhooks/{id:long}/enable",
                async (long id, CurrentCaller caller, Subscriptions webhooks, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await webhooks.Enable(id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Webhooks, OutcomeOperations.EnableWebhook);
        admin
            .MapPost(
                "/webhooks/{id:long}/test",
                async (long id, CurrentCaller caller, TestWebhook test, CancellationToken cancel) =>
                    AdminEndpoints.Answer(
                        await test.Run(id, caller.Viewer.Origin, cancel),
                        result => TypedResults.Ok(result)
                    )
            )
            .Produces<WebhookTest>()
            .Describe(Tags.Webhooks, OutcomeOperations.TestWebhook);

        admin
            .MapGet("/deliveries", ListDeliveries)
            .Produces<DeliveryPage>()
            .Describe(Tags.Deliveries, OutcomeOperations.ListDeliveries);
        admin
            .MapGet(
                "/deliveries/{id:long}",
                async (long id, Deliveries deliveries, CancellationToken cancel) =>
                    await deliveries.Find(id, cancel) is { } found
                        ? TypedResults.Ok(found)
                        : (IResult)Problems.NotFound("There is no delivery with this ID.")
            )
            .Produces<DeliveryDetails>()
            .Describe(Tags.Deliveries, OutcomeOperations.GetDelivery);
        admin
            .MapPost(
                "/deliveries/{id:long}/replay",
                async (long id, Deliveries deliveries, CancellationToken cancel) =>
                    await deliveries.Replay(id, cancel)
                        ? TypedResults.NoContent()
                        : (IResult)Problems.NotFound("There is no such delivery, or it's still being sent.")
            )
            .Produces(204)
            .Describe(Tags.Deliveries, OutcomeOperations.Replay);
        admin
            .MapPost("/deliveries/replay", Replay)
            .Produces<ReplayedView>()
            .Describe(Tags.Deliveries, OutcomeOperations.ReplayAll);
    }

    /// <summary>For everybody, about themselves.</summary>
    public static void MapOwn(RouteGroupBuilder api)
    {
        api.MapGet("/me/channels", OwnChannels)
            .Produces<ChannelsView>()
            .Describe(Tags.Me, PeopleOperations.GetOwnChannels);
        api.MapPut("/me/channels", SetOwnChannels)
            .Produces<ChannelsView>()
            .Describe(Tags.Me, PeopleOperations.SetOwnChannels);
    }

    private static async Task<IResult> OwnChannels(
        CurrentCaller caller,
        NotificationPreferences switches,
        CancellationToken cancel
    )
    {
        if (caller.Viewer.PersonId is not { } person)
            return Problems.NotAllowed("people_only", "Sources have no notification channels. Use webhooks.");
        var on = await switches.Of(person, cancel);
        return TypedResults.Ok(new ChannelsView(on["mail"], on["slack"]));
    }

    private static async Task<IResult> SetOwnChannels(
        JsonBody<ChannelsBody> body,
        CurrentCaller caller,
        NotificationPreferences switches,
        CancellationToken cancel
    )
    {
        if (caller.Viewer.PersonId is { } person)
        {
            if (body.Value.Mail is { } mail)
                await switches.Set(person, "mail", mail, caller.Viewer.Origin, cancel);
            if (body.Value.Slack is { } slack)
                await switches.Set(person, "slack", slack, caller.Viewer.Origin, cancel);
        }
        return await OwnChannels(caller, switches, cancel);
    }

    private static async Task<IResult> ListWebhooks(
        Subscriptions webhooks,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var snapshot = await directory.Refresh(cancel);
        return TypedResults.Ok(
            new WebhooksView([.. (await webhooks.List(cancel)).Select(w => WebhookView.From(w, snapshot))])
        );
    }

    private static async Task<IResult> AddWebhook(
        JsonBody<WebhookBodyIn> body,
        CurrentCaller caller,
        Subscriptions webhooks,
        CancellationToken cancel
    ) =>
        AdminEndpoints.Answer(
            await webhooks.Add(
                body.Value.Url,
                body.Value.Events ?? [],
                body.Value.Sources ?? [],
                caller.Viewer.Origin,
                caller.Viewer.PersonId,
                cancel
            ),
            made => TypedResults.Json(made, ApiJson.Wire.NewWebhook, statusCode: 201)
        );

    private static async Task<IResult> ListDeliveries(
        string? state,
        string? endpoint,
        string? before,
        Deliveries deliveries,
        CancellationToken cancel
    )
    {
        if (state is not null && !Deliveries.States.Contains(state))
            return Problems.Invalid("state", $"The state must be one of: {string.Join(", ", Deliveries.States)}.");
        long? from = null;
        if (before is not null)
        {
            if (!long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return Problems.Invalid("before", "Use the value of next from the page before.");
            from = number;
        }
        return TypedResults.Ok(await deliveries.List(state, endpoint, from, cancel));
    }

    private static async Task<IResult> Replay(
        JsonBody<ReplayBody> body,
        Deliveries deliveries,
        CancellationToken cancel
    )
    {
        var since = DateTimeOffset.MinValue;
        if (
            body.Value.Since is { } text
            && !DateTimeOffset.TryParse(
                text,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                out since
            )
        )
        {
            return Problems.Invalid("since", "Use a time such as 2026-03-04T05:06:07Z.");
        }
        return TypedResults.Ok(new ReplayedView(await deliveries.ReplayFailed(body.Value.Endpoint, since, cancel)));
    }
}
