using System.Text.Json;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Hosting;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Doors.Api;

public sealed record DestinationBody
{
    public required string Name { get; init; }

    /// <summary>The manifest itself, as JSON, or the name of one that comes with Countersign.</summary>
    public required JsonElement Manifest { get; init; }

    /// <summary>Values by the manifest's own keys.</summary>
    public IReadOnlyDictionary<string, string>? Settings { get; init; }

    /// <summary>Taken and never shown again.</summary>
    public IReadOnlyDictionary<string, string>? Secrets { get; init; }
}

public sealed record DestinationValuesBody
{
    public IReadOnlyDictionary<string, string>? Settings { get; init; }
    public IReadOnlyDictionary<string, string>? Secrets { get; init; }
}

public sealed record ManifestBody
{
    public required JsonElement Manifest { get; init; }
}

public sealed record RehearsalBody
{
    /// <summary>For this request; without it, for one that never was.</summary>
    public string? Request { get; init; }
}

public sealed record ResolutionBody
{
    /// <summary><c>retry</c>, <c>send_again</c>, <c>exists</c> or <c>give_up</c>.</summary>
    public required string Action { get; init; }

    /// <summary>With <c>exists</c>: its id there.</summary>
    public string? ExternalId { get; init; }
}

public sealed record DestinationsView(IReadOnlyList<DestinationView> Destinations);

public sealed record LinksView(IReadOnlyList<LinkView> Links);

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
            .Produces<DestinationsView>();
        admin.MapPost("/destinations", Add).Produces<NewDestination>(201).ProducesProblem(409).ProducesProblem(422);
        admin.MapPost("/destinations/lint", Lint).Produces<FindingsView>();
        admin
            .MapGet(
                "/destinations/{name}",
                async (string name, DestinationViews views, CancellationToken cancel) =>
                    await views.Find(name, cancel) is { } found ? (IResult)TypedResults.Ok(found) : None()
            )
            .Produces<DestinationView>();
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
            .ProducesProblem(422);
        admin.MapPost(
            "/destinations/{name}/pause",
            async (string name, CurrentCaller caller, AddDestination add, CancellationToken cancel) =>
                AdminEndpoints.Plain(await add.Pause(name, true, caller.Viewer.Origin, cancel))
        );
        admin.MapPost(
            "/destinations/{name}/resume",
            async (string name, CurrentCaller caller, AddDestination add, CancellationToken cancel) =>
                AdminEndpoints.Plain(await add.Pause(name, false, caller.Viewer.Origin, cancel))
        );
        admin
            .MapPost(
                "/destinations/{name}/test",
                async (string name, TestDestination trying, CancellationToken cancel) =>
                    AdminEndpoints.Answer(await trying.Connect(name, cancel), trial => TypedResults.Ok(trial))
            )
            .Produces<DestinationTest>();
        admin.MapPost("/destinations/{name}/rehearsal", Rehearse).Produces<DestinationTest>().ProducesProblem(404);
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
            .Produces<OptionsView>();
        admin.MapGet("/destinations/{name}/links", ListLinks).Produces<LinksView>();
        admin
            .MapPost("/links/{id:long}/resolution", Resolve)
            .Produces(204)
            .ProducesProblem(404)
            .ProducesProblem(409)
            .ProducesProblem(422);
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
        long? before,
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
        return await views.Links(name, state, before, cancel) is { } links
            ? TypedResults.Ok(new LinksView(links))
            : None();
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
