using System.Text.RegularExpressions;
using Countersign.Cli;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>
/// Every command that a message, a page or an exported file tells people to run is one that the program takes. Read
/// from the sources, so that a hint is looked at even where no test provokes it.
/// </summary>
public sealed partial class HintTests
{
    /// <summary>A page of help, the name of a connection and a sentence about a metric.</summary>
    private static readonly string[] NoHints = ["user add --help", "backup", "backup made a copy"];

    public static TheoryData<string, string> Hints()
    {
        var hints = new TheoryData<string, string>();
        foreach (var (file, hint) in Found().Distinct().Where(f => !NoHints.Contains(f.Hint)))
            hints.Add(file, hint);
        return hints;
    }

    [Theory, MemberData(nameof(Hints))]
    public void A_hint_can_be_run_as_it_is_printed(string file, string hint)
    {
        var problems = CommandLine
            .Parse([.. Words().Matches(hint).Select(m => m.Value.Replace("\"", "", StringComparison.Ordinal))])
            .Errors.Select(e => e.Message)
            // The files and folders of an example are not here.
            .Where(message => !message.StartsWith("There is no file", StringComparison.Ordinal));
        Assert.True(!problems.Any(), $"{file}: countersign {hint}: {string.Join(' ', problems)}");
    }

    [Fact]
    public void There_are_hints_to_look_at() => Assert.InRange(Found().Count(), 30, 500);

    private static IEnumerable<(string File, string Hint)> Found()
    {
        var source = Path.Combine(Repository.Root, "src", "Countersign");
        foreach (var path in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories).Order())
        {
            if (Path.GetExtension(path) is not (".cs" or ".resx" or ".cshtml"))
                continue;
            var isCode = Path.GetExtension(path) == ".cs";
            var text = Comment().Replace(File.ReadAllText(path), "");
            if (isCode)
                text = Joined().Replace(text, "");
            foreach (Match match in Command().Matches(text))
            {
                var isRaw = Raw().Count(text[..match.Index]) % 2 == 1;
                var line = match.Groups["line"].Value;
                if (isCode && !isRaw)
                {
                    line = line.Replace("\\\"", "\u0001", StringComparison.Ordinal).Split('"')[0];
                    line = line.Replace('\u0001', '"');
                }
                yield return (Path.GetFileName(path), Filled(line));
            }
        }
    }

    /// <summary>Without the sentence around it, and with something in the place of each placeholder.</summary>
    private static string Filled(string line)
    {
        line = End().Split(line)[0].TrimEnd('.', ' ');
        line = line.Replace("{found.Head}", $"7:{new string('a', 64)}", StringComparison.Ordinal);
        line = line.Replace("{baseUrl}", "http://localhost:5080", StringComparison.Ordinal);
        return Placeholder().Replace(line, "7");
    }

    [GeneratedRegex("(?<![\\w.:/-])countersign (?<line>[a-z][^\\n]*)", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Command();

    [GeneratedRegex("^\\s*//.*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Comment();

    /// <summary>Where one literal ends and goes on in the next line.</summary>
    [GeneratedRegex("\"\\s*\\+\\s*\\$?\"(?!\")", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Joined();

    [GeneratedRegex("\"\"\"", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Raw();

    [GeneratedRegex("[.,;)] |[.;)]$| or | has | [>|]|>> |\\{\\(|`|</", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex End();

    [GeneratedRegex("\\{[^{}]*\\}|<[^<>]*>|…", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Placeholder();

    [GeneratedRegex("(\"[^\"]*\"|[^ \"])+", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Words();
}
