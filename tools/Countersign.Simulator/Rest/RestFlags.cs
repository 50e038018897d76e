using System.Security.Cryptography;
using System.Text.Json.Nodes;
using JsonKind = System.Text.Json.JsonValueKind;

namespace Countersign.Simulator.Rest;

/// <summary>Flags and segments in the API's shape, and what the most frequent instructions do to them.</summary>
internal static class RestFlags
{
    public static JsonObject New(
        string project,
        string key,
        string name,
        IReadOnlyList<(string? Name, JsonNode Value)> variations,
        IReadOnlyList<string> environments,
        long now
    )
    {
        var path = $"/api/v2/flags/{project}/{key}";
        var isBoolean = variations.All(v => v.Value.GetValueKind() is JsonKind.True or JsonKind.False);
        return RestShapes.Filled(
            ("name", name),
            ("kind", isBoolean ? "boolean" : "multivariate"),
            ("description", ""),
            ("key", key),
            ("_version", 1),
            ("creationDate", now),
            (
                "variations",
                new JsonArray([
                    .. variations.Select(v =>
                        (JsonNode)
                            RestShapes.Filled(("_id", NewUuid()), ("value", v.Value.DeepClone()), ("name", v.Name))
                    ),
                ])
            ),
            ("temporary", false),
            ("tags", new JsonArray()),
            ("_links", RestShapes.Links(("self", path))),
            ("experiments", RestShapes.Filled(("baselineIdx", 0), ("items", new JsonArray()))),
            ("customProperties", new JsonObject()),
            ("archived", false),
            ("defaults", RestShapes.Filled(("onVariation", 0), ("offVariation", variations.Count - 1))),
            (
                "environments",
                RestShapes.Filled([
                    .. environments.Select(e => (e, (JsonNode?)Environment(project, key, e, variations.Count, now))),
                ])
            )
        );
    }

    public static JsonObject NewSegment(string project, string environment, string key, string name, long now) =>
        RestShapes.Filled(
            ("name", name),
            ("tags", new JsonArray()),
            ("creationDate", now),
            ("lastModifiedDate", now),
            ("key", key),
            ("included", new JsonArray()),
            ("excluded", new JsonArray()),
            ("includedContexts", new JsonArray()),
            ("excludedContexts", new JsonArray()),
            ("_links", RestShapes.Links(("self", $"/api/v2/segments/{project}/{environment}/{key}"))),
            ("rules", new JsonArray()),
            ("version", 1),
            ("deleted", false),
            ("generation", 1)
        );

    /// <summary>All instructions are applied, or none. Kinds that aren't known here only count the version.</summary>
    public static void Apply(JsonObject flag, string environment, JsonArray instructions)
    {
        flag["_version"] = (int)flag["_version"]! + 1;
        if (flag["environments"]?[environment] is not JsonObject state)
            return;
        state["version"] = (int)state["version"]! + 1;
        foreach (var instruction in instructions.OfType<JsonObject>())
            Apply(flag, state, instruction);
    }

    private static void Apply(JsonObject flag, JsonObject state, JsonObject instruction)
    {
        switch (instruction["kind"]?.ToString())
        {
            case "turnFlagOn":
                state["on"] = true;
                break;
            case "turnFlagOff":
                state["on"] = false;
                break;
            case "updateOffVariation":
                state["offVariation"] = IndexOf(flag, instruction["variationId"]?.ToString());
                break;
            case "updateFallthroughVariationOrRollout" when instruction["rolloutWeights"] is JsonObject weights:
                state["fallthrough"] = RestShapes.Filled(
                    (
                        "rollout",
                        RestShapes.Filled(
                            (
                                "variations",
                                new JsonArray([
                                    .. weights.Select(w =>
                                        (JsonNode)
                                            RestShapes.Filled(
                                                ("variation", IndexOf(flag, w.Key)),
                                                ("weight", w.Value?.DeepClone())
                                            )
                                    ),
                                ])
                            )
                        )
                    )
                );
                break;
            case "updateFallthroughVariationOrRollout":
                state["fallthrough"] = RestShapes.Filled(
                    ("variation", IndexOf(flag, instruction["variationId"]?.ToString()))
                );
                break;
        }
    }

    private static int IndexOf(JsonObject flag, string? variationId) =>
        flag["variations"]!.AsArray().ToList().FindIndex(v => v!["_id"]!.ToString() == variationId);

    private static JsonObject Environment(string project, string key, string environment, int variations, long now) =>
        RestShapes.Filled(
            ("on", false),
            ("archived", false),
            ("salt", "salt"),
            ("sel", "sel"),
            ("lastModified", now),
            ("version", 1),
            ("targets", new JsonArray()),
            ("contextTargets", new JsonArray()),
            ("rules", new JsonArray()),
            ("fallthrough", RestShapes.Filled(("variation", 0))),
            ("offVariation", variations - 1),
            ("prerequisites", new JsonArray()),
            ("_site", RestShapes.Filled(("href", $"/{project}/{environment}/features/{key}"), ("type", "text/html"))),
            ("_environmentName", Title(environment)),
            ("trackEvents", false),
            ("trackEventsFallthrough", false)
        );

    private static string Title(string key) => key.Length == 0 ? key : char.ToUpperInvariant(key[0]) + key[1..];

    private static string NewUuid() => new Guid(RandomNumberGenerator.GetBytes(16)).ToString();
}
