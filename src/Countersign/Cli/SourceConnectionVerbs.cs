using System.CommandLine;
using System.Text.Json;
using Countersign.LaunchDarkly;
using Countersign.People;

namespace Countersign.Cli;

/// <summary>
/// A source's connection to LaunchDarkly: switches of <c>source set</c>, <c>source test</c>,
/// <c>source disconnect</c> and <c>source members import</c>.
/// </summary>
internal static class SourceConnectionVerbs
{
    private static readonly Option<string?> Url = new("--launchdarkly-url")
    {
        Description =
            "LaunchDarkly's own address. The default is https://app.launchdarkly.com. A change removes the " + "token.",
        HelpName = "url",
    };
    private static readonly Option<string?> Token = Secret(
        "--launchdarkly-token",
        "An API access token of LaunchDarkly, best a service token: from standard input (-), from a file (@file), "
            + "or none to remove it."
    );
    private static readonly Option<string?> WebhookSecret = Secret(
        "--launchdarkly-webhook-secret",
        "The secret with which LaunchDarkly signs its webhook: from standard input (-), from a file (@file), or none "
            + "to remove it."
    );
    private static readonly Option<string?> Identify = Switch("--identify", "Ask LaunchDarkly who requested a change.");
    private static readonly Option<string?> Describe = Switch("--describe", "Ask LaunchDarkly what changes.");
    private static readonly Option<string?> Apply = Switch(
        "--apply",
        "Apply a change as soon as LaunchDarkly knows that it's approved. Needs --describe on."
    );
    private static readonly Option<string?> ImportMembers = Switch(
        "--import-members",
        "Import the members of the LaunchDarkly account every day."
    );

    /// <summary>What <c>source set</c> has besides.</summary>
    public static IReadOnlyList<Option<string?>> Switches { get; } =
    [Url, Token, WebhookSecret, Identify, Describe, Apply, ImportMembers];

    public static bool AreUsed(ParseResult parse) => Switches.Any(option => parse.GetResult(option) is not null);

    /// <summary>Null, or why the connection could not be set.</summary>
    public static async Task<Reply?> Set(Terminal terminal, ParseResult parse, Hub hub, CancellationToken cancel)
    {
        var (token, secret) = (parse.GetValue(Token), parse.GetValue(WebhookSecret));
        if (token == "-" && secret == "-")
            return new Reply.Failed(Reply.Usage, "Only one secret can come from standard input.");
        try
        {
            var outcome = await hub.Get<Connections>()
                .Set(
                    parse.GetValue(SourceVerbs.Name)!,
                    new ConnectionChange
                    {
                        BaseUrl = parse.GetValue(Url),
                        Token = Read(terminal, token),
                        WebhookSecret = Read(terminal, secret),
                        Identify = IsOn(parse, Identify),
                        Describe = IsOn(parse, Describe),
                        Apply = IsOn(parse, Apply),
                        ImportMembers = IsOn(parse, ImportMembers),
                    },
                    Hub.Origin,
                    cancel
                );
            return outcome is AccessOutcome<ConnectionView>.Done
                ? null
                : outcome.ToReply(view => new Reply.Done(view, ""));
        }
        catch (FileNotFoundException missing)
        {
            return new Reply.Failed(Reply.NotFound, $"There is no file {missing.FileName}.");
        }
    }

    public static async Task<AccessOutcome<long>> IdOf(Hub hub, string source, CancellationToken cancel) =>
        await hub.Get<Connections>().Find(source, cancel) is { } connection
            ? new AccessOutcome<long>.Done(connection.SourceId)
            : new AccessOutcome<long>.NotFound("a source with this name");

    /// <summary>What is said of a source, with its connection.</summary>
    public static async Task<Reply> AddTo(Reply reply, Hub hub, string source, CancellationToken cancel)
    {
        if (
            reply is not Reply.Done(var document, var text)
            || await hub.Get<Connections>().Find(source, cancel) is not { } connection
        )
        {
            return reply;
        }
        var both = JsonSerializer.SerializeToNode(document, JsonSerializerOptions.Web)!.AsObject();
        both["launchDarkly"] = JsonSerializer.SerializeToNode(connection, JsonSerializerOptions.Web);
        return new Reply.Done(both, $"{text}{Environment.NewLine}{InWords(connection)}");
    }

    public static Command Test(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "test",
            "Ask LaunchDarkly what the token of a source's connection may do. Changes nothing there.",
            [SourceVerbs.Name],
            async (parse, hub, cancel) =>
                (await hub.Get<TestConnection>().Run(parse.GetValue(SourceVerbs.Name)!, cancel)).ToReply(report =>
                {
                    var text = terminal.Table(
                        ["right", "", "what to do"],
                        report.Rights.Select(r =>
                            new[]
                            {
                                r.Name,
                                r.IsGranted switch
                                {
                                    true => "yes",
                                    false => "no",
                                    null => "unknown",
                                },
                                r.Problem ?? "",
                            }
                        )
                    );
                    return report.Rights.Any(r => r.IsGranted == false) ? new Reply.No(report, text)
                        : report.IsComplete ? new Reply.Done(report, text)
                        : new Reply.Undecided(report, text);
                })
        );

    public static Command Disconnect(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "disconnect",
            "Remove a source's connection to LaunchDarkly with its token. Requests go on without it.",
            [SourceVerbs.Name],
            async (parse, hub, cancel) =>
                (await hub.Get<Connections>().Remove(parse.GetValue(SourceVerbs.Name)!, Hub.Origin, cancel)).ToReply(
                    id => new Reply.Done(new { id }, "LaunchDarkly isn't asked any more.")
                )
        );

    public static Command Members(Terminal terminal)
    {
        var force = new Option<bool>("--force")
        {
            Description = "Also if no reviewer could approve an active request any more.",
        };
        return Verb.Family(
            "members",
            "The members of a source's LaunchDarkly account.",
            Verb.OnStore(
                terminal,
                "import",
                "Add the members of the LaunchDarkly account as people who can't review, and their names as aliases of "
                    + "people who are here. Removes nothing.",
                [SourceVerbs.Name, force],
                async (parse, hub, cancel) =>
                    ToReply(
                        await hub.Get<ImportMembers>()
                            .Run(parse.GetValue(SourceVerbs.Name)!, Hub.Origin, cancel, parse.GetValue(force))
                    )
            )
        );
    }

    private static string InWords(ConnectionView connection) =>
        connection.HasToken || connection.HasWebhookSecret
            ? $"LaunchDarkly at {connection.BaseUrl}: identify {Word(connection.Identify)}, describe "
                + $"{Word(connection.Describe)}, apply {Word(connection.Apply)}, daily import of members "
                + $"{Word(connection.ImportMembers)}."
            : $"LaunchDarkly at {connection.BaseUrl} isn't asked, because there is no token.";

    private static Reply ToReply(ImportMembersOutcome outcome) =>
        outcome switch
        {
            ImportMembersOutcome.Done(var imported) => new Reply.Done(
                imported,
                string.Join(
                    Environment.NewLine,
                    [
                        $"{imported.Members} members: {imported.Added.Count} people added, {imported.Changed.Count} "
                            + $"changed, {imported.Unchanged} unchanged, {imported.Skipped.Count} skipped.",
                        .. imported.Skipped.Select(s => $"  {s.Email}: {Skipped(s.Why)}"),
                    ]
                )
            ),
            ImportMembersOutcome.NotConnected => new Reply.Failed(
                Reply.NotFound,
                "There is no source with this name that is connected to LaunchDarkly with an API token."
            ),
            ImportMembersOutcome.Unavailable(var why) => new Reply.Failed(Reply.Unavailable, why, CannotTell: true),
            ImportMembersOutcome.WouldBlock(var requests) => new Reply.Failed(
                Reply.WouldBlock,
                $"{requests.Text} Nothing was imported. Use --force to import anyway."
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static string Skipped(string why) =>
        why switch
        {
            "invited" => "hasn't accepted the invitation",
            "not_verified" => "the email isn't verified",
            "conflict" => "the email belongs to another person than before; change it by hand",
            _ => "the email can't be used",
        };

    private static Option<string?> Switch(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "on|off" };
        option.AcceptOnlyFromAmong("on", "off");
        return option;
    }

    private static Option<string?> Secret(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "-|@file|none" };
        option.Validators.Add(result =>
        {
            // On the command line itself it would be in the shell's history and in the list of processes.
            if (result.Tokens is [{ Value: var value }] && value is not ("-" or "none") && value[..1] != "@")
                result.AddError($"{name} is read from standard input (-) or from a file (@file).");
        });
        return option;
    }

    private static string? Read(Terminal terminal, string? from) =>
        from switch
        {
            null => null,
            "none" => "",
            "-" => terminal.Input.ReadToEnd(),
            _ => File.ReadAllText(from[1..]),
        };

    private static bool? IsOn(ParseResult parse, Option<string?> option) =>
        parse.GetValue(option) is { } word ? word == "on" : null;

    private static string Word(bool isOn) => isOn ? "on" : "off";
}
