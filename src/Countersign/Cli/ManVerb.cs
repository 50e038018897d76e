using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Text;
using Countersign.Hosting;

namespace Countersign.Cli;

/// <summary><c>countersign man</c>: the manual page, written from the tree of verbs.</summary>
internal static class ManVerb
{
    public static Command Build(Terminal terminal) =>
        Verb.Plain(
            terminal,
            "man",
            "Print the manual page: countersign man > countersign.1",
            [],
            (parse, _) =>
            {
                var page = Page(parse.RootCommandResult.Command);
                return Task.FromResult<Reply>(new Reply.Done(new { page }, page));
            }
        );

    private static string Page(Command root)
    {
        var page = new StringBuilder();
        Line($""".TH COUNTERSIGN 1 "" "Countersign {Product.Version}" "User Commands" """.TrimEnd());
        Section("NAME");
        Line("countersign \\- self-hosted approval hub");
        Section("SYNOPSIS");
        Line(".B countersign");
        Line("[\\fIverb\\fR] [\\fIoptions\\fR]");
        Section("DESCRIPTION");
        Line(
            Text(
                "Countersign holds a change until a second person has approved it. Systems send requests, people or "
                    + "another workflow system decide, and every party hears the outcome. Without a verb it runs the "
                    + "server. Verbs work while a server is running on the same store, and their changes are logged."
            )
        );
        Section("VERBS");
        foreach (var verb in root.Subcommands.Where(v => !v.Hidden))
            Tell(verb, verb.Name);
        Section("OPTIONS FOR EVERY VERB");
        foreach (var option in root.Options.Where(o => !o.Hidden))
            Tell(option);
        Section("SETTINGS");
        Line(
            Text(
                "Each setting is a switch of every verb and an environment variable: COUNTERSIGN_ and its name, with "
                    + "__ for the colon. A secret can also be read from a file that the variable ending in _FILE names."
            )
        );
        foreach (var option in CommandLine.Switches)
            Tell(option);
        Section("EXIT STATUS");
        foreach (
            var (code, meaning) in (IEnumerable<(string, string)>)
                [
                    ("0", "Success, or yes."),
                    ("1", "Failure, or no."),
                    ("2", "Wrong usage."),
                    ("3", "Can't tell: undecided, or the hub doesn't answer."),
                ]
        )
        {
            Line(".TP");
            Line($".B {code}");
            Line(Text(meaning));
        }
        return page.ToString().TrimEnd();

        void Line(string text) => page.Append(text).Append('\n');

        void Section(string name) => Line($".SH {name}");

        void Tell(Symbol symbol, string? path = null)
        {
            switch (symbol)
            {
                case Command { Subcommands.Count: > 0 } family:
                    foreach (var verb in family.Subcommands.Where(v => !v.Hidden))
                        Tell(verb, $"{path} {verb.Name}");
                    break;
                case Command verb:
                    Line(
                        $".SS {Text($"{path} {string.Join(' ', verb.Arguments.Select(a => $"<{a.Name}>"))}".TrimEnd())}"
                    );
                    Line(Text(verb.Description ?? ""));
                    foreach (var option in verb.Options.Where(o => !o.Hidden && o is not HelpOption))
                        Tell(option);
                    break;
                case Option option:
                    Line(".TP");
                    var value = option.ValueType == typeof(bool) ? "" : $" <{option.HelpName ?? "value"}>";
                    Line($".B {Text(option.Name + value)}");
                    Line(Text(option.Description ?? ""));
                    break;
            }
        }
    }

    /// <summary>What the formatter would take for its own is plain text.</summary>
    private static string Text(string text)
    {
        text = text.ReplaceLineEndings(" ")
            .Replace("\\", "\\e", StringComparison.Ordinal)
            .Replace("-", "\\-", StringComparison.Ordinal);
        return text.StartsWith('.') || text.StartsWith('\'')
            ? string.Create(CultureInfo.InvariantCulture, $"\\&{text}")
            : text;
    }
}
