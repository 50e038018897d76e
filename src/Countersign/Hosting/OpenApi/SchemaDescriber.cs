using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>An example of a member, where <see cref="MemberFormats"/> has none by its name.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class ExampleAttribute(object value) : Attribute
{
    public object Value => value;
}

/// <summary>An object with any members.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class AnyMembersAttribute : Attribute;

/// <summary>The format of a member, where <see cref="MemberFormats"/> has none by its name.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class FormatAttribute(string name) : Attribute
{
    public string Name => name;
}

/// <summary>
/// Completes each schema from the attributes of its members (<c>Description</c>, <c>Required</c>,
/// <c>AllowedValues</c>, <c>MaxLength</c>, <see cref="ExampleAttribute"/>) and from their names.
/// </summary>
internal sealed class SchemaDescriber : IOpenApiSchemaTransformer
{
    /// <summary>
    /// Notes which members of a schema are missing when they have no value, until <see cref="AnswerSchemas"/> reads it.
    /// </summary>
    public const string LeftOut = "x-left-out";

    public Task TransformAsync(
        OpenApiSchema schema,
        OpenApiSchemaTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        Plain(schema);
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object && schema.Properties is { } members)
        {
            foreach (var property in context.JsonTypeInfo.Properties)
            {
                if (members.TryGetValue(property.Name, out var member))
                    Describe(schema, property, member);
            }
        }
        return Task.CompletedTask;
    }

    /// <summary>Numbers are numbers: that they may come as strings too is no one's concern.</summary>
    public static void Plain(OpenApiSchema schema)
    {
        if (
            schema.Type is not { } type
            || !(type.HasFlag(JsonSchemaType.Integer) || type.HasFlag(JsonSchemaType.Number))
        )
        {
            return;
        }
        if (type.HasFlag(JsonSchemaType.Integer))
            type &= ~JsonSchemaType.Number;
        schema.Type = type & ~JsonSchemaType.String;
        schema.Pattern = null;
    }

    private static void Describe(OpenApiSchema owner, JsonPropertyInfo property, IOpenApiSchema member)
    {
        if (Find<DescriptionAttribute>(property) is { Description: var text })
            member.Description = text;
        if (Find<RequiredAttribute>(property) is not null)
            (owner.Required ??= new HashSet<string>()).Add(property.Name);
        if (Find<JsonIgnoreAttribute>(property) is { Condition: JsonIgnoreCondition.WhenWritingNull })
            NoteLeftOut(owner, property.Name);
        if (member is not OpenApiSchema own)
            return;
        if (Find<AnyMembersAttribute>(property) is not null)
        {
            var isThere = owner.Required?.Contains(property.Name) == true;
            own.Type = isThere ? JsonSchemaType.Object : JsonSchemaType.Object | JsonSchemaType.Null;
            own.AdditionalProperties = new OpenApiSchema();
        }
        Plain(own);
        if (Find<MaxLengthAttribute>(property) is { Length: var length } && IsText(own))
            own.MaxLength = length;
        if (Find<AllowedValuesAttribute>(property) is { Values: var words })
        {
            var target = own.Items as OpenApiSchema ?? own;
            target.Enum = [.. words.Select(word => JsonSerializer.SerializeToNode(word)!)];
        }
        own.Format = Find<FormatAttribute>(property)?.Name ?? own.Format;
        MemberFormats.Apply(own, property.Name, Find<ExampleAttribute>(property)?.Value);
    }

    private static void NoteLeftOut(OpenApiSchema owner, string name)
    {
        owner.Extensions ??= new Dictionary<string, IOpenApiExtension>();
        if (
            owner.Extensions.TryGetValue(LeftOut, out var known) && known is JsonNodeExtension { Node: JsonArray names }
        )
        {
            names.Add(name);
        }
        else
        {
            owner.Extensions[LeftOut] = new JsonNodeExtension(new JsonArray(name));
        }
    }

    private static bool IsText(OpenApiSchema schema) => schema.Type is { } type && type.HasFlag(JsonSchemaType.String);

    private static T? Find<T>(JsonPropertyInfo property)
        where T : Attribute =>
        Of<T>(property.AttributeProvider) ?? Of<T>(property.AssociatedParameter?.AttributeProvider);

    private static T? Of<T>(ICustomAttributeProvider? provider)
        where T : Attribute => provider?.GetCustomAttributes(typeof(T), inherit: true).OfType<T>().FirstOrDefault();
}
