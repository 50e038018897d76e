using System.Text.Json;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>Reading JSON that may lack anything or have it in another type than usual.</summary>
internal static class Members
{
    public static JsonElement? Member(this JsonElement holder, string name) =>
        holder.ValueKind == JsonValueKind.Object
        && holder.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    public static JsonElement? Member(this JsonElement? holder, string name) => holder?.Member(name);

    /// <summary>Empty if the member is missing.</summary>
    public static string Text(this JsonElement holder, string name) =>
        holder.Member(name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    public static string Text(this JsonElement? holder, string name) => holder?.Text(name) ?? "";

    public static bool? Flag(this JsonElement? holder, string name) =>
        holder.Member(name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value
            ? value.GetBoolean()
            : null;

    public static int? Number(this JsonElement? holder, string name) =>
        holder.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number)
            ? number
            : null;

    /// <summary>Empty where there is no list.</summary>
    public static IEnumerable<JsonElement> List(this JsonElement? holder, string name) =>
        holder.Member(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    public static IEnumerable<JsonElement> List(this JsonElement holder, string name) =>
        ((JsonElement?)holder).List(name);

    /// <summary>A text as it is, anything else as JSON.</summary>
    public static string Plain(this JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
