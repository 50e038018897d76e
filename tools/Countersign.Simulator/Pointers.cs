using System.Text.Json;
using Json.Pointer;

namespace Countersign.Simulator;

internal static class Pointers
{
    public static JsonPointer Parse(string text) =>
        JsonPointer.TryParse(text, out var pointer)
            ? pointer
            : throw new FormatException($"{text} isn't a JSON Pointer; start it with a slash.");

    /// <summary>The scalar at that place as text, numbers as they were written; null if it is missing.</summary>
    public static string? TextIn(this JsonPointer pointer, JsonElement root) =>
        pointer.Evaluate(root) switch
        {
            { ValueKind: JsonValueKind.String } text => text.GetString(),
            { ValueKind: JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False } other =>
                other.GetRawText(),
            _ => null,
        };
}
