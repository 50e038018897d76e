using System.Globalization;

namespace Countersign.Simulator.Conformance;

/// <summary>What a check came to.</summary>
public enum CheckResult
{
    Passed,
    Failed,

    /// <summary>Broken, but it may be meant so.</summary>
    Doubtful,

    /// <summary>Nothing in this run could have broken it.</summary>
    NotRun,
}

/// <summary>A rule, and what a run has seen of it.</summary>
/// <param name="Seen">The first few findings.</param>
/// <param name="Why">Why it wasn't run; else null.</param>
public sealed record Check(Rule Rule, CheckResult Result, int Occurrences, IReadOnlyList<Finding> Seen, string? Why);

/// <summary>Everything that one run says about an application: every check with its result, and the requests.</summary>
public sealed class ConformanceReport
{
    private const int MaxSeen = 3;

    private readonly int _unanswered;

    public ConformanceReport(
        SimulationReport report,
        ApprovalApplication application,
        IReadOnlyList<ApprovalTicket> tickets
    )
    {
        (Application, Calls, Tickets) = (application.BaseUrl, application.Calls.Value, tickets);
        _unanswered = report.OccurrencesOf(Rule.Unreachable);
        (Findings, Skipped) = (report.Findings, report.Skipped);
        Cases = [.. report.Played.Select(p => (p.Case, p.Calls, Findings.Count(f => f.Case == p.Case.Name)))];
        Checks = [.. Rule.All.Select(rule => CheckOf(rule, report))];
    }

    public string Application { get; }
    public int Calls { get; }
    public IReadOnlyList<ApprovalTicket> Tickets { get; }
    public IReadOnlyList<Finding> Findings { get; }
    public IReadOnlyList<(Case Case, int Calls, int Findings)> Cases { get; }
    public IReadOnlyList<Case> Skipped { get; }

    /// <summary>In the order of their numbers.</summary>
    public IReadOnlyList<Check> Checks { get; }
    public int Open => Tickets.Count(t => !t.IsSettled);

    /// <summary>LaunchDarkly and the application agree, and the protocol was kept.</summary>
    public bool IsClean => Count(CheckResult.Failed) == 0;

    public int Count(CheckResult result) => Checks.Count(c => c.Result == result);

    /// <summary>In one line: <c>39 checks passed, 1 failed, 2 doubtful, 4 not run</c>.</summary>
    public string Totals =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Count(CheckResult.Passed)} checks passed, {Count(CheckResult.Failed)} failed, "
                + $"{Count(CheckResult.Doubtful)} doubtful, {Count(CheckResult.NotRun)} not run"
        );

    private Check CheckOf(Rule rule, SimulationReport report)
    {
        var occurrences = report.OccurrencesOf(rule);
        if (occurrences > 0)
        {
            var result = rule.Severity == Severity.Wrong ? CheckResult.Failed : CheckResult.Doubtful;
            return new Check(rule, result, occurrences, [.. Findings.Where(f => f.Rule == rule).Take(MaxSeen)], null);
        }
        var why = WhyNotRun(rule);
        return new Check(rule, why is null ? CheckResult.Passed : CheckResult.NotRun, 0, [], why);
    }

    private string? WhyNotRun(Rule rule)
    {
        if (Calls == 0)
            return "No call was made.";
        if (rule != Rule.Unreachable && _unanswered >= Calls)
            return "No call was answered.";
        if (rule.Cases.Count > 0 && !Cases.Any(c => c.Calls > 0 && rule.Cases.Contains(c.Case.Name)))
        {
            if (Cases.Any(c => rule.Cases.Contains(c.Case.Name)))
                return "Its case made no call.";
            var switches = rule.Cases.Select(c => c == "rotated-key" ? "--rotated-key <key>" : $"--{c}");
            return $"Run with {string.Join(" or ", switches)}.";
        }
        return rule.Needs switch
        {
            Needed.Nothing when rule == Rule.StatusRefused && Tickets.Count == 0 => "No request was created.",
            Needed.Decision when !Tickets.Any(t => t.Review != ReviewStatus.NeedsReview || t.WasApprovedWhenApplied) =>
                "No request was decided.",
            Needed.Apply when !Tickets.Any(t => t.IsApplied) => "No change was applied.",
            Needed.Applied when !Tickets.Any(t => t.WasApprovedWhenApplied) => "No approved change was applied.",
            Needed.Cancel when !Tickets.Any(t => t.IsDeleted) => "No request was deleted.",
            _ => null,
        };
    }
}
