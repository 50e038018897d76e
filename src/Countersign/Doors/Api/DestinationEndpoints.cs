using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Doors.Api;

public sealed record DestinationBody
{
    [Description("The destination's name."), Example("jira")]
    public required string Name { get; init; }

    [Description("The manifest itself, or the name of one that comes with Countersign.")]
    public required JsonElement Manifest { get; init; }

    [Description("Values by the manifest's own keys.")]
    public IReadOnlyDictionary<string, string>? Settings { get; init; }

    [Description("Secret values by the manifest's own keys. Never returned.")]
    public IReadOnlyDictionary<string, string>? Secrets { get; init; }
}

public sealed record DestinationValuesBody
{
    [Description("Values by the manifest's own keys.")]
    public IReadOnlyDictionary<string, string>? Settings { get; init; }

    [Description("Secret values by the manifest's own keys. Never returned.")]
    public IReadOnlyDictionary<string, string>? Secrets { get; init; }
}

public sealed record ManifestBody
{
    [Description("The manifest, as JSON.")]
    public required JsonElement Manifest { get; init; }
}

public sealed record RehearsalBody
{
    [Description("The ID of a request; without it, an imagined one."), Example("01KB3ZQ4M6W8T0Y2N4R6P8X1CD")]
    public string? Request { get; init; }
}

public sealed record ResolutionBody
{
    [Description("What to do."), AllowedValues("retry", "send_again", "exists", "give_up")]
    public required string Action { get; init; }

    [Description("With `exists`: its ID there."), Example("OPS-17")]
    public string? ExternalId { get; init; }
}

public sealed record DestinationsView(IReadOnlyList<DestinationView> Destinations);

public sealed record FindingView(string Place, string Problem, string Fix);

public sealed record FindingsView(IReadOnlyList<FindingView> Findings);

public sealed record OptionView(string Label, string Value);

public sealed record OptionsView(IReadOnlyList<OptionView> Options);

/// <summary>Workflow systems that decide, for admins. What the command line does with them, and nothing else.</summary>
internal static class DestinationEndpoints
{
    public static void Map(RouteGroupBuilder admin)
    {
        admin
            .MapGet(
                "/destinations",
                async (DestinationViews views, CancellationToken cancel) =>
                    TypedResults.Ok(new DestinationsView(await views.All(cancel)))
            )
            .Produces<DestinationsView>()
            .Describe(Tags.Destinations, OutcomeOperations.ListDestinations);
        admin
            .MapPost("/destinations", Add)
            .Produces<NewDestination>(201)
            .Describe(Tags.Destinations, OutcomeOperations.AddDestination);
        admin
            .MapPost("/destinations/lint", Lint)
            .Produces<FindingsView>()
            .Describe(Tags.Destinations, OutcomeOperations.Lint);
        admin
            .MapGet(
                "/destinations/{name}",
                async (string name, DestinationViews views, CancellationToken cancel) =>
                    await views.Find(name, cancel) is { } found ? (IResult)TypedResults.Ok(found) : None()
            )
            .Produces<DestinationView>()
            .Describe(Tags.Destinations, OutcomeOperations.GetDestination);
        admin
            .MapPut(
                "/destinations/{name}/values",
                async (
                    string name,
                    JsonBody<DestinationValuesBody> body,
                    CurrentCaller caller,
                    AddDestination add,
                    CancellationToken cancel
                ) =>
                    AdminEndpoints.Plain(
                        await add.Change(
                            name,
                            body.Value.Settings ?? Empty,
                            body.Value.Secrets ?? Empty,
                            caller.Viewer.Origin,
                            cancel
                        )
                    )
            )
            .Produces(204)
            .Describe(Tags.Destinations, OutcomeOperations.SetValues);
        admin
            .MapPost(
                "/destinations/{name}/pause",
                async (string name, CurrentCaller caller, AddDestination add, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await add.Pause(name, true, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Destinations, OutcomeOperations.Pause);
        admin
            .MapPost(
                "/destinations/{name}/resume",
                async (string name, CurrentCaller caller, AddDestination add, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await add.Pause(name, false, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Destinations, OutcomeOperations.Resume);
        admin
            .MapPost(
                "/destinations/{name}/test",
                async (string name, TestDestination trying, CancellationToken cancel) =>
                    AdminEndpoints.Answer(await trying.Connect(name, cancel), trial => TypedResults.Ok(trial))
            )
            .Produces<DestinationTest>()
            .Describe(Tags.Destinations, OutcomeOperations.TestDestination);
        admin
            .MapPost("/destinations/{name}/rehearsal", Rehearse)
            .Produces<DestinationTest>()
            .Describe(Tags.Destinations, OutcomeOperations.Rehearse);
        admin
            .MapGet(
                "/destinations/{name}/options/{key}",
                async (string name, string key, TestDestination trying, CancellationToken cancel) =>
                    AdminEndpoints.Answer(
                        await trying.Options(name, key, cancel),
                        options =>
                            TypedResults.Ok(new OptionsView([.. options.Select(o => new OptionView(o.Label, o.Value))]))
                    )
            )
            .Produces<OptionsView>()
            .Describe(Tags.Destinations, OutcomeOperations.Options);
        admin
            .MapGet("/destinations/{name}/links", ListLinks)
            .Produces<LinkPage>()
            .Describe(Tags.Destinations, OutcomeOperations.ListLinks);
        admin
            .MapPost("/links/{id:long}/resolution", Resolve)
            .Produces(204)
            .Describe(Tags.Destinations, OutcomeOperations.ResolveLink);
    }

    private static readonly Dictionary<string, string> Empty = [];

    private static async Task<IResult> Add(
        JsonBody<DestinationBody> body,
        CurrentCaller caller,
        AddDestination add,
        CancellationToken cancel
    )
    {
        if (TextOf(body.Value.Manifest) is not { } manifest)
        {
            return Problems.Invalid(
                "manifest",
                $"Send the manifest as JSON, or one of these names: {string.Join(", ", ShippedManifests.Names)}."
            );
        }
        return AdminEndpoints.Answer(
            await add.Run(
                body.Value.Name,
                manifest,
                body.Value.Settings ?? Empty,
                body.Value.Secrets ?? Empty,
                caller.Viewer.Origin,
                cancel
            ),
            made => TypedResults.Json(made, ApiJson.Wire.NewDestination, statusCode: 201)
        );
    }

    private static IResult Lint(JsonBody<ManifestBody> body) =>
        TextOf(body.Value.Manifest) is { } manifest
            ? TypedResults.Ok(
                new FindingsView([.. Linter.Run(manifest).Select(f => new FindingView(f.Place, f.Problem, f.Fix))])
            )
            : Problems.Invalid("manifest", "Send the manifest as JSON.");

    private static async Task<IResult> Rehearse(
        string name,
        JsonBody<RehearsalBody> body,
        TestDestination trying,
        CancellationToken cancel
    )
    {
        RequestId? id = null;
        if (body.Value.Request is { } text)
        {
            if (!RequestId.TryParse(text, out var parsed))
                return Problems.NotFound("There is no request with this ID.");
            id = parsed;
        }
        return AdminEndpoints.Answer(await trying.Rehearse(name, id, cancel), trial => TypedResults.Ok(trial));
    }

    private static async Task<IResult> ListLinks(
        string name,
        string? state,
        string? before,
        DestinationViews views,
        CancellationToken cancel
    )
    {
        if (state is not null && !Enum.GetValues<LinkState>().Select(LinkRow.Word).Contains(state))
        {
            return Problems.Invalid(
                "state",
                $"The state must be one of {string.Join(", ", Enum.GetValues<LinkState>().Select(LinkRow.Word))}."
            );
        }
        long? from = null;
        if (before is not null)
        {
            if (!long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return Problems.Invalid("before", "Use the value of next from the page before.");
            from = number;
        }
        return await views.Links(name, state, from, cancel) is { } page ? TypedResults.Ok(page) : None();
    }

    private static async Task<IResult> Resolve(
        long id,
        JsonBody<ResolutionBody> body,
        CurrentCaller caller,
        ResolveLink resolve,
        CancellationToken cancel
    )
    {
        Resolution? resolution = body.Value.Action switch
        {
            "retry" => new Resolution.Retry(),
            "send_again" => new Resolution.SendAgain(),
            "exists" when body.Value.ExternalId is { Length: > 0 } externalId => new Resolution.Exists(externalId),
            "give_up" => new Resolution.GiveUp(),
            _ => null,
        };
        if (resolution is null)
        {
            return Problems.Invalid(
                "action",
                "The action must be retry, send_again, exists (with externalId) or give_up."
            );
        }
        return await resolve.Run(id, resolution, caller.Viewer.Origin, cancel) switch
        {
            ResolveLinkOutcome.Done => TypedResults.NoContent(),
            ResolveLinkOutcome.NotPossible(var why) => Problems.Of(409, "conflict", why),
            _ => Problems.NotFound("There is no link with this ID."),
        };
    }

    private static string? TextOf(JsonElement manifest) =>
        manifest.ValueKind switch
        {
            JsonValueKind.Object => manifest.GetRawText(),
            JsonValueKind.String => ShippedManifests.Find(manifest.GetString()!),
            _ => null,
        };

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult None() =>
        Problems.NotFound("There is no destination with this name.");
}
