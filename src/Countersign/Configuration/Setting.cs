using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace Countersign.Configuration;

/// <summary>
/// A property of an options class that configuration can set: one with a <c>[Description]</c>. Its name is the
/// property's or that of <c>[ConfigurationKeyName]</c>, its default what a new instance holds.
/// </summary>
public sealed class Setting
{
    private readonly PropertyInfo _property;

    private Setting(PropertyInfo property, string description, string section, object unset)
    {
        _property = property;
        var name = property.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name ?? property.Name;
        Name = section.Length == 0 ? name : $"{section}:{name}";
        Description = description;
        IsSecret = property.IsDefined(typeof(SecretAttribute));
        Default = property.GetCustomAttribute<DefaultValueAttribute>()?.Value as string ?? ValueIn(unset);
    }

    /// <summary>With its section, such as <c>Email:Port</c>.</summary>
    public string Name { get; }

    public string Description { get; }
    public string Default { get; }
    public bool IsSecret { get; }

    /// <summary>Those of an options class, in the order of its properties.</summary>
    public static IReadOnlyList<Setting> Of(Type type, string section)
    {
        var unset = Activator.CreateInstance(type)!;
        return
        [
            .. from property in type.GetProperties()
            let description = property.GetCustomAttribute<DescriptionAttribute>()?.Description
            where description is not null
            orderby property.MetadataToken
            select new Setting(property, description, section, unset),
        ];
    }

    public string ValueIn(object options) => SettingText.Format(_property.GetValue(options));

    /// <summary>Sets the property if the configuration has a value that it can hold.</summary>
    internal void Bind(IConfiguration configuration, object options)
    {
        if (Given(configuration) is { } text && SettingText.Parse(_property.PropertyType, text, out _) is { } value)
            _property.SetValue(options, value);
    }

    /// <summary>Why the configuration's value can't be used; null if it can, or if there is none.</summary>
    internal string? Problem(IConfiguration configuration)
    {
        if (Given(configuration) is not { } text)
            return null;
        var value = SettingText.Parse(_property.PropertyType, text, out var wrong);
        if (wrong is not null)
            return $"`{Name}` must be {Form}{(wrong == text ? "." : $"; {wrong} isn't one.")}";
        return _property.GetCustomAttributes<ValidationAttribute>().All(rule => rule.IsValid(value))
            ? null
            : $"`{Name}` must be {Form}.";
    }

    internal string? Given(IConfiguration configuration) => configuration[Name] is { Length: > 0 } text ? text : null;

    private string Form =>
        _property.GetCustomAttribute<MustBeAttribute>()?.Form
        ?? (
            _property.GetCustomAttribute<MinDurationAttribute>() is { Min: var min }
                ? $"a duration of at least {Durations.Text(min)}, such as {Default}"
            : _property.PropertyType == typeof(bool) ? "true or false"
            : _property.PropertyType == typeof(int) ? "a whole number"
            : $"a value such as {Default}"
        );
}
