using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Configuration;
using Countersign.Destinations.Manifest;
using Countersign.Simulator.Conformance;

// The conformance kit: what `countersign simulate` does, as a tool of its own. Exit codes are the same: 0 when the
// application conforms, 1 when it doesn't, 2 for wrong use.
var json = new Option<bool>("--json") { Description = "Print one JSON document." };
var command = new Command(SimulateCommand.Name, SimulateCommand.Description) { json };
foreach (var option in SimulateCommand.Options)
    command.Add(option);
command.SetAction(
    async (parse, cancel) =>
    {
        var isJson = parse.GetValue(json);
#pragma warning disable RS0030 // The composition root: here the real clock comes in.
        var clock = TimeProvider.System;
#pragma warning restore RS0030
        var simulate = new SimulateCommand(new ManifestLanguage(), Durations.Parse, clock);
        switch (await simulate.Run(parse, isJson ? null : Console.Out, cancel))
        {
            case SimulateOutcome.Tested(var report):
                var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
                {
                    Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
                };
                Console.WriteLine(
                    isJson
                        ? JsonSerializer.Serialize(ReportFormats.Document(report), options)
                        : ReportFormats.Summary(report)
                );
                return report.IsClean ? 0 : 1;
            case SimulateOutcome.Misused(var message):
                Console.Error.WriteLine(message);
                return 2;
            case SimulateOutcome.NotWritten(var message):
                Console.Error.WriteLine(message);
                return 1;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
);
var root = new RootCommand("Tests an approval application with a simulated LaunchDarkly.") { command };
var parsing = new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
var parsed = root.Parse(args, parsing);
if (parsed.Errors.Count == 0)
    return await parsed.InvokeAsync();
foreach (var error in parsed.Errors)
    Console.Error.WriteLine(error.Message);
Console.Error.WriteLine("See: countersign-simulate launchdarkly --help");
return 2;
