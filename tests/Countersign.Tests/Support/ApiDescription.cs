using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Countersign.Tests;

/// <summary>
/// The API's description, and whether answers are as it says: an <see cref="ApiClient"/> that checks it asks this of
/// every answer.
/// </summary>
public sealed partial class ApiDescription
{
    private static readonly SemaphoreSlim Reading = new(1);
    private static ApiDescription? _read;

    private readonly List<(Regex Path, string Template, JsonObject Methods)> _paths;
    private readonly JsonShapes _shapes;

    private ApiDescription(JsonObject document)
    {
        Document = document;
        _shapes = new JsonShapes(document);
        _paths =
        [
            .. from path in document["paths"]!.AsObject()
            // Fixed words go before parameters.
            orderby path.Key.Count(c => c == '{'), path.Key.Length descending
            let pattern = $"^{Parameter().Replace(Regex.Escape(path.Key).Replace("\\{", "{"), "[^/]+")}/?$"
            select (new Regex(pattern, RegexOptions.None, TimeSpan.FromSeconds(1)), path.Key, path.Value!.AsObject()),
        ];
    }

    public JsonObject Document { get; }

    /// <summary>Read once, from a server of its own: it is the same for all, and reading it counts as a call.</summary>
    public static async Task<ApiDescription> Read()
    {
        await Reading.WaitAsync();
        try
        {
            return _read ??= await ReadFromServer();
        }
        finally
        {
            Reading.Release();
        }
    }

    private static async Task<ApiDescription> ReadFromServer()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var http = new HttpClient { BaseAddress = host.Address };
        var text = await http.GetStringAsync(new Uri("openapi/v1.json", UriKind.Relative));
        return new ApiDescription(JsonNode.Parse(text)!.AsObject());
    }

    public IEnumerable<(string Method, string Path, JsonObject Operation)> Operations() =>
        from path in _paths
        from method in path.Methods
        select (method.Key.ToUpperInvariant(), path.Template, method.Value!.AsObject());

    /// <summary>What a reference stands for.</summary>
    public JsonObject Follow(JsonNode node) => _shapes.Follow(node.AsObject());

    /// <summary>What is not as described about an answer; null where the description knows no such call.</summary>
    public string? Mistake(HttpMethod method, string path, int status, string? mediaType, string text)
    {
        path = path.Split('?')[0];
        path = path.EndsWith(".json", StringComparison.Ordinal) ? path[..^5] : path;
        var named = _paths.Where(p => p.Path.IsMatch(path)).ToList();
        var operation = named
            .Select(p => p.Methods[method.Method.ToLowerInvariant()])
            .FirstOrDefault(o => o is not null);
        // The server itself refuses some addresses before any of us sees them.
        if (operation is null || (status == 400 && text.Length == 0))
            return null;
        if (operation["responses"]![$"{status}"] is not { } response)
            return $"it answers {status}, which isn't described: {text}";
        if (Follow(response)["content"] is not JsonObject content)
            return text.Length == 0 ? null : $"it answers {status} with a body, which isn't described: {text}";
        if (content[mediaType ?? ""] is not { } described)
            return $"it answers {status} as {mediaType}, which isn't described: {text}";
        if (!mediaType!.EndsWith("json", StringComparison.Ordinal))
            return null;
        return _shapes.Mistake(JsonNode.Parse(text), described["schema"]!.AsObject(), "") is { } wrong
            ? $"it answers {status} with {wrong}: {text}"
            : null;
    }

    [GeneratedRegex("{[^/}]+}", RegexOptions.None, 1000)]
    private static partial Regex Parameter();
}

/// <summary>As much of JSON Schema as the description uses; members that it doesn't name are mistakes.</summary>
internal sealed class JsonShapes(JsonObject document)
{
    public JsonObject Follow(JsonObject node)
    {
        while (node["$ref"]?.ToString() is { } reference)
        {
            var target = reference[2..].Split('/').Aggregate((JsonNode)document, (at, name) => at[name]!);
            node = target.AsObject();
        }
        return node;
    }

    /// <summary>The first thing wrong about a value, with its place; null where nothing is.</summary>
    public string? Mistake(JsonNode? value, JsonObject schema, string place)
    {
        schema = Merged(schema);
        foreach (var either in new[] { "anyOf", "oneOf" })
        {
            if (schema[either] is JsonArray ways)
            {
                var wrong = ways.Select(way => Mistake(value, way!.AsObject(), place)).ToList();
                if (!wrong.Contains(null))
                    return string.Join(" or ", wrong);
            }
        }
        if (schema["type"] is { } type && !Types(type).Contains(TypeOf(value)) && !IsWhole(value, type))
            return $"{Named(place)} as {TypeOf(value)}";
        if (schema["enum"] is JsonArray words && !words.Any(word => JsonNode.DeepEquals(word, value)))
            return $"{Named(place)} as {value}, which isn't one of {words.ToJsonString()}";
        if (
            schema["format"]?.ToString() == "date-time"
            && value is not null
            && !DateTimeOffset.TryParse($"{value}", CultureInfo.InvariantCulture, out _)
        )
        {
            return $"{Named(place)} as {value}, which isn't a time";
        }
        return value switch
        {
            JsonObject members => OfObject(members, schema, place),
            JsonArray items when schema["items"] is JsonObject item => items
                .Select((each, i) => Mistake(each, item, $"{place}[{i}]"))
                .FirstOrDefault(wrong => wrong is not null),
            _ => null,
        };
    }

    private string? OfObject(JsonObject members, JsonObject schema, string place)
    {
        if (schema["required"] is JsonArray required)
        {
            foreach (var name in required)
            {
                if (!members.ContainsKey($"{name}"))
                    return $"no {place}.{name}";
            }
        }
        var known = schema["properties"] as JsonObject;
        foreach (var (name, member) in members)
        {
            var own = known?[name] ?? schema["additionalProperties"];
            if (own is JsonObject described)
            {
                if (Mistake(member, described, $"{place}.{name}") is { } wrong)
                    return wrong;
            }
            else if (known is not null && own is null && schema["anyOf"] is null)
            {
                return $"{place}.{name}, which isn't described";
            }
        }
        return null;
    }

    /// <summary>The schema with all of those that it's made of.</summary>
    private JsonObject Merged(JsonObject schema)
    {
        schema = Follow(schema);
        if (schema["allOf"] is not JsonArray parts)
            return schema;
        var whole = new JsonObject();
        foreach (var part in parts.Select(part => Merged(part!.AsObject())).Append(Without(schema, "allOf")))
            Merge(whole, part);
        return whole;
    }

    private void Merge(JsonObject into, JsonObject part)
    {
        foreach (var (name, value) in part)
        {
            switch (into[name], value)
            {
                case (JsonObject known, JsonObject more):
                    Merge(known, Follow(more));
                    break;
                case (JsonArray known, JsonArray more) when name == "required":
                    foreach (var word in more)
                        known.Add(word?.DeepClone());
                    break;
                default:
                    into[name] = value?.DeepClone();
                    break;
            }
        }
    }

    private static JsonObject Without(JsonObject schema, string name)
    {
        var copy = schema.DeepClone().AsObject();
        copy.Remove(name);
        return copy;
    }

    private static string Named(string place) => place.Length == 0 ? "its body" : place;

    private static IEnumerable<string> Types(JsonNode type) =>
        type is JsonArray several ? several.Select(t => $"{t}") : [$"{type}"];

    private static bool IsWhole(JsonNode? value, JsonNode type) =>
        value?.GetValueKind() == JsonValueKind.Number
        && Types(type).Contains("integer")
        && !value.ToJsonString().Contains('.', StringComparison.Ordinal);

    private static string TypeOf(JsonNode? value) =>
        value?.GetValueKind() switch
        {
            null or JsonValueKind.Null => "null",
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.Number => "number",
            _ => "boolean",
        };
}
