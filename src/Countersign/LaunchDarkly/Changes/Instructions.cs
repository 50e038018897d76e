using System.Text.Json;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>The list of instructions, in whichever of its two forms it came.</summary>
internal static class Instructions
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>
    /// Samples of LaunchDarkly's API show the list as a text that holds it. What that text holds; null where the list
    /// came as a list, or the text holds none.
    /// </summary>
    public static JsonDocument? Unwrapped(JsonElement instructions)
    {
        if (instructions.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            var document = JsonDocument.Parse(instructions.GetString()!, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Array)
                return document;
            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A member named twice, here or below: it can't be told which of the two is meant.</summary>
    public static bool HasDuplicates(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var names = new HashSet<string>(StringComparer.Ordinal);
                return value.EnumerateObject().Any(m => !names.Add(m.Name) || HasDuplicates(m.Value));
            case JsonValueKind.Array:
                return value.EnumerateArray().Any(HasDuplicates);
            default:
                return false;
        }
    }
}
