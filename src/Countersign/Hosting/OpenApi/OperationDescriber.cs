using System.Text.Json.Nodes;
using Countersign.SignIn;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>
/// Completes each operation: the words of its <see cref="Described"/>, and what follows from its metadata: who may call
/// it, by which credential, and the errors of every operation of its kind.
/// </summary>
internal sealed class OperationDescriber : IOpenApiOperationTransformer
{
    /// <summary>An answer with more codes and rules than this belongs to one operation.</summary>
    private const int MaxShared = 4;

    public Task TransformAsync(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        var (document, metadata) = (context.Document!, context.Description.ActionDescriptor.EndpointMetadata);
        // What has no words stays as the framework found it; a test says so.
        if (metadata.OfType<Described>().LastOrDefault() is not { } described)
            return Task.CompletedTask;
        var text = described.Text;
        var kind = OperationKind.Of(context.Description, metadata, text);
        operation.OperationId = text.Id;
        operation.Summary = text.Summary;
        operation.Description = Description(text, kind);
        operation.Tags = new HashSet<OpenApiTagReference> { new(described.Tag, document) };
        operation.Security = Security(text, kind, document);
        SetParameters(operation, context.Description.RelativePath!, text, kind, document);
        SetBody(operation, text, document);
        SetAnswers(operation, text, document);
        foreach (var (status, codes) in kind.Errors)
            operation.Responses![status.ToString(Values.Invariant)] = Error(kind, status, codes, document);
        return Task.CompletedTask;
    }

    private static string Description(OperationText text, OperationKind kind) =>
        kind.Permission switch
        {
            Permissions.Admin => $"{text.Description}\n\nOnly admins can call this.",
            Permissions.Agent => $"{text.Description}\n\nOnly agents and admins can call this.",
            _ => text.Description,
        } + (kind.NeedsRecentSignIn ? " A session has to be younger than ten minutes." : "");

    private static List<OpenApiSecurityRequirement> Security(
        OperationText text,
        OperationKind kind,
        OpenApiDocument document
    )
    {
        if (text.SecurityScheme is { } own)
            return [Requirement(own)];
        if (kind.Door is not { } door || kind.IsAnonymous)
            return [new OpenApiSecurityRequirement()];
        var ways = new List<OpenApiSecurityRequirement>();
        if (kind.IsForSources)
            ways.Add(Requirement(SecuritySchemes.SourceKey));
        if (kind.IsForPeople)
        {
            ways.Add(Requirement(SecuritySchemes.PersonToken));
            if (door.TakesPasswords)
                ways.Add(Requirement(SecuritySchemes.Password));
            ways.Add(
                kind.ChangesSomething
                    ? Requirement(SecuritySchemes.Session, SecuritySchemes.CsrfToken)
                    : Requirement(SecuritySchemes.Session)
            );
        }
        return ways;

        OpenApiSecurityRequirement Requirement(params ReadOnlySpan<string> schemes)
        {
            var requirement = new OpenApiSecurityRequirement();
            foreach (var scheme in schemes)
                requirement[new OpenApiSecuritySchemeReference(scheme, document)] = [];
            return requirement;
        }
    }

    private static void SetParameters(
        OpenApiOperation operation,
        string path,
        OperationText text,
        OperationKind kind,
        OpenApiDocument document
    )
    {
        var parameters = operation.Parameters ??= [];
        PathParameters.Describe(parameters, path);
        foreach (var own in text.Parameters)
        {
            if (parameters.FirstOrDefault(p => p.In == own.In && p.Name == own.Name) is { } bound)
                parameters.Remove(bound);
            parameters.Add(own);
        }
        if (kind.Door is { TakesOnBehalfOf: true } && !kind.IsAnonymous)
            parameters.Add(new OpenApiParameterReference(DocumentDescriber.OnBehalfOf, document));
        if (parameters.Count == 0)
            operation.Parameters = null;
    }

    private static void SetBody(OpenApiOperation operation, OperationText text, OpenApiDocument document)
    {
        if (text.BodySchema is { } schema)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/json"] = new OpenApiMediaType
                    {
                        Schema = new OpenApiSchemaReference(schema, document),
                    },
                },
            };
        }
        if (
            text.BodyExample is { } example
            && operation.RequestBody?.Content?.Values.FirstOrDefault() is OpenApiMediaType body
        )
        {
            body.Example = JsonNode.Parse(example);
        }
    }

    private static void SetAnswers(OpenApiOperation operation, OperationText text, OpenApiDocument document)
    {
        var answers = operation.Responses ??= [];
        foreach (var (status, schema) in text.AnswerSchemas)
        {
            answers.Remove("200");
            answers[status.ToString(Values.Invariant)] = new OpenApiResponse
            {
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/json"] = new OpenApiMediaType
                    {
                        Schema = new OpenApiSchemaReference(schema, document),
                    },
                },
            };
        }
        foreach (var (status, mediaType) in text.AlsoAs)
        {
            answers[status.ToString(Values.Invariant)].Content![mediaType] = new OpenApiMediaType
            {
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            };
        }
        foreach (var (status, answer) in answers)
        {
            if (answer is OpenApiResponse own)
            {
                own.Description = text.Answers.GetValueOrDefault(
                    int.Parse(status, Values.Invariant),
                    status switch
                    {
                        "201" => "Created.",
                        "204" => "Done. There is no body.",
                        _ => "Success.",
                    }
                );
            }
        }
    }

    /// <summary>What many operations answer is shared.</summary>
    private static IOpenApiResponse Error(
        OperationKind kind,
        int status,
        IReadOnlyList<string> codes,
        OpenApiDocument document
    )
    {
        var (shape, rules) = (kind.Shape, status == StatusCodes.Status403Forbidden ? kind.Rules : []);
        var answer = shape.Answer(status, codes, rules, document);
        string[] words = [.. codes.Where(code => rules.Count == 0 || code != "not_allowed"), .. rules];
        if (words.Length > MaxShared)
            return answer;
        var name = shape.NameOf(status, words);
        if (document.Components?.Responses?.ContainsKey(name) != true)
            document.AddComponent<IOpenApiResponse>(name, answer);
        return new OpenApiResponseReference(name, document);
    }
}
