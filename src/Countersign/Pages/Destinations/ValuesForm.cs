using Countersign.Destinations;
using Countersign.Destinations.Manifest;
using Countersign.Pages.Parts;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Destinations;

/// <summary>One variable of a manifest as a field of a form: exactly one of the three.</summary>
public sealed record ValueField(FieldModel? Text, SelectModel? Choice, CheckModel? Check);

/// <summary>The fields of a destination's configuration.</summary>
public sealed record ValuesModel(IReadOnlyList<ValueField> Fields)
{
    /// <summary>Whether the other system knows what may be chosen for some of them.</summary>
    public bool HasChoicesToLoad { get; init; }
}

/// <summary>
/// A manifest's variables, and what was typed into their fields. Secrets are taken and never written back.
/// </summary>
internal sealed record ValuesForm
{
    private const string Prefix = "v.",
        Asked = ".asked";

    private readonly ApprovalManifest _manifest;
    private readonly IReadOnlyDictionary<string, string> _shown;

    /// <summary>What came with a post.</summary>
    public ValuesForm(ApprovalManifest manifest, IFormCollection form)
    {
        _manifest = manifest;
        foreach (var variable in manifest.Settings.DistinctBy(v => v.Key))
        {
            var given = form[Prefix + variable.Key].ToString();
            if (variable.IsBoolean && form.ContainsKey(Prefix + variable.Key + Asked))
                given = given == "true" ? "true" : "false";
            if (given.Length > 0)
                (variable.IsSecret ? Secrets : Settings)[variable.Key] = given;
        }
        foreach (var key in manifest.UsesOAuth ? OAuthKeys.All : [])
        {
            if (form[Prefix + key].ToString().Trim() is { Length: > 0 } given)
                (OAuthKeys.Secret.Contains(key) ? Secrets : Settings)[key] = given;
        }
        _shown = Settings;
    }

    /// <summary>What is kept.</summary>
    public ValuesForm(ApprovalManifest manifest, IReadOnlyDictionary<string, string> settings) =>
        (_manifest, _shown) = (manifest, settings);

    public Dictionary<string, string> Settings { get; } = [];
    public Dictionary<string, string> Secrets { get; } = [];

    /// <summary>Of variables whose values the other system knows: what it says they are.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<(string Label, string Value)>> Options { get; init; } =
        new Dictionary<string, IReadOnlyList<(string, string)>>();

    /// <summary>What a use case refused, as the field in this form.</summary>
    public Refused Refusal(string? key, string why) =>
        new(
            key is not null && (_manifest.Settings.Any(v => v.Key == key) || OAuthKeys.All.Contains(key))
                ? Prefix + key
                : key,
            why
        );

    /// <param name="set">Secrets that have a value already.</param>
    public ValuesModel Model(IStringLocalizer strings, Refused? refused, IReadOnlyCollection<string> set)
    {
        var fields = new List<ValueField>();
        if (_manifest.UsesOAuth)
            fields.AddRange(OAuthKeys.All.Select(key => OAuth(strings, key, refused, set)));
        fields.AddRange(_manifest.Settings.DistinctBy(v => v.Key).Select(v => Of(strings, v, refused, set)));
        return new ValuesModel(fields) { HasChoicesToLoad = _manifest.Settings.Any(v => v.DynamicOptions is not null) };
    }

    private ValueField OAuth(IStringLocalizer strings, string key, Refused? refused, IReadOnlyCollection<string> set)
    {
        var secret = OAuthKeys.Secret.Contains(key);
        var name = "destination." + key;
        return new ValueField(
            new FieldModel(Prefix + key, strings[name])
            {
                Type = secret ? "password" : "text",
                Autocomplete = "off",
                Hint =
                    secret && set.Contains(key) ? strings["destination.secret.set"].Value
                    : strings.Find(name + ".hint") is { } hint ? hint
                    : secret ? strings["destination.secret.hint"].Value
                    : null,
                Value = secret ? null : _shown.GetValueOrDefault(key),
                Error = Refused.Of(refused, Prefix + key),
            },
            null,
            null
        );
    }

    private ValueField Of(
        IStringLocalizer strings,
        FormVariable variable,
        Refused? refused,
        IReadOnlyCollection<string> set
    )
    {
        var key = Prefix + variable.Key;
        var value =
            _shown.GetValueOrDefault(variable.Key)
            ?? (variable.Default is { } usual ? Pointer.Text(usual) : null)
            ?? "";
        var description = variable.Description.Length > 0 ? variable.Description : null;
        if (variable.IsBoolean)
        {
            return new ValueField(
                null,
                null,
                new CheckModel(key, variable.Name) { IsOn = value == "true", Hint = description }
            );
        }
        if (Choices(variable) is { Count: > 0 } choices)
        {
            return new ValueField(
                null,
                new SelectModel(key, variable.Name, choices)
                {
                    Value = value,
                    Hint = description,
                    Error = Refused.Of(refused, key),
                },
                null
            );
        }
        return new ValueField(
            new FieldModel(key, variable.Name)
            {
                Type = variable.IsSecret ? "password" : "text",
                Autocomplete = "off",
                Placeholder = variable.IsSecret ? null : variable.Placeholder,
                Hint =
                    !variable.IsSecret ? description
                    : set.Contains(variable.Key) ? strings["destination.secret.set"].Value
                    : $"{description} {strings["destination.secret.hint"]}".Trim(),
                Value = variable.IsSecret ? null : value,
                Error = Refused.Of(refused, key),
            },
            null,
            null
        );
    }

    private IReadOnlyList<(string Value, string Text)> Choices(FormVariable variable) =>
        Options.TryGetValue(variable.Key, out var options) ? [.. options.Select(o => (o.Value, o.Label))]
        : variable.AllowedValues.Count > 0 ? [.. variable.AllowedValues.Select(v => (v, v))]
        : [];
}
