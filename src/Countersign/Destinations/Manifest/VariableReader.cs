using System.Text.Json;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// Reads form variables; its findings are those that the published schema leaves to its repository's tests, and a few
/// that nobody looks for.
/// </summary>
internal sealed class VariableReader(FindingList findings, Func<JsonElement, string, string, CallTemplate?> readCall)
{
    private static readonly HashSet<string> Types =
    [
        "string",
        "boolean",
        "uri",
        "enum",
        "oauth",
        "dynamicEnum",
        "generated",
        "environmentSelector",
        "multiselect",
        "publicKey",
    ];

    private static readonly Dictionary<string, Comparison> Operators = Enum.GetValues<Comparison>()
        .ToDictionary(c => char.ToLowerInvariant(c.ToString()[0]) + c.ToString()[1..]);

    /// <summary>Ten times what the largest published manifest has.</summary>
    private const int MaxVariables = 200;
    private const int MaxDependences = 50;

    /// <summary>The variable that is looked at: findings name it, and not only its place in a long list.</summary>
    private (string Place, string Key) _named = ("", "");

    private readonly Dictionary<FormVariable, string> _places = new(ReferenceEqualityComparer.Instance);

    public IReadOnlyList<FormVariable> Read(JsonElement parent, string name, string place)
    {
        if (ManifestReader.Member(parent, name) is not { } list)
            return [];
        if (list.ValueKind != JsonValueKind.Array)
        {
            Fatal(
                place,
                "Form variables must be a list.",
                "Write [{\"key\": …, \"name\": …, \"type\": …, \"description\": …}]."
            );
            return [];
        }
        if (list.GetArrayLength() > MaxVariables)
        {
            Fatal(
                place,
                $"There are {list.GetArrayLength()} variables; a list can have at most {MaxVariables}.",
                "Remove unused variables."
            );
            return [];
        }
        var variables = list.EnumerateArray().Select((v, n) => One(v, $"{place}[{n}]")).OfType<FormVariable>().ToList();
        foreach (var twice in variables.GroupBy(v => v.Key).Where(g => g.Count() > 1))
        {
            Fatal(place, $"The key {twice.Key} appears {twice.Count()} times.", "Give each variable a unique key.");
        }
        return variables;
    }

    /// <summary>What can only be seen with all lists at hand.</summary>
    public void CheckTogether(
        IReadOnlyList<FormVariable> form,
        IReadOnlyList<FormVariable> environment,
        IReadOnlyList<FormVariable> request
    )
    {
        foreach (
            var twice in form.Concat(environment)
                .GroupBy(v => v.Key)
                .Where(g => g.Select(v => _places[v].Split('[')[0]).Distinct().Count() > 1)
        )
        {
            Warn(
                _places[twice.Last()],
                $"The key {twice.Key} is also used in another list; both share one setting.",
                "Use a unique key."
            );
        }
        foreach (var variable in form.Concat(environment).Concat(request))
        {
            _named = (_places[variable], variable.Key);
            foreach (var (dependence, n) in variable.DependsOn.Select((d, n) => (d, n)))
            {
                var target = dependence.VariableLocation switch
                {
                    "formVariables" => form,
                    "environmentFormVariables" => environment,
                    "approvalFormVariables" => request,
                    _ => null,
                };
                if (target is null)
                {
                    Fatal(
                        $"{_places[variable]}.dependsOn[{n}].variableLocation",
                        $"{dependence.VariableLocation} isn't a list of variables.",
                        "Use formVariables, environmentFormVariables or approvalFormVariables."
                    );
                }
                else if (!target.Any(v => v.Key == dependence.VariableKey))
                {
                    Fatal(
                        $"{_places[variable]}.dependsOn[{n}].variableKey",
                        $"There is no variable {dependence.VariableKey} in {dependence.VariableLocation}.",
                        "Name an existing variable."
                    );
                }
                else if (dependence.VariableKey == variable.Key && target.Contains(variable))
                {
                    Warn($"{_places[variable]}.dependsOn[{n}]", "It depends on itself.", "Name another variable.");
                }
            }
        }
    }

    private FormVariable? One(JsonElement variable, string place)
    {
        var key = ManifestReader.TextOf(variable, "key") ?? "";
        var type = ManifestReader.TextOf(variable, "type") ?? "";
        _named = (place, key);
        if (key.Length is 0 or > 20 || key.Any(char.IsWhiteSpace))
        {
            Fatal(
                $"{place}.key",
                "A key must have 1 to 20 characters and no spaces.",
                "Shorten it, and remove spaces."
            );
            return null;
        }
        if (!Types.Contains(type))
        {
            Fatal(
                $"{place}.type",
                $"{(type.Length == 0 ? "Nothing" : type)} isn't a type.",
                $"Use one of {string.Join(", ", Types.Order())}."
            );
            return null;
        }
        var read = new FormVariable
        {
            Key = key,
            Name = ManifestReader.TextOf(variable, "name") ?? key,
            Type = type,
            Description = ManifestReader.TextOf(variable, "description") ?? "",
            Placeholder = ManifestReader.TextOf(variable, "placeholder"),
            IsSecret = Is(variable, "isSecret"),
            IsHidden = Is(variable, "isHidden"),
            IsOptional = Is(variable, "isOptional"),
            Default = ManifestReader.Member(variable, "defaultValue")?.Clone(),
            AllowedValues = Texts(variable, "allowedValues"),
            Options = ManifestReader.Member(variable, "multiselectOptions")
                is { ValueKind: JsonValueKind.Array } options
                ?
                [
                    .. options
                        .EnumerateArray()
                        .Select(o =>
                            (ManifestReader.TextOf(o, "label") ?? "", ManifestReader.TextOf(o, "value") ?? "")
                        ),
                ]
                : [],
            DefaultOptions = Texts(variable, "multiselectDefaultOptions"),
            DynamicOptions = ManifestReader.Member(variable, "dynamicOptions") is null
                ? null
                : readCall(variable, "dynamicOptions", place),
            DependsOn = ManifestReader.Member(variable, "dependsOn") is { ValueKind: JsonValueKind.Array } dependsOn
                ?
                [
                    .. dependsOn
                        .EnumerateArray()
                        .Take(MaxDependences)
                        .Select((d, n) => Depends(d, $"{place}.dependsOn[{n}]")),
                ]
                : [],
        };
        if (
            ManifestReader.Member(variable, "dependsOn") is { ValueKind: JsonValueKind.Array } all
            && all.GetArrayLength() > MaxDependences
        )
        {
            Fatal($"{place}.dependsOn", $"It depends on more than {MaxDependences} variables.", "Remove some of them.");
        }
        _places[read] = place;
        Check(read, place);
        return read;
    }

    private void Check(FormVariable v, string place)
    {
        if (v.Type == "enum" && v.AllowedValues.Count == 0)
            Fatal($"{place}.allowedValues", "There are no values to choose from.", "List the values in allowedValues.");
        if (v.Type == "dynamicEnum" && v.DynamicOptions is null)
        {
            Fatal(
                $"{place}.dynamicOptions",
                "It has no source for its values.",
                "Describe the call in dynamicOptions."
            );
        }
        if (v.Type != "dynamicEnum" && v.DynamicOptions is not null)
            Warn($"{place}.dynamicOptions", "Only a dynamicEnum can look up its values.", "Make it a dynamicEnum.");
        if (v.Type == "multiselect" && v.Options.Count == 0)
        {
            Fatal(
                $"{place}.multiselectOptions",
                "There are no values to choose from.",
                "List the options with label and value."
            );
        }
        if (v.IsSecret && v.Type is not ("string" or "oauth" or "publicKey" or "generated"))
            Warn($"{place}.isSecret", $"A {v.Type} can't be secret.", "Make it a string, or remove isSecret.");
        if (v.IsMultiple && (v.Default is not null || v.AllowedValues.Count > 0 || v.IsSecret))
        {
            Warn(
                place,
                $"A {v.Type} can't have defaultValue, allowedValues or isSecret.",
                "Use multiselectOptions and multiselectDefaultOptions."
            );
        }
        if (v.Default is { } value && value.ValueKind != (v.IsBoolean ? value.GetBooleanKind() : JsonValueKind.String))
        {
            Warn(
                $"{place}.defaultValue",
                $"The default of a {v.Type} must be {(v.IsBoolean ? "true or false" : "a string")}.",
                v.IsBoolean ? "Write true or false without quotes." : "Write it in quotes."
            );
        }
        if (
            v.Type == "enum"
            && v.Default is { ValueKind: JsonValueKind.String } one
            && v.AllowedValues.Count > 0
            && !v.AllowedValues.Contains(one.GetString())
        )
        {
            Warn(
                $"{place}.defaultValue",
                "The default isn't one of the allowed values.",
                "Allow it, or choose another."
            );
        }
        if (v.IsHidden && !v.IsOptional && v.Default is null && !v.DependsOn.Any(d => d.Shows))
        {
            Fatal(
                $"{place}.isHidden",
                "It's required but never shown.",
                "Make it optional, give it a default, or show it with dependsOn."
            );
        }
    }

    private Dependence Depends(JsonElement dependence, string place)
    {
        var action = ManifestReader.TextOf(dependence, "action");
        if (action is not ("showField" or "hideField"))
            Fatal($"{place}.action", "It has neither showField nor hideField.", "Add one of them.");
        var conditions = new List<Condition>();
        if (ManifestReader.Member(dependence, "conditions") is { ValueKind: JsonValueKind.Array } list)
        {
            foreach (var condition in list.EnumerateArray())
            {
                if (
                    ManifestReader.TextOf(condition, "operator") is { } name
                    && Operators.TryGetValue(name, out var comparison)
                )
                {
                    conditions.Add(new Condition(comparison, ManifestReader.TextOf(condition, "value") ?? ""));
                }
                else
                {
                    Fatal(
                        $"{place}.conditions",
                        "The operator is unknown.",
                        $"Use one of {string.Join(", ", Operators.Keys)}."
                    );
                }
            }
        }
        if (conditions.Count == 0)
        {
            Fatal(
                $"{place}.conditions",
                "It has no condition.",
                "Add one: {\"operator\": \"equalTo\", \"value\": \"true\"}."
            );
        }
        return new Dependence(
            ManifestReader.TextOf(dependence, "variableKey") ?? "",
            ManifestReader.TextOf(dependence, "variableLocation") ?? "",
            action == "showField",
            conditions
        );
    }

    private void Fatal(string place, string problem, string fix) =>
        findings.Add(new Finding(place, Named(place, problem), fix, IsFatal: true));

    private void Warn(string place, string problem, string fix) =>
        findings.Add(new Finding(place, Named(place, problem), fix));

    private string Named(string place, string problem) =>
        _named.Key.Length > 0
        && (place == _named.Place || place.StartsWith(_named.Place + ".", StringComparison.Ordinal))
        && !problem.Split(' ', '.', ',', ';').Contains(_named.Key)
            ? $"{_named.Key}: {problem}"
            : problem;

    private static bool Is(JsonElement variable, string name) =>
        ManifestReader.Member(variable, name) is { ValueKind: JsonValueKind.True };

    private static IReadOnlyList<string> Texts(JsonElement variable, string name) =>
        ManifestReader.Member(variable, name) is { ValueKind: JsonValueKind.Array } list
            ? [.. list.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(t => t.GetString()!)]
            : [];
}

file static class JsonKinds
{
    /// <summary>Whichever of the two it is.</summary>
    public static JsonValueKind GetBooleanKind(this JsonElement value) =>
        value.ValueKind == JsonValueKind.False ? JsonValueKind.False : JsonValueKind.True;
}
