using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>What a parameter can be.</summary>
internal static class Values
{
    internal static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public static OpenApiSchema Text(string? example = null, int? max = null) =>
        new()
        {
            Type = JsonSchemaType.String,
            MaxLength = max,
            Examples = example is null ? null : [example],
        };

    public static OpenApiSchema OneOf(params IEnumerable<string> words) =>
        new() { Type = JsonSchemaType.String, Enum = [.. words.Select(word => (JsonNode)word)] };

    /// <summary>One or more, separated by commas.</summary>
    public static OpenApiSchema ManyOf(params IEnumerable<string> words) => Many(OneOf(words));

    public static OpenApiSchema Many(OpenApiSchema each, int max = 100) =>
        new()
        {
            Type = JsonSchemaType.Array,
            Items = each,
            MaxItems = max,
        };

    public static OpenApiSchema Number(int min, int? max = null, int? usual = null) =>
        new()
        {
            Type = JsonSchemaType.Integer,
            Format = "int32",
            Minimum = min.ToString(CultureInfo.InvariantCulture),
            Maximum = max?.ToString(CultureInfo.InvariantCulture),
            Default = usual,
        };

    public static OpenApiSchema Id() => new() { Type = JsonSchemaType.Integer, Format = "int64" };

    public static OpenApiSchema Time() =>
        new()
        {
            Type = JsonSchemaType.String,
            Format = "date-time",
            Examples = ["2026-03-04T05:06:07Z"],
        };
}
