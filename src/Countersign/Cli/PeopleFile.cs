using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.People;

namespace Countersign.Cli;

/// <summary>
/// A file of people: CSV with a head line (<c>email,name,role,groups,aliases</c>; only the first is needed, and several
/// groups or aliases stand in one field with semicolons between them), or the same as a JSON list of objects.
/// </summary>
internal static class PeopleFile
{
    private static readonly string[] Columns = ["email", "name", "role", "groups", "aliases"];

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>The people, or every line that cannot be read and why.</summary>
    public static (IReadOnlyList<ImportedPerson> People, IReadOnlyList<string> Mistakes) Read(string text) =>
        Plain(text) is var plain && plain.AsSpan().TrimStart().StartsWith("[", StringComparison.Ordinal)
            ? FromJson(plain)
            : FromCsv(plain);

    /// <summary>Spreadsheets put a byte order mark in front, which standard input does not take off.</summary>
    private static string Plain(string text) => text.TrimStart('\ufeff');

    private static (IReadOnlyList<ImportedPerson>, IReadOnlyList<string>) FromJson(string text)
    {
        try
        {
            var items = JsonSerializer.Deserialize<List<Item?>>(text, Json) ?? [];
            return (
                [
                    .. items.Select(
                        (item, i) =>
                            ImportedPerson.Of(
                                $"person {i + 1}",
                                item?.Email,
                                item?.Name,
                                item?.Role,
                                item?.Groups,
                                item?.Aliases
                            )
                    ),
                ],
                []
            );
        }
        catch (JsonException broken)
        {
            return (
                [],
                [
                    $"line {broken.LineNumber + 1}: Unexpected JSON at {broken.Path}. Expected: "
                        + """[{"email": "ann@example.com", "name": "Ann Lee", "aliases": ["alee"]}].""",
                ]
            );
        }
    }

    private static (IReadOnlyList<ImportedPerson>, IReadOnlyList<string>) FromCsv(string text)
    {
        var (people, mistakes) = (new List<ImportedPerson>(), new List<string>());
        string[]? columns = null;
        foreach (var (line, fields, broken) in Records(text))
        {
            if (broken)
            {
                mistakes.Add(
                    $"line {line}: A quotation mark isn't closed or is in the wrong place. Write a field that "
                        + "contains one as \"5\"\" rack\"."
                );
            }
            else if (columns is null)
            {
                columns = [.. fields.Select(f => f.Trim().ToLowerInvariant())];
                mistakes.AddRange(HeadMistakes(columns).Select(why => $"line {line}: {why}"));
                if (mistakes.Count > 0)
                    break;
            }
            else if (fields.Count != columns.Length)
            {
                mistakes.Add(
                    $"line {line}: It has {fields.Count} fields, but the header has {columns.Length}. Put "
                        + "fields that contain a comma in quotation marks."
                );
            }
            else
            {
                string Field(string name) => Array.IndexOf(columns, name) is >= 0 and var at ? fields[at].Trim() : "";
                people.Add(
                    new ImportedPerson(
                        $"line {line}",
                        Field("email"),
                        Field("name"),
                        Field("role"),
                        Several(Field("groups")),
                        Several(Field("aliases"))
                    )
                );
            }
        }
        if (columns is null && mistakes.Count == 0)
            mistakes.Add($"The file is empty or too large. It must start with the header: {string.Join(',', Columns)}");
        return (people, mistakes);
    }

    private static IEnumerable<string> HeadMistakes(string[] columns)
    {
        if (!columns.Contains("email"))
            yield return $"The header has no column email. Expected: {string.Join(',', Columns)}";
        foreach (var column in columns.Where(c => !Columns.Contains(c)))
            yield return $"There is no column \"{column}\". The columns are {string.Join(", ", Columns)}.";
        foreach (var column in columns.GroupBy(c => c, StringComparer.Ordinal).Where(g => g.Count() > 1))
            yield return $"The column \"{column.Key}\" appears more than once.";
    }

    private static string[] Several(string field) =>
        field.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>
    /// As RFC 4180 says, with the number of the line on which each record begins. Empty lines are passed over.
    /// </summary>
    private static IEnumerable<(int Line, List<string> Fields, bool Broken)> Records(string text)
    {
        var (at, line) = (0, 1);
        while (at < text.Length)
        {
            var (begin, fields, field, broken) = (line, new List<string>(), new StringBuilder(), false);
            var (quoted, closed) = (false, false);
            for (; at < text.Length; at++)
            {
                var c = text[at];
                if (c == '\n')
                    line++;
                if (quoted)
                {
                    if (c != '"')
                        field.Append(c);
                    else if (at + 1 < text.Length && text[at + 1] == '"')
                        field.Append(text[++at]);
                    else
                        (quoted, closed) = (false, true);
                }
                else if (c == ',')
                {
                    fields.Add(field.ToString());
                    field.Clear();
                    closed = false;
                }
                else if (c == '\n')
                {
                    at++;
                    break;
                }
                else if (c == '"' && string.IsNullOrWhiteSpace(field.ToString()) && !closed)
                {
                    field.Clear();
                    quoted = true;
                }
                else
                {
                    broken |= c == '"' || (closed && !char.IsWhiteSpace(c));
                    field.Append(c);
                }
            }
            fields.Add(field.ToString());
            if (fields.Count > 1 || !string.IsNullOrWhiteSpace(fields[0]))
                yield return (begin, fields, broken || quoted);
        }
    }

    private sealed record Item
    {
        public string? Email { get; init; }
        public string? Name { get; init; }
        public string? Role { get; init; }
        public IReadOnlyList<string?>? Groups { get; init; }
        public IReadOnlyList<string?>? Aliases { get; init; }
    }
}
