using Countersign.SignIn;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>What the whole description says: what this is, how to call it, and what operations share.</summary>
internal sealed class DocumentDescriber : IOpenApiDocumentTransformer
{
    public const string OnBehalfOf = "onBehalfOf";

    private const string About = """
        Countersign is a self-hosted approval hub: systems request approval for changes, people or other systems decide.

        **Authentication.** A source sends its key as a bearer token. A person sends an API token with Basic
        authentication: the user name is `EMAIL/token`, the password is the token. Pages use the browser's session.

        **Errors** of `/api/v1` are problem details with a stable `code`; each operation lists its own. The doors for
        LaunchDarkly (`/api/approvals`) and Zendesk (`/api/v2`) answer errors in those products' shapes.

        **Lists.** Where an answer has `next`, pass it on as `cursor` or `before`, as the operation says, to get the
        next page; without `next` there are no more. Other lists are short and come whole.

        **Values.** Times are ISO 8601 in UTC. Members without a value are left out of answers under `/api/v1`. Clients
        must ignore members that they don't know. Unknown members of a request's body are an error.

        **Methods.** `HEAD` works on every path that takes `GET`.
        """;

    public Task TransformAsync(
        OpenApiDocument document,
        OpenApiDocumentTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        document.Info = new OpenApiInfo
        {
            Title = "Countersign",
            Version = Product.Version,
            Description = About,
            Contact = new OpenApiContact { Name = "The Countersign authors" },
            License = new OpenApiLicense { Name = "Apache License 2.0", Identifier = "Apache-2.0" },
        };
        foreach (var server in document.Servers ?? [])
            server.Url = server.Url?.TrimEnd('/');
        Tags.Describe(document);
        var components = document.Components ??= new OpenApiComponents();
        components.SecuritySchemes = SecuritySchemes.All;
        components.Parameters = new Dictionary<string, IOpenApiParameter>
        {
            [OnBehalfOf] = new OpenApiParameter
            {
                Name = "X-On-Behalf-Of",
                In = ParameterLocation.Header,
                Description = "The email of the person for whom the call is made, with a token that may impersonate.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "email" },
            },
        };
        // What is written in JSON says itself what is required.
        AnswerSchemas.Complete(document);
        AddSchemas(document, ProblemShape.Schemas);
        foreach (var door in DoorsIn(context))
        {
            if (door.Schemas is { } schemas)
                AddSchemas(document, schemas);
        }
        return Task.CompletedTask;
    }

    private static IEnumerable<Door> DoorsIn(OpenApiDocumentTransformerContext context) =>
        context
            .DescriptionGroups.SelectMany(group => group.Items)
            .SelectMany(item => item.ActionDescriptor.EndpointMetadata.OfType<Door>())
            .Distinct();

    /// <summary>Adds schemas that are written in JSON, as an object of names and schemas.</summary>
    private static void AddSchemas(OpenApiDocument document, string json)
    {
        const string Start =
            """{"openapi": "3.1.1", "info": {"title": "-", "version": "-"}, "paths": {}, "components": """;
        var read = OpenApiDocument.Parse($"{Start}{{\"schemas\": {json}}}}}", "json");
        if (read.Diagnostic is { Errors: [var error, ..] })
            throw new InvalidOperationException(error.ToString());
        foreach (var (name, schema) in read.Document!.Components!.Schemas!)
            document.AddComponent(name, schema);
    }
}
