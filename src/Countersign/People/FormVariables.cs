using System.ComponentModel.DataAnnotations;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.People;

/// <summary>
/// One field that LaunchDarkly asks its requesters for, beside what it always asks. Types are LaunchDarkly's words:
/// <c>string</c>, <c>boolean</c>, <c>uri</c>, <c>enum</c>, and <c>dynamicEnum</c>, whose options LaunchDarkly asks us
/// for.
/// </summary>
/// <param name="Options">What can be chosen, of <c>enum</c> and <c>dynamicEnum</c>.</param>
/// <param name="Default">What an optional field has when nothing is filled in.</param>
public sealed record FormVariable(
    string Key,
    string Name,
    [AllowedValues("string", "boolean", "uri", "enum", "dynamicEnum")] string Type,
    string Description,
    bool Required,
    IReadOnlyList<string> Options,
    string Default
)
{
    public const int MaxKey = 20,
        MaxName = 50,
        MaxDescription = 250,
        MaxOptions = 100,
        MaxOption = 100;

    public static readonly IReadOnlyList<string> Types = ["string", "boolean", "uri", "enum", "dynamicEnum"];

    [JsonIgnore]
    public bool HasOptions => Type is "enum" or "dynamicEnum";

    /// <summary>What came for it and can't be right: <c>missing</c> or <c>invalid</c>; null: nothing.</summary>
    /// <param name="value">Null where nothing came.</param>
    public string? ProblemOf(string? value) =>
        string.IsNullOrWhiteSpace(value) ? (Required ? "missing" : null)
        : Type switch
        {
            "boolean" => value is "true" or "false",
            "uri" => Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http",
            "enum" or "dynamicEnum" => Options.Contains(value, StringComparer.Ordinal),
            _ => true,
        }
            ? null
        : "invalid";
}

/// <summary>The fields that a source's LaunchDarkly integration asks for.</summary>
public sealed record SourceForm(IReadOnlyList<FormVariable> Variables)
{
    public const int MaxVariables = 20;

    /// <summary>The fact that holds what is wrong with the values that came, such as <c>ticket missing</c>.</summary>
    public const string ProblemsFact = "form_problems";

    public static readonly SourceForm Empty = new([]);

    private static readonly JsonSerializerOptions Form = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonSerializerOptions Indented = new(Form) { WriteIndented = true };

    public FormVariable? Find(string key) => Variables.FirstOrDefault(v => v.Key == key);

    /// <summary>
    /// What is wrong with the values of a request: of each field at most one. It never keeps a request out: no one
    /// would be shown why, and the field may have been added here before it was added there.
    /// </summary>
    public IReadOnlyList<string> Problems(IReadOnlyList<(string Key, string Value)> values) =>
        [
            .. Variables
                .Select(v =>
                    (
                        v.Key,
                        Problem: v.ProblemOf(values.Where(x => x.Key == v.Key).Select(x => x.Value).FirstOrDefault())
                    )
                )
                .Where(v => v.Problem is not null)
                .Select(v => $"{v.Key} {v.Problem}"),
        ];

    /// <summary>
    /// What is pasted into "Additional form variables" of LaunchDarkly's integration. An optional field has a default
    /// always: without one LaunchDarkly renders a request that is no JSON.
    /// </summary>
    public string ToLaunchDarkly() =>
        JsonSerializer.Serialize(
            Variables.Select(v =>
            {
                var item = new Dictionary<string, object>
                {
                    ["key"] = v.Key,
                    ["name"] = v.Name,
                    ["type"] = v.Type,
                    ["description"] = v.Description.Length > 0 ? v.Description : v.Name,
                };
                if (!v.Required)
                {
                    item["isOptional"] = true;
                    item["defaultValue"] = v.Type == "boolean" ? v.Default == "true" : v.Default;
                }
                if (v.Type == "enum")
                    item["allowedValues"] = v.Options;
                if (v.Type == "dynamicEnum")
                    item["dynamicOptions"] = DynamicOptions(v.Key);
                return item;
            }),
            Indented
        );

    private static object DynamicOptions(string key) =>
        new
        {
            endpoint = new
            {
                url = $"{{{{baseURL}}}}/api/options/{key}",
                method = "GET",
                headers = new[] { new { name = "Authorization", value = "Bearer {{apiKey}}" } },
            },
            parser = new { optionsPath = "/options", optionsItems = new { label = "/label", value = "/value" } },
        };

    public string ToText() => JsonSerializer.Serialize(Variables, Form);

    public static SourceForm Read(string? text) =>
        text is null ? Empty : new SourceForm(JsonSerializer.Deserialize<List<FormVariable>>(text, Form) ?? []);

    /// <summary>The first thing that LaunchDarkly would not take: the field's number, its member, and why.</summary>
    public (int At, string Member, string Why)? Problem()
    {
        if (Variables.Count > MaxVariables)
            return (MaxVariables, "key", $"A form can have at most {MaxVariables} fields.");
        for (var i = 0; i < Variables.Count; i++)
        {
            var v = Variables[i];
            var why =
                v.Key.Length is 0 or > FormVariable.MaxKey || v.Key.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_')
                    ? ("key", "A key has 1 to 20 letters, digits and underscores.")
                : Variables.Take(i).Any(other => other.Key == v.Key) ? ("key", "Another field has this key already.")
                : v.Name.Trim().Length is 0 or > FormVariable.MaxName ? ("name", "A label has 1 to 50 characters.")
                : v.Description.Length > FormVariable.MaxDescription
                    ? ("description", "A description can have at most 250 characters.")
                : !FormVariable.Types.Contains(v.Type)
                    ? ("type", $"A type is one of {string.Join(", ", FormVariable.Types)}.")
                : v.HasOptions && v.Options.Count == 0 ? ("options", "Give the options, one per line.")
                : !v.HasOptions && v.Options.Count > 0 ? ("options", "Only lists have options.")
                : v.Options.Count > FormVariable.MaxOptions ? ("options", "A list can have at most 100 options.")
                : v.Options.Any(o => o.Length is 0 or > FormVariable.MaxOption || o != o.Trim())
                || v.Options.Distinct(StringComparer.Ordinal).Count() < v.Options.Count
                    ? ("options", "Each option has 1 to 100 characters and is there only once.")
                : v.Required && v.Default.Length > 0 ? ("default", "A required field has no default.")
                : !v.Required && v.HasOptions && !v.Options.Contains(v.Default, StringComparer.Ordinal)
                    ? ("default", "The default of an optional list is one of its options.")
                : !v.Required && v.Default.Length > 0 && v.ProblemOf(v.Default) is not null
                    ? ("default", "The default doesn't fit the type.")
                : v.Default.Length > 1_000 ? ("default", "A default can have at most 1000 characters.")
                : ((string, string)?)null;
            if (why is { } found)
                return (i, found.Item1, found.Item2);
        }
        return null;
    }
}
