using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Pages.Policies;

/// <summary>An error or a warning, with the line it is about: the part from its column on stands out.</summary>
public sealed record PolicyProblemModel(PolicyProblem Problem, string Before, string Marked, string After)
{
    private const int MaxExcerpt = 120;
    private static readonly char[] Ends = [' ', ',', ':', '[', ']', '{', '}', '\t'];

    public static IReadOnlyList<PolicyProblemModel> Of(string text, IReadOnlyList<PolicyProblem> problems)
    {
        var lines = text.Split('\n');
        return
        [
            .. problems
                .OrderBy(p => p.IsWarning)
                .Select(p => Of(p, p.Line >= 1 && p.Line <= lines.Length ? lines[p.Line - 1] : "")),
        ];
    }

    private static PolicyProblemModel Of(PolicyProblem problem, string line)
    {
        var at = Math.Clamp(problem.Column - 1, 0, line.Length);
        // A long line is shown from shortly before the place.
        var start = at > MaxExcerpt / 2 ? at - (MaxExcerpt / 2) : 0;
        var end = line.IndexOfAny(Ends, at);
        if (end <= at)
            end = end < 0 ? line.Length : at + 1;
        end = Math.Min(end, start + MaxExcerpt);
        var rest = WellFormed.Cut(line[end..], Math.Max(0, start + MaxExcerpt - end));
        return new PolicyProblemModel(
            problem,
            (start > 0 ? "…" : "") + line[start..at].TrimStart(),
            line[at..end],
            rest + (end + rest.Length < line.Length ? "…" : "")
        );
    }
}

/// <summary>What is wrong with a draft, above the editor.</summary>
public sealed record PolicyProblemsModel(string Title, IReadOnlyList<PolicyProblemModel> Problems)
{
    /// <summary>Whether an error keeps it from being published.</summary>
    public bool HasErrors => Problems.Any(p => !p.Problem.IsWarning);

    /// <summary>What stands before the links to lines: empty on the editor's page.</summary>
    public string Editor { get; init; } = "";
}
