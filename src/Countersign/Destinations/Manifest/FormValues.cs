using System.Globalization;
using System.Text.Json;

namespace Countersign.Destinations.Manifest;

/// <summary>What was filled in, with defaults put in, types made right and hidden fields taken out.</summary>
internal sealed class FormValues
{
    public static readonly FormValues None = new();

    /// <summary>A value is text, true or false, or a list of texts.</summary>
    public Dictionary<string, object?> Form { get; } = [];
    public Dictionary<string, object?> Environment { get; } = [];
    public Dictionary<string, object?> Request { get; } = [];

    /// <summary>Reads settings and, where a request is at hand, what came with it. Mistakes are named by key.</summary>
    public static (FormValues Values, IReadOnlyList<(string Key, string Problem)> Mistakes) Read(
        ApprovalManifest manifest,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyList<KeyValuePair<string, string>>? request = null
    )
    {
        var values = new FormValues();
        var mistakes = new List<(string, string)>();
        foreach (var variable in manifest.FormVariables)
            values.Form[variable.Key] = Typed(variable, settings.GetValueOrDefault(variable.Key));
        foreach (var variable in manifest.EnvironmentVariables)
            values.Environment[variable.Key] = Typed(variable, settings.GetValueOrDefault(variable.Key));
        var sent = request?.DistinctBy(r => r.Key).ToDictionary(r => r.Key, r => r.Value) ?? [];
        foreach (var variable in manifest.RequestVariables)
            values.Request[variable.Key] = Typed(variable, sent.GetValueOrDefault(variable.Key));
        if (manifest.TakesMoreRequestVariables)
        {
            foreach (var (key, value) in sent)
                values.Request.TryAdd(key, value);
        }

        values.HideAndCheck(manifest.FormVariables, values.Form, mistakes);
        values.HideAndCheck(manifest.EnvironmentVariables, values.Environment, mistakes);
        // What a request lacks is not the operator's mistake, and an empty text says so to the other system.
        values.HideAndCheck(manifest.RequestVariables, values.Request, []);
        return (values, mistakes);
    }

    /// <summary>
    /// Hidden by itself, shown once every showField agrees, hidden again by any hideField that holds.
    /// </summary>
    public bool IsVisible(FormVariable variable)
    {
        var shows = variable.DependsOn.Where(d => d.Shows).ToList();
        return (shows.Count > 0 ? shows.All(IsMet) : !variable.IsHidden)
            && !variable.DependsOn.Any(d => !d.Shows && IsMet(d));
    }

    private bool IsMet(Dependence dependence)
    {
        var target = dependence.VariableLocation switch
        {
            "formVariables" => Form,
            "environmentFormVariables" => Environment,
            _ => Request,
        };
        return target.TryGetValue(dependence.VariableKey, out var value)
            && dependence.Conditions.All(c => Holds(c, TemplateHelpers.Text(value)));
    }

    private void HideAndCheck(
        IReadOnlyList<FormVariable> variables,
        Dictionary<string, object?> values,
        List<(string, string)> mistakes
    )
    {
        foreach (var variable in variables)
        {
            if (!IsVisible(variable) && variable.DependsOn.Count > 0)
                values.Remove(variable.Key);
            else if (!variable.IsHidden || variable.DependsOn.Count > 0)
                Check(variable, values[variable.Key], mistakes);
        }
    }

    private static void Check(FormVariable variable, object? value, List<(string, string)> mistakes)
    {
        var text = TemplateHelpers.Text(value is IEnumerable<string> list ? string.Join(',', list) : value);
        if (text.Length == 0)
        {
            if (!variable.IsOptional && !variable.IsBoolean)
                mistakes.Add((variable.Key, $"{variable.Name} is required."));
        }
        else if (variable.Type == "enum" && !variable.AllowedValues.Contains(text))
        {
            mistakes.Add(
                (variable.Key, $"{variable.Name} must be one of {string.Join(", ", variable.AllowedValues)}.")
            );
        }
        else if (
            variable.Type == "multiselect"
            && value is IEnumerable<string> chosen
            && chosen.Except(variable.Options.Select(o => o.Value)).Any()
        )
        {
            mistakes.Add(
                (
                    variable.Key,
                    $"{variable.Name} must be among {string.Join(", ", variable.Options.Select(o => o.Value))}."
                )
            );
        }
        else if (
            variable.Type == "uri"
            && !(Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        )
        {
            mistakes.Add((variable.Key, $"{variable.Name} must be an address that starts with https:// or http://."));
        }
        else if (variable.IsBoolean && value is not bool)
        {
            mistakes.Add((variable.Key, $"{variable.Name} must be true or false."));
        }
    }

    private static object? Typed(FormVariable variable, string? given)
    {
        if (variable.IsBoolean)
        {
            return given is null ? variable.Default is { ValueKind: JsonValueKind.True }
                : bool.TryParse(given, out var yes) ? yes
                : given;
        }
        if (variable.IsMultiple)
        {
            return given is null
                ? variable.DefaultOptions.ToList()
                : given.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToList();
        }
        return string.IsNullOrEmpty(given)
            ? variable.Default is { } value
                ? Pointer.Text(value) ?? ""
                : ""
            : given;
    }

    /// <summary>Numbers compare as numbers where both are; everything else as text, booleans in lower case.</summary>
    private static bool Holds(Condition condition, string value)
    {
        var numbers =
            decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var left)
            & decimal.TryParse(condition.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var right);
        var order = numbers ? left.CompareTo(right) : string.CompareOrdinal(value, condition.Value);
        return condition.Operator switch
        {
            Comparison.LessThan => order < 0,
            Comparison.LessThanOrEqualTo => order <= 0,
            Comparison.GreaterThan => order > 0,
            Comparison.GreaterThanOrEqualTo => order >= 0,
            Comparison.EqualTo => value == condition.Value,
            Comparison.NotEqual => value != condition.Value,
            Comparison.Contains => value.Contains(condition.Value, StringComparison.Ordinal),
            Comparison.StartsWith => value.StartsWith(condition.Value, StringComparison.Ordinal),
            _ => value.EndsWith(condition.Value, StringComparison.Ordinal),
        };
    }
}
