using System.CommandLine;
using Countersign.Audit;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Cli;

/// <summary><c>countersign audit …</c>: proving the record, and taking it elsewhere.</summary>
internal static class AuditVerbs
{
    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "audit",
            "The log: verify, export, damaged.",
            Check(terminal),
            TakeOut(terminal),
            Damaged(terminal)
        );

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
        var since = new Option<string?>("--since")
        {
            Description =
                "A file with a checkpoint of the log: checks that the log goes on from it, and only what came after.",
            HelpName = "file",
        };
        since.Validators.Add(result =>
        {
            foreach (var missing in result.Tokens.Select(t => t.Value).Where(file => !File.Exists(file)))
                result.AddError($"There is no file {missing}.");
        });
        return Verb.Reading(
            terminal,
            "verify",
            "Check that no event, seal or request was changed, removed or added. Exits with 1 and lists the problems.",
            [head, archives, since],
            async (parse, hub, cancel) =>
            {
                if (parse.GetValue(since) is { } checkpoint)
                {
                    return parse.GetValue(head) is null && parse.GetValue(archives) is null or []
                        ? await CheckSince(hub, checkpoint, cancel)
                        : new Reply.Failed(Reply.Usage, "--since can't be combined with --head or --archive.");
                }
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

    private static async Task<Reply> CheckSince(Hub hub, string file, CancellationToken cancel)
    {
        using var key = new SealKey(hub.Get<RootKey>());
        var outcome = await new VerifySince(hub.Store, key).Run(await File.ReadAllTextAsync(file, cancel), cancel);
        if (outcome is not VerifySinceOutcome.Looked(var found))
            return new Reply.Failed(Reply.Invalid, $"{file}: {((VerifySinceOutcome.NoCheckpoint)outcome).Why}");
        var notChecked =
            $"Not checked: the {found.NotChecked} events up to the checkpoint, and whether requests, people and "
            + "settings follow from events. To check everything, run:\ncountersign audit verify";
        return found.Ok
            ? new Reply.Done(
                found,
                $"""
                The log goes on from the checkpoint: {found.Origin} with {found.Size} leaves.
                Checked: {found.Events} later events with their seals and the tree, and {found.Unsealed} not sealed yet.
                {notChecked}
                """
            )
            : new Reply.No(
                found,
                $"Verification failed:\n{string.Join('\n', found.Problems.Select(p => "- " + p))}"
                    + (found.MoreProblems > 0 ? $"\n… and {found.MoreProblems} more" : "")
                    + $"\n{notChecked}"
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

    private static Command Damaged(Terminal terminal)
    {
        var id = new Argument<long>("event") { Description = "The event's number, as doctor and the log name it." };
        var reason = new Option<string>("--reason")
        {
            Description = "What happened to it, for those who read the log later.",
            HelpName = "text",
            Required = true,
        };
        return Verb.OnStore(
            terminal,
            "damaged",
            "Record an event that was damaged before it was sealed, so that sealing goes on past it.",
            [id, reason],
            async (parse, hub, cancel) =>
            {
                using var key = new SealKey(hub.Get<RootKey>());
                var (number, why) = (parse.GetValue(id), parse.GetValue(reason)!);
                return await new RecordDamage(hub.Store, key).Run(number, why, Hub.Origin, cancel) switch
                {
                    RecordDamageOutcome.NotFound => new Reply.Failed(Reply.NotFound, $"There is no event {number}."),
                    RecordDamageOutcome.NotDamaged => new Reply.Failed(
                        Reply.Invalid,
                        $"Event {number} matches its hash, so there is nothing to record."
                    ),
                    RecordDamageOutcome.IsSealed => new Reply.Failed(
                        Reply.Invalid,
                        $"Event {number} is sealed already: what was changed, was changed later. Restore a backup."
                    ),
                    RecordDamageOutcome.Recorded done => new Reply.Done(
                        new
                        {
                            @event = number,
                            done.Subject,
                            done.N,
                            withdrawn = done.Withdrawn?.Id.ToString(),
                            closed = done.Closed?.Id.ToString(),
                        },
                        $"Event {number} ({done.Subject}, number {done.N}) is recorded as damaged, and sealing goes "
                            + "on. From now on, audit verify names it and exits with 1."
                            + (done.Withdrawn is { } request ? $"\nRequest {request.Id} was withdrawn." : "")
                            + (
                                done.Closed is { } closed
                                    ? $"\nRequest {closed.Id} is {closed.Status.ToWireName()} and stays so. It has no "
                                        + "receipt any more."
                                    : ""
                            )
                    ),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
            }
        );
    }

    private static Command TakeOut(Terminal terminal)
    {
        var file = new Option<string?>("--out")
        {
            Description = "The file to create; it must not exist yet. The default is standard output.",
            HelpName = "file",
        };
        var tree = new Option<bool>("--tree")
        {
            Description =
                "Also the log's tree: epochs, their own leaves, heads with their checkpoints and cosignatures.",
        };
        return Verb.Reading(
            terminal,
            "export",
            "Export the log as JSON lines: events, seals, and the public key that verifies them.",
            [file, tree],
            async (parse, hub, cancel) =>
            {
                using var key = new SealKey(hub.Get<RootKey>());
                using var progress = ProgressLine.Of(terminal, "Exported", "events");
                var export = new Export(hub.Store, key) { Progress = progress, HasTree = parse.GetValue(tree) };
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
