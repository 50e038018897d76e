using System.CommandLine;
using Countersign.Configuration;
using Countersign.Destinations.Manifest;
using Countersign.Simulator;
using Countersign.Simulator.Conformance;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign simulate launchdarkly</c>: plays LaunchDarkly against any custom approvals application, and tells
/// where the two come to believe different things. The playing is Countersign.Simulator's.
/// </summary>
internal static class SimulateVerb
{
    public static Command Build(Terminal terminal) =>
        Verb.Family("simulate", "Simulate the other side, to test an application.", LaunchDarkly(terminal));

    private static Command LaunchDarkly(Terminal terminal) =>
        Verb.Plain(
            terminal,
            SimulateCommand.Name,
            SimulateCommand.Description,
            SimulateCommand.Options,
            async (parse, cancel) =>
                await new SimulateCommand(new ManifestLanguage(), Durations.Parse, Hub.Clock).Run(
                    parse,
                    terminal.IsJson ? null : terminal.Output,
                    cancel
                ) switch
                {
                    SimulateOutcome.Tested(var report) => ToReply(report),
                    SimulateOutcome.Misused(var message) => new Reply.Failed(Reply.Usage, message),
                    SimulateOutcome.NotWritten(var message) => new Reply.Failed(Reply.Unavailable, message),
                    _ => throw new System.Diagnostics.UnreachableException(),
                }
        );

    private static Reply ToReply(ConformanceReport report)
    {
        var (document, text) = (ReportFormats.Document(report), ReportFormats.Summary(report));
        return report.IsClean ? new Reply.Done(document, text) : new Reply.No(document, text);
    }
}
