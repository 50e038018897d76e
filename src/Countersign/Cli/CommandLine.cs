using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Countersign.Audit;
using Countersign.Cli.Waiting;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// The one binary's verbs; without a verb it serves. Every verb hands back an <see cref="Reply"/>, which is printed in
/// one place for people or, with <c>--json</c>, as one document. Exit codes: 0 done, 1 "no" or failure, 2 wrong use, 3
/// the store or another system can't be reached; docs/command-line.md says more.
/// Verbs work on the store through the same use cases as the doors, whether or not a server runs on it, and leave
/// events.
/// </summary>
internal static class CommandLine
{
    public static readonly Option<string?> Data = Needing(
        new("--data")
        {
            Description = "The folder that holds the store and its root key.",
            HelpName = "folder",
            Recursive = true,
        }
    );
    public static readonly Option<string?> Database = Needing(
        new("--database")
        {
            Description = "A PostgreSQL connection string, instead of SQLite in the data folder.",
            HelpName = "connection",
            Recursive = true,
        }
    );
    public static readonly Option<string?> Config = FileOption();
    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON document.",
        Recursive = true,
    };

    /// <summary>
    /// Every other setting is a switch of every verb, under its name in the documentation; the help shows the common
    /// ones only.
    /// </summary>
    public static readonly IReadOnlyList<Option<string?>> Switches =
    [
        .. from setting in CountersignOptions.Settings
        where setting.Name is not ("Data" or "Database")
        select Needing(
            new($"--{setting.Name}")
            {
                Description = setting.Description,
                Hidden = true,
                Recursive = true,
            }
        ),
    ];

    public static Task<int> Run(
        string[] args,
        TextReader? input = null,
        TextWriter? output = null,
        TextWriter? error = null
    ) =>
        Run(
            args,
            new Terminal(input ?? Console.In, output ?? Console.Out, error ?? Console.Error, args.Contains("--json"))
            {
                ShowsProgress = error is null && !Console.IsErrorRedirected,
                CanAsk = input is null && error is null && !Console.IsInputRedirected && !Console.IsErrorRedirected,
                HasColors =
                    output is null
                    && !Console.IsOutputRedirected
                    && Terminal.AllowsColors(Environment.GetEnvironmentVariable),
                Width = output is null && !Console.IsOutputRedirected ? Terminal.WidthOfConsole() : null,
            }
        );

    internal static async Task<int> Run(string[] args, Terminal terminal)
    {
        args = args switch
        {
            ["help", .. var verb] => [.. verb, "--help"],
            ["version", .. var options] => [.. options, "--version"],
            _ => [.. args.SelectMany(NormalizeSwitch)],
        };
        var root = Root(terminal);
        var parse = root.Parse(args, Parsing);
        var asksAboutUs = parse.Action is HelpText or VersionText || CompletionVerb.Asks(args);
        if (parse.CommandResult.Command == root && !asksAboutUs)
            parse = root.Parse([ServeVerb.Name, .. args], Parsing);
        if (parse.Errors.Count > 0 && !asksAboutUs)
            return terminal.Print(WrongUse(parse));
        try
        {
            return await parse.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = terminal.Output,
                    Error = terminal.Error,
                    EnableDefaultExceptionHandler = false,
                    // The server listens to signals itself and takes the time that its callers need.
                    ProcessTerminationTimeout = parse.CommandResult.Command.Name switch
                    {
                        ServeVerb.Name or WitnessVerb.Name or DemoVerb.Name => null,
                        // It may have a request to withdraw.
                        WaitVerb.Name => TimeSpan.FromSeconds(5),
                        _ => TimeSpan.FromSeconds(2),
                    },
                }
            );
        }
        catch (StoreUnavailable unavailable)
        {
            return terminal.Print(new Reply.Failed(Reply.Unavailable, unavailable.Message, CannotTell: true));
        }
        catch (SchemaMismatch mismatch)
        {
            return terminal.Print(
                new Reply.Failed(mismatch.Code, mismatch.Message, mismatch.Code == SchemaMismatch.Missing)
            );
        }
        catch (WrongRootKey wrong)
        {
            return terminal.Print(new Reply.Failed(WrongRootKey.Code, wrong.Message));
        }
        catch (OperationCanceledException)
        {
            return terminal.Print(
                new Reply.Failed(
                    Reply.Unavailable,
                    "Interrupted. Changes made before that are saved.",
                    CannotTell: true
                )
            );
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A port that is taken, a folder that may not be written.
            return terminal.Print(new Reply.Failed(Reply.Unavailable, failure.Message));
        }
        catch (InvalidDataException unreadable)
        {
            // A file of settings that is no JSON.
            return terminal.Print(
                new Reply.Failed(Reply.Usage, $"{unreadable.Message} {unreadable.InnerException?.Message}".Trim())
            );
        }
        catch (InvalidOperationException failure)
        {
            // The store says in words what keeps it from going on.
            return terminal.Print(new Reply.Failed(Reply.Internal, failure.Message));
        }
        catch (Exception failure)
        {
            return terminal.Print(
                new Reply.Failed(Reply.Internal, terminal.IsJson ? failure.Message : failure.ToString())
            );
        }
    }

    /// <summary>Without @files: a token that starts with @ is what it says.</summary>
    private static ParserConfiguration Parsing =>
        new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    /// <summary>The verbs and what they take, without doing anything.</summary>
    internal static ParseResult Parse(string[] args) =>
        Root(new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null, IsJson: false)).Parse(args, Parsing);

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Countersign: the place where a change waits for a second signature.")
        {
            Data,
            Database,
            Config,
            Json,
            ServeVerb.Build(terminal),
            UserVerbs.Build(terminal),
            GroupVerbs.Build(terminal),
            TokenVerbs.Build(terminal),
            SessionVerbs.Build(terminal),
            KeyVerbs.Build(terminal),
            SourceVerbs.Build(terminal),
            PolicyVerbs.Build(terminal),
            RequestVerbs.Build(terminal),
            RequestTypeVerbs.Build(terminal),
            ApplyVerb.Build(terminal),
            ExportVerbs.Build(terminal),
            WebhookVerbs.Build(terminal),
            DestinationVerbs.Build(terminal),
            WorkVerbs.Build(terminal),
            AuditVerbs.Build(terminal),
            ReceiptVerbs.Build(terminal),
            ReceiptVerbs.BuildVerify(terminal),
            ProofVerbs.Build(terminal),
            BackupVerb.Build(terminal),
            MigrateVerb.Build(terminal),
            ArchiveVerb.Build(terminal),
            DoctorVerb.Build(terminal),
            WaitVerb.Build(terminal),
            WitnessVerb.Build(terminal),
            DemoVerb.Build(terminal),
            SimulateVerb.Build(terminal),
            CompletionVerb.Build(terminal),
            ManVerb.Build(terminal),
        };
        foreach (var setting in Switches)
            root.Add(setting);
        TakeNoOptionForAnArgument(root);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpText((HelpAction)help.Action!);
        root.Options.OfType<VersionOption>().Single().Action = new VersionText(terminal);
        return root;
    }

    /// <summary>
    /// A setting may be written in any case, and with a colon in its name where the parser would see the beginning of a
    /// value:
    /// <c>--ratelimit:perkeyperminute=0</c> becomes <c>--RateLimit:PerKeyPerMinute</c> and <c>0</c>.
    /// </summary>
    private static string[] NormalizeSwitch(string word)
    {
        var end = word.IndexOf('=', StringComparison.Ordinal);
        var name = end < 0 ? word : word[..end];
        var option = Switches
            .Append(Data)
            .Append(Database)
            .Append(Config)
            .FirstOrDefault(o => string.Equals(o.Name, name, StringComparison.OrdinalIgnoreCase));
        return option is null ? [word]
            : end < 0 ? [option.Name]
            : [option.Name, word[(end + 1)..]];
    }

    private static Option<string?> FileOption()
    {
        var option = Needing(
            new("--config")
            {
                Description = "A JSON file with settings, which win over appsettings.json.",
                HelpName = "file",
                Recursive = true,
            }
        );
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var file }] && !File.Exists(file))
                result.AddError($"There is no file {file}.");
        });
        return option;
    }

    /// <summary>The parser alone would take the next option for a value that was forgotten.</summary>
    private static Option<string?> Needing(Option<string?> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var value }] && value.StartsWith("--", StringComparison.Ordinal))
                result.AddError($"{option.Name} needs a value.");
        });
        return option;
    }

    /// <summary>
    /// The parser alone would take an option that doesn't exist for an argument: a group would be called --mebmer.
    /// </summary>
    private static void TakeNoOptionForAnArgument(Command command)
    {
        foreach (var argument in command.Arguments)
        {
            argument.Validators.Add(result =>
            {
                foreach (var token in result.Tokens)
                {
                    if (token.Value.StartsWith("--", StringComparison.Ordinal))
                    {
                        var options = command.Options.Where(o => !o.Hidden).Select(o => o.Name);
                        result.AddError($"There is no option {token.Value}.{Suggestions.For(token.Value, options)}");
                    }
                }
            });
        }
        foreach (var verb in command.Subcommands)
            TakeNoOptionForAnArgument(verb);
    }

    private static Reply.Failed WrongUse(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var path = string.Join(' ', parse.CommandResult.Path().Append("--help"));
        var problems =
            command.Subcommands.Count > 0
                ? $"Choose one: {string.Join(", ", command.Subcommands.Select(c => c.Name))}."
                    + (
                        parse.UnmatchedTokens is [var typed, ..]
                            ? Suggestions.For(typed, command.Subcommands.Select(c => c.Name))
                            : ""
                    )
                : string.Join(
                    ' ',
                    parse
                        .Errors.Select(e =>
                            e.Message.ReplaceLineEndings(" ").Replace("\t", "", StringComparison.Ordinal)
                        )
                        .Distinct()
                );
        return new Reply.Failed(Reply.Usage, $"{problems} See: {path}");
    }

    private static IEnumerable<string> Path(this CommandResult result)
    {
        var names = new Stack<string>();
        for (SymbolResult? at = result; at is not null; at = at.Parent)
        {
            if (at is CommandResult { Command: not RootCommand } command)
                names.Push(command.Command.Name);
        }
        return names.Prepend("countersign");
    }
}
