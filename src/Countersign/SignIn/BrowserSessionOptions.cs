using System.ComponentModel;
using Countersign.Configuration;
using Microsoft.Extensions.Options;

namespace Countersign.SignIn;

/// <summary>
/// How long people stay signed in. The framework has a type <c>SessionOptions</c> for something else.
/// </summary>
public sealed record BrowserSessionOptions
{
    [Description("How long a browser session can be idle before the person has to sign in again."), MinDuration("5m")]
    public TimeSpan Idle { get; init; } = TimeSpan.FromDays(7);

    [Description("How long a browser session lasts, whether it's used or not."), MinDuration("5m")]
    public TimeSpan Longest { get; init; } = TimeSpan.FromDays(30);
}

internal sealed class BrowserSessionOptionsValidator : IValidateOptions<BrowserSessionOptions>
{
    public ValidateOptionsResult Validate(string? name, BrowserSessionOptions options) =>
        options.Longest < options.Idle
            ? ValidateOptionsResult.Fail("`Sessions:Idle` must not be longer than `Sessions:Longest`.")
            : ValidateOptionsResult.Success;
}
