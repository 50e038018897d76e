using System.ComponentModel.DataAnnotations;

namespace Countersign.Configuration;

/// <summary>A setting whose value is never shown.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecretAttribute : Attribute;

/// <summary>What a value must be; completes the sentence "<c>Email:Port</c> must be …".</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MustBeAttribute(string form) : Attribute
{
    public string Form { get; } = form;
}

/// <summary>The shortest duration that a setting takes, such as <c>1h</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MinDurationAttribute(string min) : ValidationAttribute
{
    public TimeSpan Min { get; } =
        Durations.Parse(min) ?? throw new ArgumentException($"{min} isn't a duration.", nameof(min));

    public override bool IsValid(object? value) => value is TimeSpan time && time >= Min;
}

/// <summary>The longest duration that a setting takes, such as <c>5m</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MaxDurationAttribute(string max) : ValidationAttribute
{
    public TimeSpan Max { get; } =
        Durations.Parse(max) ?? throw new ArgumentException($"{max} isn't a duration.", nameof(max));

    public override bool IsValid(object? value) => value is TimeSpan time && time <= Max;
}
