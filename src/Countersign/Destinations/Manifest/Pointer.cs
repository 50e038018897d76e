using System.Text.Json;
using Json.Pointer;

namespace Countersign.Destinations.Manifest;

/// <summary>JSON pointers (RFC 6901) as manifests have them, and the scalars that they lead to.</summary>
internal static class Pointer
{
    /// <summary>
    /// Null for what is none, and for two forms that the package takes: a fragment of an address, and <c>-</c>, which
    /// to the RFC is the place after a list's last item and to the package that item.
    /// </summary>
    public static JsonPointer? Parse(string text) =>
        !text.StartsWith('#') && !text.Split('/').Contains("-") && JsonPointer.TryParse(text, out var pointer)
            ? pointer
            : null;

    /// <summary>A scalar as text; numbers as they were written.</summary>
    public static string? Text(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => element.GetRawText(),
            _ => null,
        };

    /// <summary>The scalar at that place, or null if it is missing.</summary>
    public static string? TextAt(JsonElement root, JsonPointer? pointer) =>
        pointer?.Evaluate(root) is { } found ? Text(found) : null;
}
