using System.Text.Json.Nodes;
using Countersign.Hosting.OpenApi;
using Microsoft.OpenApi;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>Errors of this door, for the API's description.</summary>
internal sealed class LaunchDarklyErrors : ErrorShape
{
    public override string Prefix => "LaunchDarkly";
    public override string MediaType => "application/json";

    public override string Meaning(int status, string code) =>
        code switch
        {
            "already_settled" => "The approval with this ID is closed and has different content. Use a new ID.",
            "sources_only" => "Send the key of a source.",
            "not_signed" => "Sign the body with the webhook's secret.",
            "invalid" => "The body can't be read. `message` says why.",
            "internal" => "An error on our side. Find it in the server's log.",
            _ => Problem.Meaning(status, code),
        };

    public override IOpenApiSchema Schema(
        int status,
        IReadOnlyList<string> codes,
        IReadOnlyList<string> rules,
        OpenApiDocument document
    ) =>
        new OpenApiSchema
        {
            AllOf =
            [
                new OpenApiSchemaReference("LaunchDarklyError", document),
                new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Properties = new Dictionary<string, IOpenApiSchema>
                    {
                        ["error"] = new OpenApiSchema
                        {
                            Type = JsonSchemaType.Object,
                            Properties = new Dictionary<string, IOpenApiSchema> { ["code"] = Values.OneOf(codes) },
                        },
                    },
                },
            ],
        };

    public override JsonObject Example(int status, string code) =>
        new()
        {
            ["error"] = new JsonObject
            {
                ["code"] = code,
                ["message"] = Meaning(status, code).Replace("`", "", StringComparison.Ordinal),
            },
        };
}
