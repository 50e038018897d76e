using System.Globalization;
using Countersign.Requests;

namespace Countersign.Pages.RequestTypeEditor;

/// <summary>A field of a type, as it is typed.</summary>
public sealed record RequestTypeRow
{
    public static readonly RequestTypeRow Blank = new();

    public string Name { get; init; } = "";
    public string Label { get; init; } = "";
    public string Kind { get; init; } = RequestFieldKind.Text.ToWireName();

    /// <summary>One a line.</summary>
    public string Choices { get; init; } = "";
    public bool Required { get; init; }
    public string Help { get; init; } = "";

    public bool IsBlank => Name.Length + Label.Length + Choices.Length + Help.Length == 0;

    public static RequestTypeRow Of(RequestTypeField field) =>
        new()
        {
            Name = field.Name,
            Label = field.Label,
            Kind = field.Kind.ToWireName(),
            Choices = string.Join('\n', field.Choices),
            Required = field.Required,
            Help = field.Help,
        };

    public RequestTypeField ToField() =>
        new(Name, Label, WireNames.FieldKindOf(Kind) ?? RequestFieldKind.Text)
        {
            // Choices that were typed before the kind was changed are kept out of sight by no one, so they go.
            Choices =
                Kind == RequestFieldKind.Choice.ToWireName()
                    ? Choices.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    : [],
            Required = Required,
            Help = Help,
        };
}

/// <summary>A type as it is typed into its form.</summary>
public sealed record RequestTypeForm
{
    public const string GroupPrefix = "group:",
        PersonPrefix = "person:";

    /// <summary>Rows for further fields, beside those that there are.</summary>
    private const int Spare = 3;

    /// <summary>The name of the type that is changed; empty: a new one.</summary>
    public string Original { get; init; } = "";

    /// <summary>The version of all types that the form was made from.</summary>
    public long Version { get; init; }
    public string Name { get; init; } = "";
    public string Description { get; init; } = "";
    public string Reviewers { get; init; } = "";
    public IReadOnlyList<RequestTypeRow> Rows { get; init; } = [];

    public static RequestTypeForm Of(RequestType? type, long version) =>
        new()
        {
            Original = type?.Name ?? "",
            Version = version,
            Name = type?.Name ?? "",
            Description = type?.Description ?? "",
            Reviewers =
                type?.ReviewerGroup is { } group ? GroupPrefix + group
                : type?.ReviewerPerson is { } person ? PersonPrefix + person
                : "",
            Rows = WithSpare((type?.Fields ?? []).Select(RequestTypeRow.Of)),
        };

    public static RequestTypeForm Read(IFormCollection form) =>
        new()
        {
            Original = form["original"].ToString(),
            Version = long.TryParse(form["version"], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
                ? version
                : 0,
            Name = form["name"].ToString().Trim(),
            Description = form["description"].ToString().Trim(),
            Reviewers = form["reviewers"].ToString(),
            Rows = WithSpare(
                Enumerable
                    .Range(1, RequestTypeRules.MaxFields)
                    .Select(n => new RequestTypeRow
                    {
                        Name = form[$"name-{n}"].ToString().Trim(),
                        Label = form[$"label-{n}"].ToString().Trim(),
                        Kind = form[$"kind-{n}"].ToString(),
                        Choices = form[$"choices-{n}"].ToString().ReplaceLineEndings("\n").Trim(),
                        Required = form.ContainsKey($"required-{n}"),
                        Help = form[$"help-{n}"].ToString().Trim(),
                    })
                    .Where(row => !row.IsBlank)
            ),
        };

    public RequestType ToType() =>
        new(Name)
        {
            Description = Description,
            ReviewerGroup = After(GroupPrefix),
            ReviewerPerson = After(PersonPrefix),
            Fields = [.. Rows.Where(row => !row.IsBlank).Select(row => row.ToField())],
        };

    private string? After(string prefix) =>
        Reviewers.StartsWith(prefix, StringComparison.Ordinal) ? Reviewers[prefix.Length..] : null;

    private static IReadOnlyList<RequestTypeRow> WithSpare(IEnumerable<RequestTypeRow> rows) =>
        [.. rows.Concat(Enumerable.Repeat(RequestTypeRow.Blank, Spare)).Take(RequestTypeRules.MaxFields)];
}
