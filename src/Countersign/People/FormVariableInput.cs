using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Countersign.Hosting.OpenApi;

namespace Countersign.People;

/// <summary>One field of a source's LaunchDarkly form as it is entered, by the API and in a file.</summary>
public sealed record FormVariableInput
{
    [Description("The name that LaunchDarkly sends."), Required, Example("risk")]
    public string? Key { get; init; }

    [Description("What people read."), Required, Example("Risk")]
    public string? Name { get; init; }

    [
        Description("`string` unless it says otherwise."),
        AllowedValues("string", "boolean", "uri", "enum", "dynamicEnum")
    ]
    public string? Type { get; init; }
    public string? Description { get; init; }
    public bool Required { get; init; }

    [Description("What can be chosen, of `enum` and `dynamicEnum`."), Example("low")]
    public IReadOnlyList<string?>? Options { get; init; }

    [Description("What an optional field has if nothing is filled in.")]
    public string? Default { get; init; }

    internal FormVariable ToVariable() =>
        new(
            Key ?? "",
            (Name ?? "").Trim(),
            Type ?? "string",
            (Description ?? "").Trim(),
            Required,
            [.. (Options ?? []).Select(o => o ?? "")],
            Default ?? ""
        );
}
