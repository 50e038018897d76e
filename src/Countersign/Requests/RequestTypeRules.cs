using System.Globalization;

namespace Countersign.Requests;

/// <summary>Something about request types that their author must mend.</summary>
/// <param name="Place">Where: <c>types[0].fields[2].name</c>.</param>
/// <param name="Rule">The rule that was broken, by a name that pages have words for.</param>
/// <param name="Problem">What is wrong, and what to do.</param>
public sealed record RequestTypeProblem(string Place, string Rule, string Problem)
{
    /// <summary>Where it stands in a file; 0 without a file.</summary>
    public int Line { get; init; }
    public int Column { get; init; }

    public override string ToString() =>
        (Line > 0 ? string.Create(CultureInfo.InvariantCulture, $"line {Line}, column {Column}: ") : "")
        + (Place.Length > 0 ? Place + ": " : "")
        + Problem;
}

/// <summary>
/// What holds for every request type, wherever it was written: on a page, in a file or through the API.
/// </summary>
public static class RequestTypeRules
{
    public const int MaxTypes = 50,
        MaxFields = 20,
        MaxChoices = 50,
        MaxName = 80,
        MaxDescription = 500,
        MaxFieldName = 60,
        MaxLabel = 100,
        MaxHelp = 300,
        MaxChoice = 200;

    public const string Required = "required",
        TooLong = "tooLong",
        Taken = "taken",
        Letters = "letters",
        Reserved = "reserved",
        NoChoices = "noChoices",
        TooMany = "tooMany",
        Unknown = "unknown";

    /// <summary>Facts that are more than a field: the type itself, and what pages show as a comparison.</summary>
    private static readonly string[] ReservedNames = [RequestTypes.TypeFact, "before", "after"];

    public static IReadOnlyList<RequestTypeProblem> Check(IReadOnlyList<RequestType> types)
    {
        var problems = new List<RequestTypeProblem>();
        if (types.Count > MaxTypes)
            problems.Add(new RequestTypeProblem("types", TooMany, $"Use at most {MaxTypes} types."));
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (n, type) in types.Index())
            Check(type, $"types[{n}]", names, problems);
        return problems;
    }

    private static void Check(RequestType type, string place, HashSet<string> names, List<RequestTypeProblem> problems)
    {
        Line($"{place}.name", type.Name, MaxName, isRequired: true);
        if (type.Name.Trim().Length > 0 && !names.Add(type.Name.Trim()))
            Add($"{place}.name", Taken, "Another type has this name.");
        Line($"{place}.description", type.Description, MaxDescription, isRequired: false);
        if (type is { ReviewerGroup: not null, ReviewerPerson: not null })
            Add($"{place}.reviewers", Unknown, "Name a group or a person, not both.");
        if (type.Fields.Count > MaxFields)
            Add($"{place}.fields", TooMany, $"Use at most {MaxFields} fields.");
        var facts = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (n, field) in type.Fields.Index())
        {
            var at = $"{place}.fields[{n}]";
            Line($"{at}.name", field.Name, MaxFieldName, isRequired: true);
            if (field.Name.Length > 0 && !field.Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
                Add($"{at}.name", Letters, "Use only letters, digits, dots, hyphens and underscores.");
            else if (ReservedNames.Contains(field.Name, StringComparer.OrdinalIgnoreCase))
                Add($"{at}.name", Reserved, "This name is reserved. Use another one.");
            else if (field.Name.Length > 0 && !facts.Add(field.Name))
                Add($"{at}.name", Taken, "Another field has this name.");
            Line($"{at}.label", field.Label, MaxLabel, isRequired: true);
            Line($"{at}.help", field.Help, MaxHelp, isRequired: false);
            Choices(field, at);
        }

        void Choices(RequestTypeField field, string at)
        {
            if (field.Kind == RequestFieldKind.Choice && field.Choices.Count == 0)
                Add($"{at}.choices", NoChoices, "List what can be chosen.");
            if (field.Choices.Count > MaxChoices)
                Add($"{at}.choices", TooMany, $"Use at most {MaxChoices} choices.");
            if (field.Choices.Distinct(StringComparer.Ordinal).Count() < field.Choices.Count)
                Add($"{at}.choices", Taken, "A choice is listed twice.");
            foreach (var choice in field.Choices)
                Line($"{at}.choices", choice, MaxChoice, isRequired: true);
        }

        void Line(string at, string text, int longest, bool isRequired)
        {
            if (isRequired && string.IsNullOrWhiteSpace(text))
                Add(at, Required, "This is missing.");
            else if (text.Length > longest || text.Any(char.IsControl))
                Add(at, TooLong, $"Use at most {longest} characters in one line.");
        }

        void Add(string at, string rule, string problem)
        {
            if (!problems.Exists(p => p.Place == at))
                problems.Add(new RequestTypeProblem(at, rule, problem));
        }
    }
}
