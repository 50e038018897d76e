using System.Text.Json.Nodes;
using Countersign.Hosting.OpenApi;
using Microsoft.OpenApi;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// Errors of this door, for the API's description: several shapes, as <see cref="Refusal"/> has them.
/// </summary>
internal sealed class ZendeskErrors : ErrorShape
{
    private enum Form
    {
        /// <summary>The error is a text.</summary>
        Text,

        /// <summary>An error with a description.</summary>
        Described,

        /// <summary>An error with a title and a message.</summary>
        Titled,

        /// <summary>A list of errors, each with a code.</summary>
        Listed,
    }

    public override string Prefix => "Zendesk";
    public override string MediaType => "application/json";

    public override IEnumerable<string> Own(int status, string code) =>
        (status, code) switch
        {
            (401, _) => ["Couldn't authenticate you", "invalid_token"],
            (403, "csrf_token" or "cross_site") => ["Invalid request"],
            (403, _) => ["Forbidden"],
            (404, _) => ["RecordNotFound"],
            (400, "invalid") => ["Invalid request"],
            (413, _) => ["Too large"],
            (415, _) => ["Unsupported media type"],
            (429, _) => ["APIRateLimitExceeded"],
            (500, _) => ["Internal error"],
            (503, _) => ["Service unavailable"],
            _ => [code],
        };

    public override string Meaning(int status, string code) => Of(code, status).Meaning;

    public override IOpenApiSchema Schema(
        int status,
        IReadOnlyList<string> codes,
        IReadOnlyList<string> rules,
        OpenApiDocument document
    )
    {
        IOpenApiSchema[] forms = [.. codes.Select(code => SchemaOf(code, document))];
        return forms is [var only] ? only : new OpenApiSchema { AnyOf = [.. forms] };
    }

    public override JsonObject Example(int status, string code)
    {
        var (form, meaning) = Of(code, status);
        return form switch
        {
            Form.Text => new JsonObject { ["error"] = code },
            Form.Described when code == "invalid_token" => new JsonObject
            {
                ["error"] = code,
                ["error_description"] = meaning,
            },
            Form.Described => new JsonObject { ["error"] = code, ["description"] = meaning },
            Form.Titled => new JsonObject
            {
                ["error"] = new JsonObject { ["title"] = code, ["message"] = meaning },
            },
            _ => new JsonObject { ["errors"] = new JsonArray(new JsonObject { ["code"] = code, ["title"] = meaning }) },
        };
    }

    /// <summary>The door's schema of this form, with the code where the form has it.</summary>
    private static OpenApiSchema SchemaOf(string code, OpenApiDocument document)
    {
        var (form, _) = Of(code, 0);
        IOpenApiSchema word = Values.OneOf(code);
        var own = form switch
        {
            Form.Text or Form.Described => Object("error", word),
            Form.Titled => Object("error", Object("title", word)),
            _ => Object("errors", new OpenApiSchema { Type = JsonSchemaType.Array, Items = Object("code", word) }),
        };
        var name = code == "invalid_token" ? "ZendeskTokenError" : $"Zendesk{form}Error";
        return new OpenApiSchema { AllOf = [new OpenApiSchemaReference(name, document), own] };
    }

    private static OpenApiSchema Object(string member, IOpenApiSchema value) =>
        new()
        {
            Type = JsonSchemaType.Object,
            Properties = new Dictionary<string, IOpenApiSchema> { [member] = value },
        };

    private static (Form Form, string Meaning) Of(string code, int status) =>
        code switch
        {
            "Couldn't authenticate you" => (Form.Text, "The credentials are missing or invalid."),
            "invalid_token" => (Form.Described, "This access token is unknown. Send Basic EMAIL/token:TOKEN."),
            "RecordNotFound" => (Form.Described, "Not found"),
            "IdempotentRequestError" => (Form.Described, "Request parameters don't match the given idempotency key"),
            "APIRateLimitExceeded" => (Form.Described, "Too many calls in this minute."),
            "RecordInvalid" => (Form.Described, "Record validation errors"),
            "Invalid request" when status == 403 => (
                Form.Titled,
                "A session needs X-CSRF-Token, and a call from another site is refused."
            ),
            "Invalid request" => (Form.Titled, "The body can't be read."),
            "Invalid attribute" => (Form.Titled, "A parameter of the address has an invalid value."),
            "Forbidden" => (Form.Titled, "You can't do this."),
            "Too large" => (Form.Titled, "The body is too large."),
            "Unsupported media type" => (Form.Titled, "Send JSON, with Content-Type: application/json."),
            "Internal error" => (Form.Titled, "An error on our side. Find it in the server's log."),
            "Service unavailable" => (
                Form.Titled,
                "The store can't serve the call, or can't say whether it was saved. Repeat it."
            ),
            "InvalidParameter" => (Form.Listed, "A parameter of the address has an invalid value."),
            "InvalidAttribute" => (Form.Listed, "A member of the body has an invalid value."),
            "ApprovalRequestCreationFailed" => (Form.Listed, "The ticket has an approval request already."),
            "ApprovalRequestDecisionFailed" => (Form.Listed, "The approval request is already approved"),
            "ApprovalClarificationFlowMessageCreationFailed" => (
                Form.Listed,
                "The approval request is already approved"
            ),
            "changed" => (Form.Listed, "The content has changed"),
            _ => throw new InvalidOperationException($"This code isn't described: {code}."),
        };
}
