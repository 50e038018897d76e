using System.CommandLine;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign [serve]</c>. Settings are switches of every verb; here those of the framework are too, such as
/// <c>--Logging:LogLevel:Default=Debug</c>.
/// </summary>
internal static class ServeVerb
{
    public const string Name = "serve";

    public static Command Build(Terminal terminal)
    {
        var serve = Verb.Plain(
            terminal,
            Name,
            "Run the server. Any setting in docs/configuration.md can be a switch, such as "
                + "--Urls=http://localhost:8080",
            [],
            async (parse, cancel) =>
            {
                if (Problem(parse.UnmatchedTokens) is { } problem)
                    return new Reply.Failed(Reply.Usage, problem);
                var (options, problems) = Verb.ReadOptions(parse);
                return options is null
                    ? problems!
                    : new Reply.Silent(
                        await Application.Run(options, Verb.Switches(parse), link => Tell(terminal, link), cancel)
                    );
            }
        );
        serve.TreatUnmatchedTokensAsErrors = false;
        return serve;
    }

    /// <summary>Where it is read by whoever started the server, and not in the log, which others read.</summary>
    private static void Tell(Terminal terminal, string link)
    {
        terminal.Print(
            new Reply.Done(
                new { setUp = link },
                $"""
                No one can sign in yet. Create the admin account with this link, which works once, for one hour:

                    {link}

                """
            )
        );
        terminal.Output.Flush();
    }

    private static string? Problem(IReadOnlyList<string> switches)
    {
        for (var i = 0; i < switches.Count; i++)
        {
            var word = switches[i];
            if (!word.StartsWith("--", StringComparison.Ordinal) || word.Length == 2)
                return $"{word} is neither a verb nor a setting. See: countersign --help";
            var end = word.IndexOf('=', StringComparison.Ordinal);
            var name = end < 0 ? word[2..] : word[2..end];
            if (!CountersignOptions.IsKnown(name))
            {
                return $"--{name} is neither an option nor a setting. See: countersign --help, and "
                    + "docs/configuration.md for the settings.";
            }
            if (end < 0 && (++i == switches.Count || switches[i].StartsWith("--", StringComparison.Ordinal)))
                return $"--{name} needs a value: --{name}=…";
        }
        return null;
    }
}
