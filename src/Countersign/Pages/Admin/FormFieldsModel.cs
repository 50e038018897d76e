using Countersign.Pages.Parts;
using Countersign.People;

namespace Countersign.Pages.Admin;

/// <summary>The fields of a source's LaunchDarkly form, as they are or as they were typed.</summary>
/// <param name="Rows">One row a field, and an empty one to add another.</param>
public sealed record FormFieldsModel(Source Source, IReadOnlyList<FormFieldRow> Rows, Refused? Refused)
{
    public string Path => $"{SourcesPage.Path}/{Source.Id}/form";
}

/// <summary>One field as a form has it: options one a line.</summary>
public sealed record FormFieldRow(
    string Key,
    string Name,
    string Type,
    string Description,
    bool Required,
    string Options,
    string Default
)
{
    public static readonly FormFieldRow Empty = new("", "", "string", "", true, "", "");

    public static FormFieldRow Of(FormVariable v) =>
        new(v.Key, v.Name, v.Type, v.Description, v.Required, string.Join('\n', v.Options), v.Default);

    /// <summary>A row whose key and label were emptied is a field taken away.</summary>
    public bool IsEmpty => Key.Length == 0 && Name.Length == 0;

    public FormVariable ToVariable() =>
        new(
            Key,
            Name,
            Type,
            Description,
            Required,
            Type is "enum" or "dynamicEnum"
                ? Options.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                : [],
            Required ? "" : Default
        );
}
