using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Reflection;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// The one binary's verbs; without a verb it serves. Every verb hands back an <see cref="Reply"/>, which is printed in
/// one place for people or, with <c>--json</c>, as one document. Exit codes: 0 done, 1 "no" or failure, 2 wrong use.
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

    public static string Version { get; } =
        typeof(CommandLine)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    public static async Task<int> Run(
        string[] args,
        TextReader? input = null,
        TextWriter? output = null,
        TextWriter? error = null
    )
    {
        var terminal = new Terminal(
            input ?? Console.In,
            output ?? Console.Out,
            error ?? Console.Error,
            args.Contains("--json")
        );
        args = [.. args.SelectMany(NormalizeSwitch)];
        var root = Root(terminal);
        // Without @files: a token that starts with @ is what it says.
        var parsing = new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
        var parse = root.Parse(args, parsing);
        var asksAboutUs = parse.Action is HelpText or VersionText;
        if (parse.CommandResult.Command == root && !asksAboutUs)
            parse = root.Parse([ServeVerb.Name, .. args], parsing);
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
                    ProcessTerminationTimeout = parse.CommandResult.Command.Name is ServeVerb.Name or DemoVerb.Name
                        ? null
                        : TimeSpan.FromSeconds(2),
                }
            );
        }
        catch (StoreUnavailable unavailable)
        {
            return terminal.Print(new Reply.Failed(Reply.Unavailable, unavailable.Message));
        }
        catch (OperationCanceledException)
        {
            return terminal.Print(
                new Reply.Failed(Reply.Unavailable, "Interrupted. Changes made before that are saved.")
            );
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A port that is taken, a folder that may not be written.
            return terminal.Print(new Reply.Failed(Reply.Unavailable, failure.Message));
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

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Countersign: the place where a change waits for a second signature.")
        {
            Data,
            Database,
            Json,
            ServeVerb.Build(terminal),
            UserVerbs.Build(terminal),
            GroupVerbs.Build(terminal),
            TokenVerbs.Build(terminal),
            SessionVerbs.Build(terminal),
            SourceVerbs.Build(terminal),
            PolicyVerbs.Build(terminal),
            WebhookVerbs.Build(terminal),
            DestinationVerbs.Build(terminal),
            WorkVerbs.Build(terminal),
            AuditVerbs.Build(terminal),
            BackupVerb.Build(terminal),
            ArchiveVerb.Build(terminal),
            DoctorVerb.Build(terminal),
            DemoVerb.Build(terminal),
            SimulateVerb.Build(terminal),
        };
        foreach (var setting in Switches)
            root.Add(setting);
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
            .FirstOrDefault(o => string.Equals(o.Name, name, StringComparison.OrdinalIgnoreCase));
        return option is null ? [word]
            : end < 0 ? [option.Name]
            : [option.Name, word[(end + 1)..]];
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

    private static Reply.Failed WrongUse(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var path = string.Join(' ', parse.CommandResult.Path().Append("--help"));
        var problems =
            command.Subcommands.Count > 0
                ? $"Choose one: {string.Join(", ", command.Subcommands.Select(c => c.Name))}."
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
