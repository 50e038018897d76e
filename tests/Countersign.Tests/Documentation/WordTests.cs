using System.Text.RegularExpressions;
using Xunit;

namespace Countersign.Tests.Documentation;

/// <summary>What people read uses the words of the trade, the same everywhere.</summary>
public sealed partial class WordTests
{
    // Before the rules, which use it.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>A word or phrase that we don't write, and what to write.</summary>
    private static readonly (Regex Words, string Better)[] Rules =
    [
        Rule("whoever|whomever", "say who: the requester, a reviewer, anyone who has the link"),
        Rule("somebody|nobody|everybody", "say who: an admin, no reviewer, someone, no one, everyone"),
        Rule("so (many|long|often)", "give the number: at most 20, for 15 minutes"),
        Rule("(is|are) none", "say what is missing: has no group, isn't a duration"),
        Rule("(is|are) over", "has expired, is closed, has ended"),
        Rule("(is|are) not good", "is invalid, has expired"),
        Rule("asker|question and answer|yeses|the yes|say yes", "requester, approval, approve"),
        Rule("stand-in|stands in for", "delegate"),
        Rule("e-mails?|mailed", "email, emailed"),
        Rule("(put|is|are|stays?|file) in force", "publish, active"),
        Rule("breaks? glass|breaking glass", "override"),
        Rule("standstill|stuck", "blocked"),
        Rule("break-?glass", "override"),
        Rule("counts? no longer", "is dismissed, no longer counts"),
        Rule("hears? of|is told|are told", "is notified"),
        Rule("shut out", "disable"),
        Rule("licence", "license"),
    ];

    private static readonly string[] Programs = ["src/", "tools/"];

    private static readonly string[] Documents =
    [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/",
    ];

    [Fact]
    public void The_documentation_uses_plain_words() =>
        Assert.Empty(
            from file in Texts.Files([".md"])
            where Documents.Any(start => file.StartsWith(start, StringComparison.Ordinal)) && !IsHistory(file)
            from line in file == "CHANGELOG.md" ? Unreleased() : Texts.Lines(file)
            where line.Fence is null
            from found in Found(NotProse().Replace(line.Text, " "))
            select $"{file}:{line.Number}: {found}"
        );

    [Fact]
    public void The_messages_of_the_program_use_plain_words() =>
        Assert.Empty(
            from file in Texts.Files([".cs"])
            where Programs.Any(start => file.StartsWith(start, StringComparison.Ordinal))
            from line in Texts.Strings(file)
            where line.Text.Contains(' ', StringComparison.Ordinal) && !Sql().IsMatch(line.Text)
            from found in Found(Holes().Replace(line.Text, " "))
            select $"{file}:{line.Number}: {found}"
        );

    /// <summary>Earlier decision records stay as they were written.</summary>
    private static bool IsHistory(string file) =>
        DecisionNumber().Match(file) is { Success: true } match
        && string.CompareOrdinal(match.Groups["number"].Value, "0040") < 0;

    private static IEnumerable<TextLine> Unreleased() =>
        Texts
            .Lines("CHANGELOG.md")
            .SkipWhile(line => !line.Text.StartsWith("## Unreleased", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => !line.Text.StartsWith("## ", StringComparison.Ordinal));

    internal static IEnumerable<string> Found(string text) =>
        from rule in Rules
        from Match match in rule.Words.Matches(text)
        select $"\"{match.Value}\" ({rule.Better})";

    private static (Regex, string) Rule(string words, string better) =>
        (
            new($@"(?<![\w-])(?:{words})(?![\w-])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, Limit),
            better
        );

    /// <summary>Code spans and the targets of links.</summary>
    [GeneratedRegex(@"`[^`]*`|\]\([^)]*\)|<[^>]*>", RegexOptions.None, 10_000)]
    private static partial Regex NotProse();

    [GeneratedRegex(@"\{[^{}]*\}?", RegexOptions.None, 10_000)]
    private static partial Regex Holes();

    [GeneratedRegex(@"@\w|\b(?:SELECT|FROM|WHERE|SET|INSERT|UPDATE)\b|\br\.\w|^[\sa-z_,]+$", RegexOptions.None, 10_000)]
    private static partial Regex Sql();

    [GeneratedRegex(@"^docs/decisions/(?<number>\d{4})-", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex DecisionNumber();
}
