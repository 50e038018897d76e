using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>
/// In answers of our own API a member without a value is left out, and every other member is there. The framework
/// describes types as they are read, so what only answers use is put right here.
/// </summary>
internal static class AnswerSchemas
{
    /// <summary>Zendesk's clients get members without a value as null.</summary>
    private const string WritesNull = "Zendesk";

    public static void Complete(OpenApiDocument document)
    {
        var schemas = document.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>();
        var sent = new HashSet<string>();
        foreach (var operation in document.Operations())
        {
            foreach (var body in operation.RequestBody?.Content?.Values ?? [])
                Collect(body.Schema, schemas, sent);
        }
        foreach (var (name, schema) in schemas)
        {
            if (schema is not OpenApiSchema { Properties: { } members } own)
                continue;
            if (sent.Contains(name))
                RequiredOnlyIsNotNull(own);
            else if (name.StartsWith(WritesNull, StringComparison.Ordinal))
                WriteNull(own, members);
            else
                LeaveOut(own, members);
        }
    }

    private static void RequiredOnlyIsNotNull(OpenApiSchema schema)
    {
        foreach (var name in schema.Required ?? new HashSet<string>())
        {
            if (schema.Properties!.TryGetValue(name, out var member))
                schema.Properties[name] = WithoutNull(member);
        }
    }

    private static void LeaveOut(OpenApiSchema schema, IDictionary<string, IOpenApiSchema> members)
    {
        var required = schema.Required ?? new HashSet<string>();
        schema.Required = members
            .Where(m => IsAnything(m.Value) ? required.Contains(m.Key) : !IsNullable(m.Value))
            .Select(m => m.Key)
            .ToHashSet();
        foreach (var name in members.Keys.ToList())
            members[name] = WithoutNull(members[name]);
    }

    /// <summary>Their members are written by another naming policy than those of our own API, too.</summary>
    private static void WriteNull(OpenApiSchema schema, IDictionary<string, IOpenApiSchema> members)
    {
        var names = JsonNamingPolicy.SnakeCaseLower;
        var leftOut =
            schema.Extensions?.Remove(SchemaDescriber.LeftOut, out var noted) == true
            && noted is JsonNodeExtension { Node: JsonArray list }
                ? list.Select(name => (string)name!).ToHashSet()
                : [];
        schema.Required = members.Keys.Except(leftOut).Select(names.ConvertName).ToHashSet();
        foreach (var member in members.Values.OfType<OpenApiSchema>())
        {
            if (member.AdditionalProperties is OpenApiSchema { Type: { } type } values)
                values.Type = type | JsonSchemaType.Null;
        }
        schema.Properties = members.ToDictionary(
            m => names.ConvertName(m.Key),
            m => leftOut.Contains(m.Key) ? WithoutNull(m.Value) : m.Value
        );
    }

    private static bool IsAnything(IOpenApiSchema member) =>
        member is OpenApiSchema { Type: null, OneOf: null, AllOf: null, AnyOf: null };

    private static bool IsNullable(IOpenApiSchema member) =>
        member is OpenApiSchema own
        && (own.Type is { } type && type.HasFlag(JsonSchemaType.Null) || own.OneOf is { } ways && ways.Any(IsNull));

    private static IOpenApiSchema WithoutNull(IOpenApiSchema member)
    {
        if (member is not OpenApiSchema own)
            return member;
        if (own.OneOf is { } ways && ways.Any(IsNull))
        {
            var rest = ways.First(way => !IsNull(way));
            if (own.Description is not null)
                rest.Description = own.Description;
            return rest;
        }
        if (own.Type is { } type)
            own.Type = type & ~JsonSchemaType.Null;
        return own;
    }

    private static bool IsNull(IOpenApiSchema schema) => schema is OpenApiSchema { Type: JsonSchemaType.Null };

    /// <summary>All schemas that this one is made of.</summary>
    private static void Collect(
        IOpenApiSchema? schema,
        IDictionary<string, IOpenApiSchema> schemas,
        HashSet<string> found
    )
    {
        if (schema is OpenApiSchemaReference { Reference.Id: { } name })
        {
            if (found.Add(name) && schemas.TryGetValue(name, out var target))
                Collect(target, schemas, found);
        }
        else if (schema is OpenApiSchema own)
        {
            foreach (
                var part in (own.Properties?.Values ?? [])
                    .Concat(own.OneOf ?? [])
                    .Concat(own.AllOf ?? [])
                    .Append(own.Items)
                    .Append(own.AdditionalProperties)
            )
            {
                Collect(part, schemas, found);
            }
        }
    }
}
