using Countersign.People;
using Countersign.Requests;

namespace Countersign.Pages.NewRequest;

/// <summary>The form on which a person submits a request: what was typed, and what is wrong with it.</summary>
public sealed record NewRequestModel(NewRequestForm Form)
{
    public IReadOnlyDictionary<string, string> Errors { get; init; } = new Dictionary<string, string>();
    public IReadOnlyList<Group> Groups { get; init; } = [];
    public IReadOnlyList<Person> People { get; init; } = [];

    /// <summary>Those of requests that the reader sees.</summary>
    public IReadOnlyList<string> Environments { get; init; } = [];

    /// <summary>What is requested; null: anything.</summary>
    public RequestType? Type { get; init; }

    /// <summary>Whether another type could be chosen.</summary>
    public bool HasTypes { get; init; }

    /// <summary>Whether a field of the form is not needed, because the type asks for that fact.</summary>
    public bool IsAskedByType(string fact) => Type?.Field(fact) is not null;

    public string? ErrorOf(string field) => Errors.GetValueOrDefault(field);
}

/// <summary>What was typed, as it comes back with a refused form.</summary>
public sealed record NewRequestForm
{
    /// <summary>Details with names of their own, beside environment and link.</summary>
    public const int MaxDetails = 8;

    public const string ByPolicy = "policy",
        PersonPrefix = "person:",
        GroupPrefix = "group:";

    /// <summary>What stands before the name of a type's field.</summary>
    public const string FieldPrefix = "field-";

    /// <summary>The name of the request type; empty: none.</summary>
    public string Type { get; init; } = "";

    /// <summary>What was filled into the type's fields, by their names.</summary>
    public IReadOnlyDictionary<string, string> Values { get; init; } = new Dictionary<string, string>();
    public string Title { get; init; } = "";
    public string Description { get; init; } = "";
    public string Environment { get; init; } = "";
    public string Reviewer { get; init; } = "";
    public string Link { get; init; } = "";
    public string Ticket { get; init; } = "";
    public IReadOnlyList<(string Name, string Value)> Details { get; init; } = [];

    /// <summary>Sent twice from the same page, it is one request.</summary>
    public string Key { get; init; } = "";

    public string ValueOf(RequestTypeField field) => Values.GetValueOrDefault(field.Name, "");

    public static NewRequestForm Read(IFormCollection form) =>
        new()
        {
            Type = form["type"].ToString(),
            Values = form.Where(field => field.Key.StartsWith(FieldPrefix, StringComparison.Ordinal))
                .ToDictionary(
                    field => field.Key[FieldPrefix.Length..],
                    field => field.Value.ToString().Trim(),
                    StringComparer.OrdinalIgnoreCase
                ),
            Title = form["subject"].ToString().Trim(),
            Description = form["message"].ToString().ReplaceLineEndings("\n").Trim(),
            Environment = form["environment"].ToString().Trim(),
            Reviewer = form["assignee"].ToString(),
            Link = form["link"].ToString().Trim(),
            Ticket = form["ticket"].ToString().Trim().TrimStart('#'),
            Details =
            [
                .. Enumerable
                    .Range(1, MaxDetails)
                    .Select(n =>
                        (form[$"detail-name-{n}"].ToString().Trim(), form[$"detail-value-{n}"].ToString().Trim())
                    ),
            ],
            Key = form["key"].ToString(),
        };
}

/// <summary>A field of a request type, with what was filled in.</summary>
public sealed record TypeFieldModel(RequestTypeField Field, string Value, string? Error);
