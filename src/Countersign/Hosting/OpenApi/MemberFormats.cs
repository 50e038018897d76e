using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>Formats and examples that members have by their names, in every type.</summary>
internal static class MemberFormats
{
    public const string Time = "2026-03-04T05:06:07.000Z";

    private static readonly Dictionary<string, (string? Format, JsonNode? Example)> ByName = new(StringComparer.Ordinal)
    {
        ["email"] = ("email", "ann@example.com"),
        ["url"] = ("uri", "https://hooks.example.com/countersign"),
        ["baseUrl"] = ("uri", "https://app.launchdarkly.com"),
        ["digest"] = (null, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
        ["subject"] = (null, "Turn on loyalty points"),
        ["message"] = (null, "Rolls out to 10% first."),
        ["note"] = (null, "Looks good."),
        ["reason"] = (null, "No longer needed."),
        ["externalId"] = (null, "deploy-4711"),
        ["source"] = (null, "checkout"),
        ["group"] = (null, "SRE"),
        ["password"] = ("password", null),
        ["token"] = ("password", null),
        ["webhookSecret"] = ("password", null),
    };

    public static void Apply(OpenApiSchema member, string name, object? example)
    {
        var type = (member.Type ?? default) & ~JsonSchemaType.Null;
        if (type == JsonSchemaType.String && member.Enum is not { Count: > 0 })
        {
            if (name == "at" || name.EndsWith("At", StringComparison.Ordinal))
            {
                member.Format = "date-time";
                example ??= Time;
            }
            else if (ByName.TryGetValue(name, out var known))
            {
                member.Format ??= known.Format;
                example ??= known.Example?.DeepClone();
            }
        }
        var target = type == JsonSchemaType.Array && member.Items is OpenApiSchema item ? item : member;
        if (example is not null)
            target.Examples = [example as JsonNode ?? JsonSerializer.SerializeToNode(example, example.GetType())!];
    }
}
