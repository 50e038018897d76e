using Microsoft.Extensions.Options;

namespace Countersign.Configuration;

/// <summary>An options class of which there are several, each under a name in its section.</summary>
public interface INamedOptions
{
    string Key { get; set; }
}

/// <summary>
/// Binds an options class to its section, and names every value in it that can't be used; see
/// <see cref="SettingText"/> for why the framework's binder doesn't.
/// </summary>
internal sealed class SettingsBinder<T>(IConfiguration configuration, string section, string name)
    : IConfigureNamedOptions<T>,
        IValidateOptions<T>
    where T : class
{
    private readonly IReadOnlyList<Setting> _settings = Setting.Of(typeof(T), section);

    public void Configure(T options) => Configure(Options.DefaultName, options);

    public void Configure(string? of, T options)
    {
        if (of != name)
            return;
        if (options is INamedOptions named)
            named.Key = name;
        foreach (var setting in _settings)
            setting.Bind(configuration, options);
    }

    public ValidateOptionsResult Validate(string? of, T options)
    {
        if (of != name)
            return ValidateOptionsResult.Skip;
        var result = new ValidateOptionsResultBuilder();
        foreach (var problem in _settings.Select(s => s.Problem(configuration)).OfType<string>())
            result.AddError(problem);
        return result.Build();
    }
}
