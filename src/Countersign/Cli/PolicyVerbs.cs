using System.CommandLine;
using System.Text.Json;
using Countersign.Doors.Api;
using Countersign.People;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary><c>countersign policy …</c>: the file that says who must say yes.</summary>
internal static class PolicyVerbs
{
    private static readonly Argument<string> File_ = new("file")
    {
        Description = "The policy file, or - for standard input.",
    };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "policy",
            "Who must approve: check, set, show and explain the policy file, and apply it to active requests.",
            Check(terminal),
            Set(terminal),
            Show(terminal),
            Explained(terminal),
            Apply(terminal)
        );

    private static Command Check(Terminal terminal) =>
        Verb.Plain(
            terminal,
            "check",
            "Check a file without publishing it, for example in CI. Exits with 1 if it has errors. Works "
                + "without a store; with one, it also finds missing groups and people.",
            [File_],
            async (parse, cancel) =>
            {
                var (text, failed) = await Read(terminal, parse.GetValue(File_)!, cancel);
                if (text is null)
                    return failed!;
                var (options, _) = Verb.ReadOptions(parse);
                if (options is null || !Verb.HasStore(options.Get<StoreOptions>()))
                {
                    var (alone, problems) = PolicyFile.Read(text);
                    return Checked(alone, problems);
                }
                await using var hub = await Hub.OpenForReading(options);
                var (file, all) = await hub.Get<PolicyFiles>().Check(text, cancel);
                return Checked(file, all);
            }
        );

    private static Command Set(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "set",
            "Publish a file for new requests. Active requests keep their policy.",
            [File_],
            async (parse, hub, cancel) =>
            {
                var (text, failed) = await Read(terminal, parse.GetValue(File_)!, cancel);
                if (text is null)
                    return failed!;
                return await hub.Get<PolicyFiles>().Set(text, null, Hub.Origin, cancel) switch
                {
                    SetPoliciesOutcome.Set(var version, var warnings, var diff) => new Reply.Done(
                        new
                        {
                            version = version.Version,
                            changed = true,
                            diff,
                            warnings = warnings.Select(Line.From),
                        },
                        $"{Listed(warnings)}{diff}Version {version.Version} is active. Active requests keep "
                            + "their policy; see: countersign policy apply --active --dry-run"
                    ),
                    SetPoliciesOutcome.Same(var version, var warnings) => new Reply.Done(
                        new
                        {
                            version = version.Version,
                            changed = false,
                            diff = "",
                            warnings = warnings.Select(Line.From),
                        },
                        $"{Listed(warnings)}This is version {version.Version}, which is already active."
                    ),
                    SetPoliciesOutcome.Wrong(var problems) => new Reply.No(
                        new { ok = false, problems = problems.Select(Line.From) },
                        $"{Listed(problems)}Not published."
                    ),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
            }
        );

    private static Command Show(Terminal terminal)
    {
        var wanted = new Option<long?>("--version-number")
        {
            Description = "The number of an earlier version.",
            HelpName = "n",
        };
        var list = new Option<bool>("--list") { Description = "List all versions, newest first." };
        return Verb.Reading(
            terminal,
            "show",
            "Print the active policy file.",
            [wanted, list],
            async (parse, hub, cancel) =>
            {
                if (parse.GetValue(list))
                {
                    var versions = await hub.Get<PolicyFiles>().List(cancel);
                    return new Reply.Done(
                        new
                        {
                            versions = versions.Select(v => new
                            {
                                v.Version,
                                v.Hash,
                                setBy = v.Actor,
                                setAt = Instant.ToText(v.At),
                            }),
                        },
                        versions.Count == 0
                            ? "No policy file is published yet."
                            : terminal.Table(
                                ["version", "set at", "by"],
                                versions.Select(v => new[] { $"{v.Version}", Instant.ToText(v.At), v.Actor })
                            )
                    );
                }
                return await hub.Get<PolicyFiles>().Find(parse.GetValue(wanted), cancel) is { } version
                    ? new Reply.Done(
                        new
                        {
                            version = version.Version,
                            hash = version.Hash,
                            setBy = version.Actor,
                            setAt = Instant.ToText(version.At),
                            text = version.Text,
                        },
                        version.Text.TrimEnd('\n')
                    )
                    : new Reply.Failed(
                        Reply.NotFound,
                        "There is no such policy file. Publish one with: countersign policy set <file>"
                    );
            }
        );
    }

    private static Command Explained(Terminal terminal)
    {
        var request = new Option<string>("--request")
        {
            Description = "A JSON file with the request: source, facts, requester, assignee. Use - for standard input.",
            Required = true,
            HelpName = "file",
        };
        var policies = new Option<string?>("--policies")
        {
            Description = "A policy file to test before you publish it.",
            HelpName = "file",
        };
        return Verb.Reading(
            terminal,
            "explain",
            "Show who would have to approve a request, and why.",
            [request, policies],
            async (parse, hub, cancel) =>
            {
                var (text, failed) = await Read(terminal, parse.GetValue(request)!, cancel);
                if (text is null)
                    return failed!;
                PolicyFile? draft = null;
                if (parse.GetValue(policies) is { } name)
                {
                    var (draftText, unread) = await Read(terminal, name, cancel);
                    if (draftText is null)
                        return unread!;
                    var (file, problems) = PolicyFile.Read(draftText);
                    if (file is null)
                        return Checked(file, problems);
                    draft = file;
                }
                ExplainBody? body;
                try
                {
                    body = JsonSerializer.Deserialize<ExplainBody>(text, JsonSerializerOptions.Web);
                }
                catch (JsonException broken)
                {
                    return new Reply.Failed(
                        Reply.Invalid,
                        $"Unexpected JSON in line {broken.LineNumber + 1} of the request. Expected: "
                            + "{\"source\": \"ld-prod\", \"facts\": {\"environment\": \"production\"}}."
                    );
                }
                var (imagined, field, why) = PolicyEndpoints.Imagine(
                    body ?? new ExplainBody(),
                    await hub.Get<PeopleDirectory>().Refresh(cancel)
                );
                if (imagined is null)
                    return new Reply.Failed(Reply.Invalid, $"{field}: {why}");
                var explained = await hub.Get<ExplainPolicy>().Run(imagined, cancel, draft);
                return new Reply.Done(ExplanationView.From(explained), InWords(explained));
            }
        );
    }

    private static Command Apply(Terminal terminal)
    {
        var active = new Option<bool>("--active") { Description = "All active requests." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only show what would change." };
        return Verb.OnStore(
            terminal,
            "apply",
            "Apply the active policy file to active requests, and show what changes. Never closes a request.",
            [active, dryRun],
            async (parse, hub, cancel) =>
            {
                if (!parse.GetValue(active))
                    return new Reply.Failed(Reply.Usage, "Choose the requests: countersign policy apply --active");
                var changes = await hub.Get<ApplyPolicies>().Run(parse.GetValue(dryRun), Hub.Origin, cancel);
                return new Reply.Done(
                    new { dryRun = parse.GetValue(dryRun), changes = changes.Select(RestampedView.From) },
                    changes.Count == 0
                        ? "Every active request already has the current policy."
                        : string.Join(
                            '\n',
                            changes.Select(c =>
                                $"{c.Id} {c.Subject}\n  {c.From} → {c.To}"
                                + (
                                    c.Left is { } left
                                        ? $": unchanged. {left}"
                                        : $"\n  before: {c.Before}\n  after:  {c.After}"
                                )
                                + (
                                    c.Lost.Count > 0 && c.Left is null
                                        ? $"\n  dismissed: {string.Join(", ", c.Lost)}"
                                        : ""
                                )
                            )
                        )
                );
            }
        );
    }

    private static string InWords(PolicyExplanation explained)
    {
        var lines = explained
            .PassedOver.Select(passed => $"not \"{passed.Policy}\" (line {passed.Line}): {passed.Why}")
            .ToList();
        lines.Add(
            explained.DecidedBy == "file"
                ? $"\"{explained.Policy}\""
                : $"no policy matches; decided by: {explained.Policy}"
        );
        if (explained.Presumed is { } presumed)
            lines.Add(presumed);
        lines.Add(explained.Outcome);
        foreach (var step in explained.Steps)
        {
            lines.Add($"  {step.Name}: {step.Need} of {step.Who.Count}");
            lines.AddRange(
                step.Who.Take(50)
                    .Select(who => $"    {who.Name} <{who.Email}>{(who.State == "can" ? "" : $" ({who.State})")}")
            );
            lines.AddRange(step.Unknown.Select(unknown => $"    {unknown} doesn't exist yet"));
        }
        lines.AddRange(explained.Times);
        if (explained.Stuck is { } stuck)
            lines.Add($"It would be blocked: {stuck.Why}. {stuck.Fix}.");
        return string.Join('\n', lines);
    }

    private static Reply Checked(PolicyFile? file, IReadOnlyList<PolicyProblem> problems)
    {
        var document = new
        {
            ok = file is not null,
            policies = file?.Rules.Count ?? 0,
            problems = problems.Select(Line.From),
        };
        return file is null
            ? new Reply.No(document, $"{Listed(problems)}The file has errors.")
            : new Reply.Done(
                document,
                $"{Listed(problems)}The file is valid: {file.Rules.Count} "
                    + $"{(file.Rules.Count == 1 ? "policy" : "policies")}."
            );
    }

    private static string Listed(IReadOnlyList<PolicyProblem> problems) =>
        string.Concat(problems.Select(p => $"{p}\n"));

    internal static async Task<(string? Text, Reply? Failed)> Read(
        Terminal terminal,
        string file,
        CancellationToken cancel
    )
    {
        if (file == "-")
            return (await terminal.Input.ReadToEndAsync(cancel), null);
        if (!File.Exists(file))
            return (null, new Reply.Failed(Reply.NotFound, $"There is no file {file}."));
        // One byte more than is read tells a file that is too large from one that is not.
        if (new FileInfo(file).Length > 4L * PolicyFile.MaxSize)
            return (new string(' ', PolicyFile.MaxSize + 1), null);
        return (await File.ReadAllTextAsync(file, cancel), null);
    }

    internal static class Line
    {
        public static object From(PolicyProblem p) =>
            new
            {
                line = p.Line,
                column = p.Column,
                rule = p.Rule,
                place = p.Place,
                problem = p.Problem,
                fix = p.Fix,
                warning = p.IsWarning,
            };
    }
}
