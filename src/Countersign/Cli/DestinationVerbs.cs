using System.CommandLine;
using System.Globalization;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Requests;

namespace Countersign.Cli;

/// <summary><c>countersign destination …</c>: workflow systems that decide.</summary>
internal static class DestinationVerbs
{
    private static readonly Argument<string> Name = new("name") { Description = "The destination's name." };
    private static readonly Argument<long> LinkId = new("link") { Description = "The link's ID, as listed by links." };

    private static readonly Option<string[]> Set = new("--set")
    {
        Description = "A setting by the manifest's own key. Can be repeated.",
        HelpName = "key=value",
    };

    private static readonly Option<string[]> Secret = new("--secret")
    {
        Description = "A secret by its key: from standard input (key=-) or from a file (key=@file).",
        HelpName = "key=-|key=@file",
    };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "destination",
            "Workflow systems that decide: add, lint, test, list linked tickets.",
            Add(terminal),
            Change(terminal),
            List(terminal),
            Lint(terminal),
            Test(terminal),
            Rehearse(terminal),
            Options(terminal),
            Links(terminal),
            Resolve(terminal),
            Pause(terminal, "pause", "Stop all calls to it; they wait until you resume it.", pause: true),
            Pause(terminal, "resume", "Resume calls to it.", pause: false)
        );

    private static Command Add(Terminal terminal)
    {
        var manifest = new Option<string>("--manifest")
        {
            Description =
                "A manifest file, or one of those included with Countersign: "
                + $"{string.Join(", ", ShippedManifests.Names)}.",
            HelpName = "file",
            Required = true,
        };
        return Verb.OnStore(
            terminal,
            "add",
            "Add a destination.",
            [Name, manifest, Set, Secret],
            async (parse, hub, cancel) =>
            {
                if (Read(parse.GetValue(manifest)!) is not { } text)
                    return NoFile(parse.GetValue(manifest)!);
                var (settings, secrets, mistake) = Values(parse, terminal);
                if (mistake is not null)
                    return mistake;
                var outcome = await hub.Get<AddDestination>()
                    .Run(parse.GetValue(Name)!, text, settings, secrets, Hub.Origin, cancel);
                return outcome.ToReply(made => new Reply.Done(
                    made,
                    $"""
                    Added the destination {made.Name} (destination {made.Id}).
                    Try it:            countersign destination test "{made.Name}"
                    See its calls:     countersign destination rehearse "{made.Name}"
                    Let it decide:     countersign source add <name> --destination "{made.Name}"
                    """
                ));
            }
        );
    }

    private static Command Change(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "set",
            "Change settings or secrets; the others stay.",
            [Name, Set, Secret],
            async (parse, hub, cancel) =>
            {
                var (settings, secrets, mistake) = Values(parse, terminal);
                if (mistake is not null)
                    return mistake;
                var outcome = await hub.Get<AddDestination>()
                    .Change(parse.GetValue(Name)!, settings, secrets, Hub.Origin, cancel);
                return outcome.ToReply(id => new Reply.Done(
                    new { id },
                    $"Changed. Running servers use it within a second."
                ));
            }
        );

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List all destinations, without their secrets.",
            [],
            async (_, hub, cancel) =>
            {
                var destinations = await hub.Get<DestinationViews>().All(cancel);
                return new Reply.Done(
                    new { destinations },
                    destinations.Count == 0
                        ? "No destinations yet. Add one with: countersign destination add <name> --manifest <file>"
                        : terminal.Table(
                            ["id", "name", "system", "open", "needs attention", ""],
                            destinations.Select(d =>
                                new[]
                                {
                                    $"{d.Id}",
                                    d.Name,
                                    d.System,
                                    $"{d.Links.Where(l => l.Key != "held").Sum(l => l.Value)}",
                                    $"{d.Links.GetValueOrDefault("held")}",
                                    d.Paused ? "paused"
                                    : d.FailingSince is { } since ? $"unreachable since {since}"
                                    : "",
                                }
                            )
                        )
                );
            }
        );

    /// <summary>Needs no store: made for whoever writes a manifest, and for CI.</summary>
    private static Command Lint(Terminal terminal)
    {
        var file = new Argument<string>("file") { Description = "The manifest." };
        return Verb.Plain(
            terminal,
            "lint",
            "Find errors in a manifest, with place and fix. Exits with 1 if there are any.",
            [file],
            async (parse, cancel) =>
            {
                await Task.CompletedTask;
                if (Read(parse.GetValue(file)!) is not { } text)
                    return NoFile(parse.GetValue(file)!);
                var findings = Linter
                    .Run(text)
                    .Select(f => new
                    {
                        f.Place,
                        f.Problem,
                        f.Fix,
                    })
                    .ToList();
                return findings.Count == 0
                    ? new Reply.Done(new { findings }, "No problems found.")
                    : new Reply.No(
                        new { findings },
                        string.Join("\n\n", findings.Select(f => $"{f.Place}\n  {f.Problem}\n  {f.Fix}"))
                    );
            }
        );
    }

    private static Command Test(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "test",
            "Make a call that changes nothing there, and print the response.",
            [Name],
            async (parse, hub, cancel) =>
                (await hub.Get<TestDestination>().Connect(parse.GetValue(Name)!, cancel)).ToReply(trial =>
                    trial.Ok
                        ? new Reply.Done(trial, trial.Summary)
                        : new Reply.No(trial, $"{trial.Summary}\n\n{Text(trial)}")
                )
        );

    private static Command Rehearse(Terminal terminal)
    {
        var request = new Option<string?>("--request")
        {
            Description = "The request to use. The default is a made-up one.",
            HelpName = "id",
        };
        return Verb.OnStore(
            terminal,
            "rehearse",
            "Show every call as it would be sent, with secrets masked. Sends nothing.",
            [Name, request],
            async (parse, hub, cancel) =>
            {
                RequestId? id = null;
                if (parse.GetValue(request) is { } given)
                {
                    if (!RequestId.TryParse(given, out var parsed))
                        return new Reply.Failed(Reply.NotFound, "There is no request with this ID.");
                    id = parsed;
                }
                return (await hub.Get<TestDestination>().Rehearse(parse.GetValue(Name)!, id, cancel)).ToReply(trial =>
                    trial.Ok
                        ? new Reply.Done(trial, $"{Text(trial)}\n\n{trial.Summary}")
                        : new Reply.No(trial, $"{Text(trial)}\n\n{trial.Summary}")
                );
            }
        );
    }

    private static Command Options(Terminal terminal)
    {
        var key = new Argument<string>("key") { Description = "The variable's key." };
        return Verb.OnStore(
            terminal,
            "options",
            "List the values that a variable can have.",
            [Name, key],
            async (parse, hub, cancel) =>
                (await hub.Get<TestDestination>().Options(parse.GetValue(Name)!, parse.GetValue(key)!, cancel)).ToReply(
                    options => new Reply.Done(
                        new { options = options.Select(o => new { o.Label, o.Value }) },
                        options.Count == 0
                            ? "None found."
                            : terminal.Table(["value", ""], options.Select(o => new[] { o.Value, o.Label }))
                    )
                )
        );
    }

    private static Command Links(Terminal terminal)
    {
        var state = new Option<string?>("--state") { Description = "Only links in this state." };
        state.AcceptOnlyFromAmong([.. Enum.GetValues<LinkState>().Select(LinkRow.Word)]);
        return Verb.Reading(
            terminal,
            "links",
            "List linked tickets, newest first.",
            [Name, state],
            async (parse, hub, cancel) =>
            {
                var page = await hub.Get<DestinationViews>()
                    .Links(parse.GetValue(Name)!, parse.GetValue(state), null, cancel);
                return page is not { Links: var links }
                    ? new Reply.Failed(Reply.NotFound, "There is no destination with this name.")
                    : new Reply.Done(
                        new { links },
                        links.Count == 0
                            ? "None found."
                            : terminal.Table(
                                ["link", "request", "state", "their id", "status", "seen", ""],
                                links.Select(l =>
                                    new[]
                                    {
                                        $"{l.Id}",
                                        l.Request,
                                        l.State,
                                        l.ExternalId ?? "",
                                        l.Display ?? "",
                                        l.SeenAt ?? "never",
                                        l.Problem ?? "",
                                    }
                                )
                            )
                    );
            }
        );
    }

    private static Command Resolve(Terminal terminal)
    {
        var retry = new Option<bool>("--retry") { Description = "Try again now." };
        var again = new Option<bool>("--send-again") { Description = "You checked: it doesn't exist there." };
        var exists = new Option<string?>("--exists")
        {
            Description = "You checked: it exists there, with this ID.",
            HelpName = "id",
        };
        var giveUp = new Option<bool>("--give-up") { Description = "Dismiss it." };
        return Verb.OnStore(
            terminal,
            "resolve",
            "Say how to continue with a link that needs attention.",
            [LinkId, retry, again, exists, giveUp],
            async (parse, hub, cancel) =>
            {
                Resolution?[] said =
                [
                    parse.GetValue(retry) ? new Resolution.Retry() : null,
                    parse.GetValue(again) ? new Resolution.SendAgain() : null,
                    parse.GetValue(exists) is { } id ? new Resolution.Exists(id) : null,
                    parse.GetValue(giveUp) ? new Resolution.GiveUp() : null,
                ];
                if (said.OfType<Resolution>().ToList() is not [var resolution])
                {
                    return new Reply.Failed(
                        Reply.Usage,
                        "Choose one of --retry, --send-again, --exists <id> and --give-up."
                    );
                }
                var link = parse.GetValue(LinkId);
                return await hub.Get<ResolveLink>().Run(link, resolution, Hub.Origin, cancel) switch
                {
                    ResolveLinkOutcome.Done => new Reply.Done(
                        new { link },
                        string.Create(CultureInfo.InvariantCulture, $"Link {link} continues.")
                    ),
                    ResolveLinkOutcome.NotPossible(var why) => new Reply.Failed("not_possible", why),
                    _ => new Reply.Failed(Reply.NotFound, "There is no link with this ID."),
                };
            }
        );
    }

    private static Command Pause(Terminal terminal, string verb, string description, bool pause) =>
        Verb.OnStore(
            terminal,
            verb,
            description,
            [Name],
            async (parse, hub, cancel) =>
                (await hub.Get<AddDestination>().Pause(parse.GetValue(Name)!, pause, Hub.Origin, cancel)).ToReply(
                    id => new Reply.Done(new { id, paused = pause }, pause ? "Calls are paused." : "Calls are resumed.")
                )
        );

    private static string Text(DestinationTest trial) =>
        string.Join(
            "\n\n",
            trial.Exchanges.Select(e =>
                string.Join(
                    '\n',
                    new[]
                    {
                        $"# {e.Call}",
                        e.Refused is { } refused ? $"couldn't be sent: {refused}" : $"{e.Method} {e.Url}",
                    }
                        .Concat(e.Headers ?? [])
                        .Append(e.Body)
                        .Append(
                            e.Status is { } status ? $"→ {status} {e.Answer}"
                            : e.Failure is { } failure ? $"→ {failure}"
                            : null
                        )
                        .Where(line => line is not null)
                )
            )
        );

    private static string? Read(string file) =>
        File.Exists(file) ? File.ReadAllText(file) : ShippedManifests.Find(file);

    private static Reply.Failed NoFile(string file) =>
        new Reply.Failed(
            Reply.NotFound,
            $"There is no file {file}. Included with Countersign: {string.Join(", ", ShippedManifests.Names)}."
        );

    private static (Dictionary<string, string> Settings, Dictionary<string, string> Secrets, Reply? Mistake) Values(
        ParseResult parse,
        Terminal terminal
    )
    {
        var (settings, secrets) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        foreach (var pair in parse.GetValue(Set) ?? [])
        {
            if (pair.Split('=', 2) is not [{ Length: > 0 } key, var value])
                return (settings, secrets, new Reply.Failed(Reply.Usage, "Use --set key=value."));
            settings[key] = value;
        }
        var read = false;
        foreach (var pair in parse.GetValue(Secret) ?? [])
        {
            if (pair.Split('=', 2) is not [{ Length: > 0 } key, var from] || (from != "-" && !from.StartsWith('@')))
            {
                return (
                    settings,
                    secrets,
                    new Reply.Failed(
                        Reply.Usage,
                        "Use --secret key=- to read it from standard input, or --secret key=@file. A secret "
                            + "in the command itself would stay in the shell's history."
                    )
                );
            }
            if (from == "-" && read)
            {
                return (
                    settings,
                    secrets,
                    new Reply.Failed(Reply.Usage, "Only one secret can come from standard input.")
                );
            }
            read |= from == "-";
            if (from != "-" && !File.Exists(from[1..]))
                return (settings, secrets, new Reply.Failed(Reply.NotFound, $"There is no file {from[1..]}."));
            secrets[key] = (from == "-" ? terminal.Input.ReadToEnd() : File.ReadAllText(from[1..])).TrimEnd('\r', '\n');
        }
        return (settings, secrets, null);
    }
}
