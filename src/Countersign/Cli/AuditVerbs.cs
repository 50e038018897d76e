using System.CommandLine;
using Countersign.Audit;
using Countersign.SignIn;

namespace Countersign.Cli;

/// <summary><c>countersign audit …</c>: proving the record, and taking it elsewhere.</summary>
internal static class AuditVerbs
{
    public static Command Build(Terminal terminal) =>
        Verb.Family("audit", "The log: verify, export.", Check(terminal), TakeOut(terminal));

    private static Command Check(Terminal terminal)
    {
        var head = new Option<SealHead?>("--head")
        {
            Description = "An earlier checkpoint: proves that nothing up to it was removed.",
            HelpName = "n:hash",
            CustomParser = result =>
            {
                var earlier = SealHead.TryParse(result.Tokens[0].Value);
                if (earlier is null)
                {
                    result.AddError(
                        "--head is a checkpoint as audit verify prints it: a number, a colon and 64 hex digits."
                    );
                }
                return earlier;
            },
        };
        var archives = new Option<string[]>("--archive")
        {
            Description =
                "A file of archived requests: checks that its events are those that were sealed. Can be repeated.",
            HelpName = "file",
        };
        archives.Validators.Add(result =>
        {
            foreach (var missing in result.Tokens.Select(t => t.Value).Where(file => !File.Exists(file)))
                result.AddError($"There is no file {missing}.");
        });
        return Verb.Reading(
            terminal,
            "verify",
            "Check that no event, seal or request was changed, removed or added. Exits with 1 and lists the problems.",
            [head, archives],
            async (parse, hub, cancel) =>
            {
                using var key = new SealKey(hub.Get<RootKey>());
                Verification found;
                using (var progress = ProgressLine.Of(terminal, "Verified", "events"))
                {
                    found = await new Verify(hub.Store, key) { Progress = progress }.Run(
                        parse.GetValue(head),
                        parse.GetValue(archives) ?? [],
                        cancel
                    );
                }
                if (!found.Ok)
                {
                    return new Reply.No(
                        found,
                        $"Verification failed:\n{string.Join('\n', found.Problems.Select(p => "- " + p))}"
                            + (found.MoreProblems > 0 ? $"\n… and {found.MoreProblems} more" : "")
                    );
                }
                return new Reply.Done(
                    new
                    {
                        found.Ok,
                        found.Events,
                        found.Sealed,
                        found.Unsealed,
                        found.Head,
                        found.BodiesForgotten,
                        found.Archived,
                        found.Erased,
                        found.ProvenByArchive,
                        found.Problems,
                    },
                    $"""
                    The log is intact: {found.Events} events, {found.Sealed} of them sealed.{More(found)}
                    Checkpoint: {found.Head}
                    Keep the checkpoint elsewhere. To check later that it's still in the log, run:
                    countersign audit verify --head {found.Head}
                    """
                );
            }
        );
    }

    /// <summary>What is not in the store any more.</summary>
    private static string More(Verification found)
    {
        var lines = new List<string>();
        if (found.BodiesForgotten > 0)
            lines.Add($"{found.BodiesForgotten} bodies of closed requests are no longer kept.");
        if (found.Archived > 0)
        {
            lines.Add(
                $"{found.Archived} events of {found.ArchivedRequests} archived requests are verified by their hashes. "
                    + (
                        found.ProvenByArchive == 0
                            ? "To check their content, add: --archive <file>"
                            : $"{found.ProvenByArchive} of them were verified in the given archives."
                    )
            );
        }
        if (found.Erased > 0)
            lines.Add($"Texts of erased people were removed from {found.Erased} events; their hashes stand.");
        return string.Concat(lines.Select(line => Environment.NewLine + line));
    }

    private static Command TakeOut(Terminal terminal)
    {
        var file = new Option<string?>("--out")
        {
            Description = "The file to create; it must not exist yet. The default is standard output.",
            HelpName = "file",
        };
        return Verb.Reading(
            terminal,
            "export",
            "Export the log as JSON lines: events, seals, and the public key that verifies them.",
            [file],
            async (parse, hub, cancel) =>
            {
                using var key = new SealKey(hub.Get<RootKey>());
                using var progress = ProgressLine.Of(terminal, "Exported", "events");
                var export = new Export(hub.Store, key) { Progress = progress };
                if (parse.GetValue(file) is not { } name)
                {
                    // The lines are the answer, with --json or without.
                    await using var output = Console.OpenStandardOutput();
                    await export.Run(output, cancel);
                    return new Reply.Silent(0);
                }
                var target = Path.GetFullPath(name);
                if (NewFile.Problem(target) is { } problem)
                    return problem;
                var bytes = await NewFile.Make(
                    target,
                    async unfinished =>
                    {
                        await using var stream = new FileStream(unfinished, FileMode.Open, FileAccess.Write);
                        await export.Run(stream, cancel);
                    }
                );
                return new Reply.Done(
                    new { file = target, bytes },
                    $"Exported the log to {target} ({bytes:N0} bytes)."
                );
            }
        );
    }
}
