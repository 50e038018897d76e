using System.Globalization;
using System.Text.Json;
using Countersign.Pages.Prose;
using Countersign.People;

namespace Countersign.Pages.Request;

/// <summary>One detail that the source gave by name: project, environment, flag, the fields of its form.</summary>
/// <param name="Text">What is shown; where a name is known, the name.</param>
/// <param name="Key">The key beside the name.</param>
public sealed record Detail(string Name, string Text, string? Key, IReadOnlyList<string> Tags, DateTimeOffset? Time);

/// <summary>A value before and after the change, for people to compare.</summary>
/// <param name="Name">Empty where the change is the whole request.</param>
public sealed record Comparison(string Name, string Before, string After);

/// <summary>Reads the details of a request into what its page shows.</summary>
public static class Details
{
    /// <summary>More than anyone fills in, and few enough to be read; the API has them all.</summary>
    public const int Max = 200;

    private const string BeforeName = "before",
        AfterName = "after";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Shown elsewhere: as the change, the reason, the requester, the link.</summary>
    private static readonly string[] Elsewhere =
    [
        "comment",
        "details",
        "description",
        "requester",
        "requester.email",
        "link",
        "timestamp",
        SourceForm.ProblemsFact,
    ];

    public static IEnumerable<Detail> Of(RequestPageModel model)
    {
        foreach (var (name, value) in model.Facts)
        {
            if (!HasLine(model, name))
                continue;
            var text = TextOf(value);
            // project, project.name and project.tags are one line: "Shop (shop) · customer-facing".
            var called = IsPartOfAnother(model, name + ".name") ? model.Fact(name + ".name") : null;
            var tags = IsPartOfAnother(model, name + ".tags")
                ? model.Facts[name + ".tags"].EnumerateArray().Select(TextOf).ToList()
                : [];
            yield return new Detail(
                name,
                called ?? text,
                called is null || called == text ? null : text,
                tags,
                TimeOf(text)
            );
        }
    }

    /// <summary>Details that come in pairs: <c>before</c> and <c>after</c>, alone or behind a name and a dot.</summary>
    public static IReadOnlyList<Comparison> Comparisons(IReadOnlyDictionary<string, JsonElement> facts)
    {
        var found = new List<Comparison>();
        foreach (var (name, before) in facts)
        {
            if (PrefixOf(name, BeforeName) is { } prefix && facts.TryGetValue(prefix + AfterName, out var after))
                found.Add(new Comparison(prefix.TrimEnd('.'), Lines(before), Lines(after)));
        }
        return found;
    }

    public static string TextOf(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Array
                when value
                    .EnumerateArray()
                    .All(v => v.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object)) => string.Join(
                ", ",
                value.EnumerateArray().Select(TextOf)
            ),
            JsonValueKind.Null => "–",
            _ => value.GetRawText(),
        };

    /// <summary>All of them as text, one a line, for a comparison of two contents.</summary>
    public static string Lines(string facts)
    {
        var lines = JsonElement.Parse(facts).EnumerateObject().Select(f => $"{f.Name}: {TextOf(f.Value)}");
        return string.Join('\n', lines.Order(StringComparer.Ordinal));
    }

    /// <summary>JSON is laid out, also where it comes as a text.</summary>
    private static string Lines(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            return JsonSerializer.Serialize(value, Indented);
        var text = TextOf(value);
        if (text.AsSpan().TrimStart() is not ['{' or '[', ..])
            return text;
        try
        {
            return JsonSerializer.Serialize(JsonElement.Parse(text), Indented);
        }
        catch (JsonException)
        {
            return text;
        }
    }

    /// <summary>What stands beside the headline already, and nothing more is known of it.</summary>
    private static bool IsChip(RequestPageModel model, string name) =>
        name is "environment" or "place"
        && model.Fact(name) == model.Summary.Environment
        && !model.Facts.ContainsKey(name + ".name")
        && !model.Facts.ContainsKey(name + ".tags");

    private static bool HasLine(RequestPageModel model, string name) =>
        !(model.IsFromLaunchDarkly && Elsewhere.Contains(name, StringComparer.Ordinal))
        && !(name == "link" && model.Link is not null)
        && !IsPartOfAnother(model, name)
        && !IsChip(model, name)
        && !IsCompared(model.Facts, name);

    /// <summary>A name or tags that stand on the line of what they belong to; all else has a line of its own.</summary>
    private static bool IsPartOfAnother(RequestPageModel model, string name)
    {
        var dot = name.LastIndexOf('.');
        return dot > 0
            && model.Facts.TryGetValue(name, out var value)
            && (name[dot..], value.ValueKind) is (".name", JsonValueKind.String) or (".tags", JsonValueKind.Array)
            && model.Fact(name[..dot]) is not null
            && HasLine(model, name[..dot]);
    }

    private static bool IsCompared(IReadOnlyDictionary<string, JsonElement> facts, string name) =>
        (PrefixOf(name, BeforeName) is { } before && facts.ContainsKey(before + AfterName))
        || (PrefixOf(name, AfterName) is { } after && facts.ContainsKey(after + BeforeName));

    private static string? PrefixOf(string name, string ending) =>
        name == ending ? ""
        : name.EndsWith("." + ending, StringComparison.Ordinal) ? name[..^ending.Length]
        : null;

    private static DateTimeOffset? TimeOf(string text) =>
        DateTimeOffset.TryParseExact(
            text,
            "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time
            : null;
}
