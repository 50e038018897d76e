using System.Globalization;

namespace Countersign.Cli.Simulate;

/// <summary>
/// The account of a simulation: a line whenever something happened to a request, every rule that was not kept, and what
/// both sides believe in the end.
/// </summary>
/// <param name="live">Where the lines go while it runs; nowhere when a program reads the result.</param>
internal sealed class Account(TextWriter? live)
{
    private const int MostKept = 2000,
        ShownPerRule = 3;

    private readonly Lock _lock = new();
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<string, int> _counts = [];
    private readonly List<(Case Case, int Calls)> _played = [];
    private readonly List<string> _skipped = [];

    public IReadOnlyList<Finding> Findings
    {
        get
        {
            lock (_lock)
                return [.. _findings];
        }
    }

    public bool IsClean => !Findings.Any(f => f.Rule.Level == Level.Wrong);

    public void Find(Rule rule, string ofCase, string? request, string what)
    {
        lock (_lock)
        {
            var count = _counts[rule.Code] = _counts.GetValueOrDefault(rule.Code) + 1;
            if (_findings.Count < MostKept)
                _findings.Add(new Finding(rule, ofCase, request, what));
            if (count <= ShownPerRule)
            {
                live?.WriteLine(
                    $"  {(rule.Level == Level.Wrong ? "WRONG" : "doubt")}  {rule.Code}  {(request is null ? "" : request[..Math.Min(8, request.Length)] + "  ")}{what}"
                );
            }
            else if (count == ShownPerRule + 1)
            {
                live?.WriteLine(
                    $"  {(rule.Level == Level.Wrong ? "WRONG" : "doubt")}  {rule.Code}  … and more of these; the summary counts them."
                );
            }
        }
    }

    /// <summary>What each side believes of a request now.</summary>
    public void Tell(ApprovalTicket ticket)
    {
        lock (_lock)
        {
            live?.WriteLine(
                $"  {ticket.Change.Id[..8]}  {Fitted(ticket.Change.Flag.Name, 22)}  LaunchDarkly: {ticket.State, -12}  application: {Said(ticket)}"
            );
        }
    }

    public void Begin(Case one)
    {
        lock (_lock)
            live?.WriteLine($"{one.Name}: {one.Does}");
    }

    public void Say(string line)
    {
        lock (_lock)
            live?.WriteLine(line);
    }

    public void Played(Case one, int calls)
    {
        lock (_lock)
            _played.Add((one, calls));
    }

    public void Skip(Case one, string why)
    {
        lock (_lock)
        {
            _skipped.Add(one.Name);
            live?.WriteLine($"{one.Name}: left out, {why}");
        }
    }

    public Reply ToReply(Application application, IReadOnlyList<ApprovalTicket> tickets)
    {
        lock (_lock)
        {
            var open = tickets.Count(t => !t.IsSettled);
            var document = new
            {
                ok = !_findings.Exists(f => f.Rule.Level == Level.Wrong),
                application = application.BaseUrl,
                calls = application.Calls.Value,
                cases = _played.Select(p => new
                {
                    name = p.Case.Name,
                    p.Calls,
                    findings = _findings.Count(f => f.Case == p.Case.Name),
                }),
                skipped = _skipped,
                open,
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
                findings = _findings.Select(f => new
                {
                    code = f.Rule.Code,
                    level = Word(f.Rule.Level),
                    @case = f.Case,
                    request = f.Request,
                    what = f.What,
                }),
            };
            var text = Summary(application, tickets, open);
            return document.ok ? new Reply.Done(document, text) : new Reply.No(document, text);
        }
    }

    private string Summary(Application application, IReadOnlyList<ApprovalTicket> tickets, int open)
    {
        var lines = new List<string>
        {
            "",
            $"{tickets.Count} requests, {application.Calls.Value} calls to {application.BaseUrl}",
        };
        if (tickets.Count > 0)
        {
            lines.Add(
                "LaunchDarkly has "
                    + string.Join(
                        ", ",
                        tickets
                            .GroupBy(t => t.State)
                            .OrderBy(g => g.Key, StringComparer.Ordinal)
                            .Select(g => $"{g.Count()} {g.Key}")
                    )
                    + "."
            );
        }
        if (open > 0)
            lines.Add($"{open} still wait for somebody to decide; what happens to them afterwards was not seen.");
        foreach (var level in new[] { Level.Wrong, Level.Doubtful })
        {
            foreach (
                var rule in _findings
                    .Select(f => f.Rule)
                    .Where(r => r.Level == level)
                    .Distinct()
                    .OrderBy(r => r.Code, StringComparer.Ordinal)
            )
            {
                var first = _findings.Find(f => f.Rule == rule)!;
                lines.Add("");
                lines.Add(
                    $"{(level == Level.Wrong ? "WRONG" : "doubt")}  {rule.Code} ({_counts[rule.Code].ToString(CultureInfo.InvariantCulture)})  {rule.Meaning}"
                );
                lines.Add($"       {first.Case}: {first.What}");
            }
        }
        lines.Add("");
        lines.Add(
            _findings.Exists(f => f.Rule.Level == Level.Wrong)
                ? "LaunchDarkly and the application disagree."
                : "LaunchDarkly and the application agree."
        );
        return string.Join('\n', lines);
    }

    private static string Said(ApprovalTicket ticket) =>
        ticket.Value is null ? "nothing yet"
        : ticket.Display is { Length: > 0 } display ? $"{ticket.Value}, {Fitted(display, 60).TrimEnd()}"
        : ticket.Value;

    private static string Word(Level level) => level == Level.Wrong ? "wrong" : "doubtful";

    /// <summary>One line without anything that could steer a terminal, as wide as asked.</summary>
    private static string Fitted(string text, int width)
    {
        var line = string.Concat(
            text.Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? ' ' : c)
        );
        return line.Length > width ? line[..(width - 1)] + "…" : line.PadRight(width);
    }
}
