using System.CommandLine;
using System.Text;
using Countersign.HubAsCode;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign apply -f hub.yaml</c>: makes the hub what the file says. What changes is shown first, and what is
/// shown is what is done: where the hub has changed since, nothing is.
/// </summary>
internal static class ApplyVerb
{
    private const string NeedsYes = "confirmation_required",
        HasChanged = "changed",
        Refused = "refused";

    private static readonly Option<string> FileName = new("--file", "-f")
    {
        Description = "The YAML file, or - for standard input. A policy file is one, too.",
        HelpName = "file",
        Required = true,
    };
    private static readonly Option<bool> Prune = new("--prune")
    {
        Description =
            "Also disable people and sources that the file doesn't have, and remove members and aliases that it "
            + "doesn't list. Deletes nothing, and looks only at the parts that the file has.",
    };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only show what would change." };
    private static readonly Option<bool> Yes = new("--yes")
    {
        Description =
            "Apply changes that need confirmation: a role raised, an alias, a policy, or looser rules of a source.",
    };
    private static readonly Option<bool> Force = new("--force")
    {
        Description = "Even if an active request is left without a reviewer who could approve it.",
    };
    private static readonly Option<string?> Revision = new("--revision")
    {
        Description = "Only if the hub is still at this revision, as a dry run printed it.",
        HelpName = "revision",
    };

    public static Command Build(Terminal terminal) =>
        Verb.Plain(
            terminal,
            "apply",
            "Set up people, groups, sources, request types and policies from one YAML file: show what changes, then "
                + "change it, all or nothing. What the file leaves out stays as it is.",
            [FileName, Prune, DryRun, Yes, Force, Revision],
            async (parse, cancel) =>
            {
                var (file, failed) = await Read(terminal, parse.GetValue(FileName)!, cancel);
                if (file is null)
                    return failed!;
                var (options, wrong) = Verb.ReadOptions(parse);
                if (options is null)
                    return wrong!;
                var isDryRun = parse.GetValue(DryRun);
                if (isDryRun && options.Get<StoreOptions>() is var place && !Verb.HasStore(place))
                    return Verb.NoStore(place);
                await using var hub = isDryRun
                    ? await Hub.OpenForReading(options)
                    : await Hub.Open(options, TableChanges.Create);
                return await Run(terminal, parse, hub, file, cancel);
            }
        );

    private static async Task<Reply> Run(
        Terminal terminal,
        ParseResult parse,
        Hub hub,
        HubFile file,
        CancellationToken cancel
    )
    {
        var planned = await hub.Get<PlanHub>().Run(file, parse.GetValue(Prune), parse.GetValue(Force), cancel);
        if (planned is not PlanHubOutcome.Planned(var plan))
            return Wrong(((PlanHubOutcome.Wrong)planned).Problems);
        if (parse.GetValue(Revision) is { } bound && bound != plan.Revision.ToString())
            return Changed(terminal, parse, plan, plan.Revision);
        if (plan.Changes.Count == 0)
            return new Reply.Done(Document(plan, false, null), $"{Before(plan)}Nothing to change.{After(plan)}");
        if (parse.GetValue(DryRun))
        {
            return new Reply.Done(
                Document(plan, false, null),
                $"{Before(plan)}{InWords(terminal, plan)}{After(plan)}\nNothing was changed. To make exactly these "
                    + $"changes: {Again(parse)} --yes --revision {plan.Revision}"
            );
        }
        if (!terminal.IsJson)
            await terminal.Output.WriteLineAsync($"{Before(plan)}{InWords(terminal, plan)}{After(plan)}");
        if (plan.NeedConsent > 0 && !parse.GetValue(Yes) && !await Confirmed(terminal, plan, cancel))
        {
            return No(
                terminal,
                plan,
                NeedsYes,
                $"Nothing was changed: {Counted(plan.NeedConsent, "change")} marked ! must be confirmed. To make these "
                    + $"changes: {Again(parse)} --yes --revision {plan.Revision}"
            );
        }
        return await hub.Get<ApplyHub>().Run(plan, Hub.Origin, cancel) switch
        {
            ApplyHubOutcome.Applied => new Reply.Done(Document(plan, true, null), Applied(plan)),
            ApplyHubOutcome.Changed(var now) => Changed(terminal, parse, plan, now),
            ApplyHubOutcome.Refused(var change, var why) => No(
                terminal,
                plan,
                Refused,
                change is null
                    ? $"Nothing was changed. {why}"
                    : $"Nothing was changed. {Place(change)}{change.Subject}, {change.What}: {why}"
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static async Task<(HubFile? File, Reply? Failed)> Read(
        Terminal terminal,
        string name,
        CancellationToken cancel
    )
    {
        string text;
        var folder = Environment.CurrentDirectory;
        if (name == "-")
        {
            text = await terminal.Input.ReadToEndAsync(cancel);
        }
        else
        {
            if (!File.Exists(name))
                return (null, new Reply.Failed(Reply.NotFound, $"There is no file {name}."));
            folder = Path.GetDirectoryName(Path.GetFullPath(name))!;
            // One letter more than is read tells a file that is too large from one that is not.
            text =
                new FileInfo(name).Length > 4L * HubFile.MaxSize
                    ? new string('#', HubFile.MaxSize + 1)
                    : await File.ReadAllTextAsync(name, cancel);
        }
        var (file, problems) = new HubFileReader(path => ReadSecret(Path.Combine(folder, path))).Read(text);
        return file is null ? (null, Wrong(problems, name == "-" ? null : name)) : (file, null);
    }

    /// <summary>A file's name counts from the folder of the file that names it.</summary>
    private static string? ReadSecret(string path) =>
        File.Exists(path) ? File.ReadAllText(path).TrimEnd('\r', '\n') : null;

    private static async Task<bool> Confirmed(Terminal terminal, HubPlan plan, CancellationToken cancel)
    {
        if (!terminal.CanAsk || terminal.IsJson)
            return false;
        await terminal.Error.WriteAsync(
            $"Make {(plan.Changes.Count == 1 ? "this change" : $"these {plan.Changes.Count} changes")}? [y/N] "
        );
        return (await terminal.Input.ReadLineAsync(cancel))?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    private static Reply.No Wrong(IReadOnlyList<PolicyProblem> problems, string? name = null) =>
        new(
            new { ok = false, problems = problems.Select(PolicyVerbs.Line.From) },
            $"{string.Concat(problems.Select(p => $"{(name is null ? "" : $"{name}: ")}{p}\n"))}Nothing was changed."
        );

    private static Reply Changed(Terminal terminal, ParseResult parse, HubPlan plan, HubRevision now) =>
        No(
            terminal,
            plan,
            HasChanged,
            $"Nothing was changed: the hub isn't at revision {parse.GetValue(Revision) ?? plan.Revision.ToString()} "
                + $"any more but at {now}, so other changes may follow from the file. Look at them again: "
                + $"{Again(parse)} --dry-run"
        );

    /// <summary>Programs get what would have changed along with the reason why nothing did.</summary>
    private static Reply No(Terminal terminal, HubPlan plan, string code, string message) =>
        terminal.IsJson
            ? new Reply.No(Document(plan, false, new { code, message }), message)
            : new Reply.Failed(code, message);

    private static object Document(HubPlan plan, bool isApplied, object? error) =>
        new
        {
            ok = error is null,
            applied = isApplied,
            revision = plan.Revision.ToString(),
            changes = plan.Changes.Select(c => new
            {
                c.Section,
                kind = c.Mark switch
                {
                    '+' => "add",
                    '-' => "remove",
                    _ => "change",
                },
                c.Subject,
                c.What,
                needsYes = c.NeedsConsent,
                c.Line,
                c.Diff,
            }),
            warnings = plan.Warnings.Select(PolicyVerbs.Line.From),
            plan.Notes,
            keys = isApplied ? plan.NewKeys.Select(k => new { source = k.Source, key = k.Key }) : [],
            error,
        };

    private static string InWords(Terminal terminal, HubPlan plan)
    {
        var text = new StringBuilder();
        var width = plan.Changes.Max(c => c.Subject.Length);
        foreach (var section in plan.Changes.GroupBy(c => c.Section))
        {
            text.Append(section.Key).Append('\n');
            foreach (var change in section)
            {
                var line = $"{change.Mark} {change.Subject.PadRight(width)}  {change.What}";
                text.Append(change.NeedsConsent ? terminal.Yellow("! ") : "  ")
                    .Append(Painted(terminal, change.Mark, line))
                    .Append('\n');
                foreach (var diff in change.Diff.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                    text.Append("      ").Append(Painted(terminal, diff[0], diff)).Append('\n');
            }
        }
        return text.Append('\n')
            .Append(Counted(plan.Changes.Count, "change"))
            .Append(plan.NeedConsent > 0 ? $", {plan.NeedConsent} of them to be confirmed (!)" : "")
            .Append(System.Globalization.CultureInfo.InvariantCulture, $". The hub is at revision {plan.Revision}.")
            .ToString();
    }

    private static string Painted(Terminal terminal, char mark, string line) =>
        mark switch
        {
            '+' => terminal.Green(line),
            '-' => terminal.Red(line),
            '~' => terminal.Yellow(line),
            _ => line,
        };

    private static string Before(HubPlan plan) => string.Concat(plan.Warnings.Select(w => $"{w}\n"));

    private static string After(HubPlan plan) => string.Concat(plan.Notes.Select(note => $"\n{note}"));

    private static string Applied(HubPlan plan) =>
        string.Join(
                '\n',
                [
                    $"Made {Counted(plan.Changes.Count, "change")}.",
                    .. plan.NewKeys.Select(k => $"The key of {k.Source}, shown only once:\n\n    {k.Key}\n"),
                ]
            )
            .TrimEnd();

    private static string Place(HubChange change) => change.Line > 0 ? $"line {change.Line}: " : "";

    private static string Counted(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private static string Again(ParseResult parse) =>
        $"countersign apply -f {Quoted(parse.GetValue(FileName)!)}{(parse.GetValue(Prune) ? " --prune" : "")}"
        + (parse.GetValue(Force) ? " --force" : "");

    /// <summary>As a shell takes it for one word.</summary>
    internal static string Quoted(string word) =>
        word.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_' or '/' or ':' or '\\'))
            ? $"\"{word}\""
            : word;
}
