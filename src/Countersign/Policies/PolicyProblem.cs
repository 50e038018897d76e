namespace Countersign.Policies;

/// <summary>Something about a policy file that its author should know, and what to do about it.</summary>
/// <param name="Rule">The rule that was broken, by a name that scripts may rely on: <c>unknown-key</c>, <c>missing</c>,
/// <c>value</c> …</param>
/// <param name="Place">Where in the file's own words: <c>policies[2].steps[1].need of "production"</c>.</param>
/// <param name="IsWarning">A warning keeps nobody from using the file: what it names may come later.</param>
public sealed record PolicyProblem(
    int Line,
    int Column,
    string Rule,
    string Place,
    string Problem,
    string Fix,
    bool IsWarning = false
)
{
    public override string ToString() =>
        $"line {Line}, column {Column}: {(Place.Length > 0 ? Place + ": " : "")}{Problem} {Fix} "
        + $"[{Rule}{(IsWarning ? ", warning" : "")}]";
}
