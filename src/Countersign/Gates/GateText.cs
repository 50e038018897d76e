using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Storage;

namespace Countersign.Gates;

/// <summary>How gates read what comes: JSON of which any part may be missing or of another type.</summary>
internal static class GateText
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    public const string NotAnObject = "The body must be a JSON object in which no member appears twice.";

    /// <summary>Null where it isn't an object, or a member appears twice.</summary>
    public static JsonObject? Object(byte[] body) => Node(body) as JsonObject;

    /// <summary>Those of a list; none where it isn't one.</summary>
    public static IReadOnlyList<JsonObject> Objects(byte[] body) =>
        [.. (Node(body) as JsonArray ?? []).OfType<JsonObject>()];

    /// <summary>Null where it isn't JSON, or a member appears twice.</summary>
    public static JsonNode? Node(byte[] body)
    {
        try
        {
            return JsonNode.Parse(WellFormed.Json(Encoding.UTF8.GetString(body)), documentOptions: Strict);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The text of a call without the values of these members, at any depth and in any case.</summary>
    public static string Without(byte[] body, IReadOnlyList<string> members)
    {
        if (members.Count == 0)
            return Encoding.UTF8.GetString(body);
        if (Node(body) is not { } node)
            return "(Not kept: it can't be read, so a credential in it couldn't be left out.)";
        LeaveOut(node);
        return node.ToJsonString(History.Json);

        void LeaveOut(JsonNode? within)
        {
            switch (within)
            {
                case JsonObject some:
                    foreach (var (name, value) in some.ToList())
                    {
                        if (members.Contains(name, StringComparer.OrdinalIgnoreCase))
                            some[name] = "…";
                        else
                            LeaveOut(value);
                    }
                    break;
                case JsonArray many:
                    foreach (var one in many)
                        LeaveOut(one);
                    break;
            }
        }
    }

    /// <summary>How an admin answers a question.</summary>
    public const string Yes = "yes",
        No = "no";

    public static IReadOnlyList<string> NoOrYes { get; } = [No, Yes];

    /// <summary>Empty if the member is missing.</summary>
    public static string Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? WellFormed.Text(text) : "";

    public static string Text(JsonObject? of, string name) => Text(of?[name]);

    public static long? Number(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    public static bool? Bool(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<bool>(out var given) ? given : null;

    /// <summary>One line of at most this number of characters.</summary>
    public static string Line(string text, int most)
    {
        var line = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.Length <= most ? line : WellFormed.Cut(line, most - 1) + "…";
    }

    /// <summary>A fact that isn't there is left out.</summary>
    public static void Add(this JsonObject facts, string fact, string value, int most = 500)
    {
        if (value.Length > 0)
            facts[fact] = Line(value, most);
    }

    public static string Json(this JsonObject members) => members.ToJsonString(History.Json);

    /// <summary>Text that ends with the request's address, where there is one.</summary>
    public static string WithLink(GateVerdict verdict) =>
        verdict.Link is null ? verdict.Text : $"{verdict.Text} – {verdict.Link}";
}
