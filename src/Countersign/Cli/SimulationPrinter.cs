using System.Globalization;
using Countersign.Simulator;

namespace Countersign.Cli;

/// <summary>Prints a simulation: a line for everything that happens to a request, and a summary at the end.</summary>
internal sealed class SimulationPrinter(TextWriter output) : ISimulationObserver
{
    private const int MaxLinesPerRule = 3;

    public void Started(Case started) => output.WriteLine($"{started.Name}: {started.Does}");

    public void Found(Finding finding, int occurrence)
    {
        var rule = $"  {Heading(finding.Rule.Severity)}  {finding.Rule.Code}  ";
        if (occurrence <= MaxLinesPerRule)
            output.WriteLine($"{rule}{(finding.Request is { } id ? $"{ShortId(id)}  " : "")}{finding.What}");
        else if (occurrence == MaxLinesPerRule + 1)
            output.WriteLine($"{rule}… and more like this; see the summary.");
    }

    public void Changed(ApprovalTicket ticket) =>
        output.WriteLine(
            $"  {ShortId(ticket.Change.Id)}  {Fitted(ticket.Change.Flag.Name, 22)}  "
                + $"LaunchDarkly: {ticket.State, -12}  application: {Said(ticket)}"
        );

    public void Interrupted() => output.WriteLine("Interrupted.");

    /// <summary>The whole result, for people and as one document.</summary>
    public static Reply ToReply(
        SimulationReport report,
        ApprovalApplication application,
        IReadOnlyList<ApprovalTicket> tickets
    )
    {
        var findings = report.Findings;
        var document = new
        {
            ok = report.IsClean,
            application = application.BaseUrl,
            calls = application.Calls.Value,
            cases = report.Played.Select(p => new
            {
                name = p.Case.Name,
                p.Calls,
                findings = findings.Count(f => f.Case == p.Case.Name),
            }),
            skipped = report.Skipped.Select(c => c.Name),
            open = tickets.Count(t => !t.IsSettled),
            requests = tickets.Select(t => new
            {
                id = t.Change.Id,
                externalId = t.ExternalId,
                @case = t.Case,
                flag = t.Change.Flag.Key,
                environment = t.Change.Environment.Key,
                launchDarkly = t.State,
                value = t.Value,
                display = t.Display,
            }),
            findings = findings.Select(f => new
            {
                code = f.Rule.Code,
                level = f.Rule.Severity == Severity.Wrong ? "wrong" : "doubtful",
                @case = f.Case,
                request = f.Request,
                what = f.What,
            }),
        };
        var text = Summary(report, application, tickets, document.open);
        return document.ok ? new Reply.Done(document, text) : new Reply.No(document, text);
    }

    private static string Summary(
        SimulationReport report,
        ApprovalApplication application,
        IReadOnlyList<ApprovalTicket> tickets,
        int open
    )
    {
        var lines = new List<string>
        {
            "",
            $"{tickets.Count} requests, {application.Calls.Value} calls to {application.BaseUrl}",
        };
        if (tickets.Count > 0)
        {
            var states = tickets.GroupBy(t => t.State).OrderBy(g => g.Key, StringComparer.Ordinal);
            lines.Add($"LaunchDarkly has {string.Join(", ", states.Select(g => $"{g.Count()} {g.Key}"))}.");
        }
        if (open > 0)
            lines.Add($"{open} are still pending; the cases after a decision didn't run.");
        var rules = report
            .Findings.DistinctBy(f => f.Rule)
            .OrderByDescending(f => f.Rule.Severity)
            .ThenBy(f => f.Rule.Code, StringComparer.Ordinal);
        foreach (var first in rules)
        {
            var count = report.OccurrencesOf(first.Rule).ToString(CultureInfo.InvariantCulture);
            lines.Add("");
            lines.Add($"{Heading(first.Rule.Severity)}  {first.Rule.Code} ({count})  {first.Rule.Meaning}");
            lines.Add($"       {first.Case}: {first.What}");
        }
        lines.Add("");
        lines.Add($"LaunchDarkly and the application {(report.IsClean ? "agree" : "disagree")}.");
        return string.Join('\n', lines);
    }

    private static string Said(ApprovalTicket ticket) =>
        ticket.Value is null ? "nothing yet"
        : ticket.Display is { Length: > 0 } display ? $"{ticket.Value}, {Fitted(display, 60).TrimEnd()}"
        : ticket.Value;

    private static string Heading(Severity severity) => severity == Severity.Wrong ? "WRONG" : "doubt";

    private static string ShortId(string id) => id[..Math.Min(8, id.Length)];

    /// <summary>One line without anything that could steer a terminal, as wide as asked.</summary>
    private static string Fitted(string text, int width)
    {
        var line = string.Concat(
            text.Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? ' ' : c)
        );
        return line.Length > width ? line[..(width - 1)] + "…" : line.PadRight(width);
    }
}
