using Microsoft.Extensions.Options;

namespace Countersign.Configuration;

/// <summary>An options class, and the section of the configuration that sets it.</summary>
internal abstract class OptionsClass(Type type, string section)
{
    public Type Type { get; } = type;

    /// <summary>Those that stand right in the section.</summary>
    public IReadOnlyList<Setting> Settings { get; } = Setting.Of(type, section);

    /// <summary>Whether the section may hold several of these options, each under a name of its own.</summary>
    private bool IsNamed => typeof(INamedOptions).IsAssignableFrom(Type);

    public static OptionsClass Of<T>(string section)
        where T : class, new() => new Bound<T>(section, _ => { });

    /// <summary>One whose values must also fit together.</summary>
    public static OptionsClass Of<T, TValidator>(string section)
        where T : class, new()
        where TValidator : class, IValidateOptions<T> =>
        new Bound<T>(section, services => services.AddSingleton<IValidateOptions<T>, TValidator>());

    /// <summary>
    /// The names under which the configuration has these options; an empty one is the section itself.
    /// </summary>
    public IEnumerable<string> Names(IConfiguration configuration) =>
        !IsNamed
            ? [""]
            :
            [
                "",
                .. from child in configuration.GetSection(section).GetChildren()
                where child.GetChildren().Any()
                select child.Key,
            ];

    public bool Has(string setting) => Find(setting) is not null;

    /// <summary>The setting of this name, also where it stands under the name of one of several.</summary>
    public Setting? Find(string setting) =>
        Settings.FirstOrDefault(s =>
            string.Equals(s.Name, setting, StringComparison.OrdinalIgnoreCase)
            || (
                IsNamed
                && setting.Split(':') is [var root, _, var last]
                && string.Equals(s.Name, $"{root}:{last}", StringComparison.OrdinalIgnoreCase)
            )
        );

    /// <summary>
    /// Registers the options, to be validated at start, and their class for those who take it as it is.
    /// </summary>
    public abstract void Register(IServiceCollection services, IConfiguration configuration);

    /// <summary>The options as far as the configuration can be read.</summary>
    public abstract object Bind(IConfiguration configuration, string name);

    public IReadOnlyList<Setting> SettingsOf(string name) =>
        name.Length == 0 ? Settings : Setting.Of(Type, SectionOf(name));

    protected string SectionOf(string name) => name.Length == 0 ? section : $"{section}:{name}";

    private sealed class Bound<T>(string section, Action<IServiceCollection> addValidator)
        : OptionsClass(typeof(T), section)
        where T : class, new()
    {
        public override void Register(IServiceCollection services, IConfiguration configuration)
        {
            foreach (var name in Names(configuration))
            {
                var binder = new SettingsBinder<T>(configuration, SectionOf(name), name);
                services.AddOptions<T>(name).ValidateOnStart();
                services.AddSingleton<IConfigureOptions<T>>(binder).AddSingleton<IValidateOptions<T>>(binder);
            }
            addValidator(services);
            services.AddSingleton(s => s.GetRequiredService<IOptions<T>>().Value);
        }

        public override object Bind(IConfiguration configuration, string name)
        {
            var options = new T();
            new SettingsBinder<T>(configuration, SectionOf(name), name).Configure(name, options);
            return options;
        }
    }
}
