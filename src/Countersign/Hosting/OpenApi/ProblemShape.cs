using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>Errors of our own API. <c>docs/api.md</c> has the same codes and rules; a test compares them.</summary>
internal sealed class ProblemShape : ErrorShape
{
    public const string SchemaName = "Problem";

    public static readonly FrozenDictionary<string, string> Codes = new Dictionary<string, string>
    {
        ["invalid"] = "The request can't be read or its content is wrong. `errors` lists the problems by member.",
        ["unauthenticated"] = "The credentials are missing or invalid.",
        ["key_expired"] = "The source's key has expired; an admin rotates it.",
        ["not_allowed"] = "You can't do this. `rule` says why.",
        ["csrf_token"] = "A session needs `X-CSRF-Token` for calls that change something.",
        ["cross_site"] = "The browser says that the call comes from another site.",
        ["not_found"] = "It doesn't exist, or you don't have access.",
        ["already_settled"] = "The request is closed. `request` shows how.",
        ["changed"] = "The content has changed since you read it. Read it again.",
        ["assignee_differs"] = "A revision can't change the assignee. `request` shows the current state.",
        ["being_confirmed"] = "LaunchDarkly is still being asked about the request. Try again in a moment.",
        ["not_approved"] = "The request isn't approved. `request` shows how it stands.",
        ["not_sealed"] = "The receipt isn't ready yet. Try again after `Retry-After`.",
        ["not_closed"] = "The request isn't closed yet.",
        ["no_receipt"] = "There is no receipt of this: it's older than the log's receipts, or was archived.",
        ["already_used"] = "This approval has been used. Send a new request.",
        ["digest_mismatch"] = "This isn't the content that was approved. The approval wasn't used.",
        ["expired"] = "This approval was given too long ago. Send a new request.",
        ["step_not_open"] = "Your step of the policy isn't open yet.",
        ["delegation_used"] = "The delegate has already decided.",
        ["not_delegated"] = "You didn't delegate your review of this request.",
        ["not_by_assignee"] = "A policy, a source or a destination decides this request, not its assignee.",
        ["would_block"] = "Active requests would be left without a possible approval. `force` does it anyway.",
        ["conflict"] = "It already exists, or its state doesn't allow this. `detail` says which.",
        ["too_large"] = "The body is too large.",
        ["unsupported_media_type"] = "Send JSON, with `Content-Type: application/json`.",
        ["rate_limited"] = "Too many calls in this minute, or too many wrong credentials from this address.",
        ["internal"] = "An error on our side. Find it in the server's log by `traceId`.",
        ["launchdarkly_unavailable"] = "LaunchDarkly didn't answer, or refused. `detail` says more.",
        ["unavailable"] = "The store can't serve the call, or can't say whether it was saved. Repeat it.",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public const string Schemas = """
        {"Problem": {
          "type": "object",
          "description": "Problem details (RFC 9457). `code` is stable and for programs, `detail` is for people.",
          "required": ["title", "status", "detail", "code"],
          "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "format": "int32"},
            "detail": {"type": "string", "description": "What happened and what to do, in English."},
            "code": {"type": "string", "description": "Stable. Each operation lists its own."},
            "rule": {"type": "string", "description": "With `not_allowed`: why."},
            "errors": {
              "type": "object",
              "description": "With `invalid`: the first 20 problems, by member or parameter.",
              "additionalProperties": {"type": "array", "items": {"type": "string"}}
            },
            "request": {"$ref": "#/components/schemas/Request"},
            "traceId": {"type": "string", "description": "Finds the call in the server's log."}
          }
        }}
        """;

    public override string Prefix => "";
    public override string MediaType => "application/problem+json";
    public override bool HasRules => true;

    public override string Meaning(int status, string code) => Codes[code];

    public override IOpenApiSchema Schema(
        int status,
        IReadOnlyList<string> codes,
        IReadOnlyList<string> rules,
        OpenApiDocument document
    )
    {
        var own = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Properties = new Dictionary<string, IOpenApiSchema> { ["code"] = Values.OneOf(codes) },
        };
        if (rules.Count > 0)
            own.Properties["rule"] = Values.OneOf(rules);
        return new OpenApiSchema { AllOf = [new OpenApiSchemaReference(SchemaName, document), own] };
    }

    public override JsonObject Example(int status, string code)
    {
        var example = new JsonObject
        {
            ["type"] = "about:blank",
            ["title"] = Problems.Title(status),
            ["status"] = status,
            ["detail"] = Codes[code].Replace("`", "", StringComparison.Ordinal),
            ["code"] = code,
        };
        if (code == "invalid" && status == StatusCodes.Status422UnprocessableEntity)
            example["errors"] = new JsonObject { ["name"] = new JsonArray("This is required.") };
        return example;
    }
}
