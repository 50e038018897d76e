using System.Globalization;
using System.Text.Json;

namespace Countersign.Destinations.Manifest;

/// <summary>JSON pointers as RFC 6901 has them.</summary>
internal static class Pointer
{
    public static JsonElement? Find(JsonElement root, string pointer)
    {
        var at = root;
        foreach (
            var step in pointer
                .Split('/')
                .Skip(1)
                .Select(s =>
                    s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)
                )
        )
        {
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(step, out var member))
            {
                at = member;
            }
            else if (
                at.ValueKind == JsonValueKind.Array
                && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && index < at.GetArrayLength()
            )
            {
                at = at[index];
            }
            else
            {
                return null;
            }
        }
        return at;
    }

    /// <summary>A scalar as text; numbers as they were written.</summary>
    public static string? Text(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => element.GetRawText(),
            _ => null,
        };

    /// <summary>The scalar at that place, null where there is none.</summary>
    public static string? TextAt(JsonElement root, string? pointer) =>
        pointer is not null && Find(root, pointer) is { } found ? Text(found) : null;

    /// <summary>
    /// Empty points at the whole; everything else begins with a slash, and a tilde is followed by 0 or 1.
    /// </summary>
    public static bool IsOne(string text)
    {
        if (text.Length > 0 && text[0] != '/')
            return false;
        for (var i = text.IndexOf('~', StringComparison.Ordinal); i >= 0; i = text.IndexOf('~', i + 1))
        {
            if (i + 1 >= text.Length || text[i + 1] is not ('0' or '1'))
                return false;
        }
        return true;
    }
}
