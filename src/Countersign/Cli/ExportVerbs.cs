using System.CommandLine;
using Countersign.HubAsCode;

namespace Countersign.Cli;

/// <summary><c>countersign export …</c>: what a hub is set up with, as a file.</summary>
internal static class ExportVerbs
{
    public static Command Build(Terminal terminal) =>
        Verb.Family("export", "The hub's configuration as a file.", Config(terminal));

    private static Command Config(Terminal terminal)
    {
        var file = new Option<string?>("--out")
        {
            Description = "The file to create; it must not exist yet. The default is standard output.",
            HelpName = "file",
        };
        return Verb.Reading(
            terminal,
            "config",
            "Print people, groups, sources, request types and policies as one YAML file for apply. Holds no secrets.",
            [file],
            async (parse, hub, cancel) =>
            {
                var text = await hub.Get<PlanHub>().Export(cancel);
                if (parse.GetValue(file) is not { } name)
                    return new Reply.Done(new { text }, text.TrimEnd('\n'));
                var target = Path.GetFullPath(name);
                if (NewFile.Problem(target) is { } problem)
                    return problem;
                var bytes = await NewFile.Make(target, unfinished => File.WriteAllTextAsync(unfinished, text, cancel));
                return new Reply.Done(
                    new { file = target, bytes },
                    $"Exported the configuration to {target}. To compare it with the hub: "
                        + $"countersign apply -f {ApplyVerb.Quoted(name)} --dry-run"
                );
            }
        );
    }
}
