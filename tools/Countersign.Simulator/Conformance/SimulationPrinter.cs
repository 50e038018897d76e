namespace Countersign.Simulator.Conformance;

/// <summary>Prints a line for everything that happens to a request while a simulation runs.</summary>
public sealed class SimulationPrinter(TextWriter output) : ISimulationObserver
{
    private const int MaxLinesPerRule = 3;

    public void Started(Case started) => output.WriteLine($"{started.Name}: {started.Does}");

    public void Found(Finding finding, int occurrence)
    {
        var rule = $"  {ReportFormats.Heading(finding.Rule)}  {finding.Rule.Label}  {finding.Rule.Code}  ";
        if (occurrence <= MaxLinesPerRule)
        {
            var about = finding.Request is { } id ? $"{ShortId(id)}  " : "";
            output.WriteLine(rule + about + ReportFormats.Line(finding.What));
        }
        else if (occurrence == MaxLinesPerRule + 1)
        {
            output.WriteLine($"{rule}… and more like this; see the summary.");
        }
    }

    public void Changed(ApprovalTicket ticket) =>
        output.WriteLine(
            $"  {ShortId(ticket.Change.Id)}  {Fitted(ticket.Change.Flag.Name, 22)}  "
                + $"LaunchDarkly: {ticket.State, -12}  application: {Said(ticket)}"
        );

    public void Interrupted() => output.WriteLine("Interrupted.");

    private static string Said(ApprovalTicket ticket) =>
        ticket.Value is null ? "nothing yet"
        : ticket.Display is { Length: > 0 } display ? $"{ticket.Value}, {Fitted(display, 60).TrimEnd()}"
        : ticket.Value;

    private static string ShortId(string id) => id[..Math.Min(8, id.Length)];

    private static string Fitted(string text, int width)
    {
        var line = ReportFormats.Line(text);
        return line.Length > width ? line[..(width - 1)] + "…" : line.PadRight(width);
    }
}
