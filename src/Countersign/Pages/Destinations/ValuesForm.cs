using Countersign.Destinations;
using Countersign.Destinations.Manifest;
using Countersign.Pages.Layout;

namespace Countersign.Pages.Destinations;

/// <summary>
/// A manifest's variables as fields, and what was typed into them. Secrets are taken and never written back.
/// </summary>
internal sealed record ValuesForm
{
    private const string Prefix = "v.";

    private readonly ApprovalManifest _manifest;
    private readonly IReadOnlyDictionary<string, string> _shown;

    /// <summary>What came with a post.</summary>
    public ValuesForm(ApprovalManifest manifest, IFormCollection form)
    {
        _manifest = manifest;
        foreach (var variable in manifest.Settings.DistinctBy(v => v.Key))
        {
            var given = form[Prefix + variable.Key].ToString();
            if (variable.IsBoolean && form.ContainsKey(Prefix + variable.Key + ".asked"))
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

    /// <param name="set">Secrets that have a value already.</param>
    public void Write(Html html, (string? Field, string Why)? problem, IReadOnlyCollection<string> set)
    {
        var says = html.Says;
        string? Wrong(string key) => problem is { } found && found.Field == key ? found.Why : null;
        if (_manifest.UsesOAuth)
        {
            void OAuth(string key, string label, string? hint = null)
            {
                var secret = OAuthKeys.Secret.Contains(key);
                html.Field(
                    new Field(Prefix + key, label)
                    {
                        Type = secret ? "password" : "text",
                        Autocomplete = "off",
                        Hint = secret && set.Contains(key) ? says.SecretKeptHint : hint,
                        Value = secret ? null : _shown.GetValueOrDefault(key),
                        Error = Wrong(key),
                    }
                );
            }
            OAuth(OAuthKeys.BaseUri, says.OAuthBaseUri);
            OAuth(OAuthKeys.AccessToken, says.OAuthAccessToken, says.OAuthAccessTokenHint);
            OAuth(OAuthKeys.TokenUrl, says.OAuthTokenUrl);
            OAuth(OAuthKeys.ClientId, says.OAuthClientId);
            OAuth(OAuthKeys.ClientSecret, says.OAuthClientSecret, says.SecretHint);
            OAuth(OAuthKeys.Scope, says.OAuthScope);
        }
        foreach (var variable in _manifest.Settings.DistinctBy(v => v.Key))
        {
            var key = Prefix + variable.Key;
            var value =
                _shown.GetValueOrDefault(variable.Key)
                ?? (variable.Default is { } usual ? Pointer.Text(usual) : null)
                ?? "";
            if (variable.IsBoolean)
            {
                html.Hidden(key + ".asked", "true").Check(key, variable.Name, value == "true");
            }
            else if (Choices(variable) is { Count: > 0 } choices)
            {
                html.Select(key, variable.Name, choices, value, variable.Description, Wrong(variable.Key));
            }
            else
            {
                html.Field(
                    new Field(key, variable.Name)
                    {
                        Type = variable.IsSecret ? "password" : "text",
                        Autocomplete = "off",
                        Hint = variable.IsSecret
                            ? set.Contains(variable.Key)
                                ? says.SecretKeptHint
                                : $"{variable.Description} {says.SecretHint}"
                            : variable.Description,
                        Value = variable.IsSecret ? null : value,
                        Error = Wrong(variable.Key),
                    }
                );
            }
        }
    }

    /// <summary>
    /// What can be done with what was typed: it is kept, or what the other system knows is looked up with it.
    /// </summary>
    public void Buttons(Html html, string keep, string doKeep)
    {
        html.Add($"<div class=\"buttons\">").Button(keep, "main", "do", doKeep);
        if (_manifest.Settings.Any(v => v.DynamicOptions is not null))
            html.Button(html.Says.LoadValues, null, "do", "load");
        html.Add($"</div>");
    }

    private IReadOnlyList<(string Value, string Text)> Choices(FormVariable variable) =>
        Options.TryGetValue(variable.Key, out var options) ? [.. options.Select(o => (o.Value, o.Label))]
        : variable.AllowedValues.Count > 0 ? [.. variable.AllowedValues.Select(v => (v, v))]
        : [];
}
