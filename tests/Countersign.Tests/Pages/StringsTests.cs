using System.Text.RegularExpressions;
using System.Xml.Linq;
using Countersign.Outcomes.Webhooks;
using Countersign.Pages;
using Countersign.Tests.Documentation;
using Xunit;
using RepositoryFiles = Countersign.Tests.Documentation.Texts;

namespace Countersign.Tests.Pages;

/// <summary>The words of the pages: complete in every language, each used, and in the words of the trade.</summary>
public sealed partial class StringsTests
{
    private const string Folder = "src/Countersign/Pages/";

    /// <summary>What is the same in English and German.</summary>
    private static readonly HashSet<string> SameInBoth = new(StringComparer.Ordinal)
    {
        "Zendesk",
        "{0} (optional)",
        "API",
        "Admin",
        "Agent",
        "Azure DevOps",
        "Browser",
        "Countersign",
        "Details",
        "Flag",
        "GitHub",
        "GitLab",
        "Hash",
        "ID",
        "LaunchDarkly",
        "Link",
        "Manifest",
        "Median",
        "Name",
        "Name {0}",
        "Passkey",
        "Passkeys",
        "Person",
        "Reviewer",
        "Reviews",
        "Scope",
        "Secret",
        "Slack",
        "Status",
        "System",
        "Terraform",
        "Ticket",
        "Ticket in {0}",
        "Tickets",
        "URL",
        "Version {0}",
        "Web",
        "Webhook",
        "Webhooks",
        "high",
        "in {0}",
        "risk",
        "{0} ms",
        "{0}: {2} ({1})",
    };

    private static readonly Dictionary<string, string> English = Read("");

    private static readonly IReadOnlyList<(string File, string Text)> Sources =
    [
        .. RepositoryFiles
            .Files([".cs", ".cshtml"])
            .Where(file => file.StartsWith(Folder, StringComparison.Ordinal))
            .Select(file => (file, Repository.Read(file.Split('/')))),
    ];

    /// <summary>The parts of names between the quotes and braces of a look-up.</summary>
    private static readonly HashSet<string> Literals =
    [
        .. Sources.SelectMany(source => Literal().Matches(source.Text).Select(m => m.Groups["text"].Value)),
    ];

    public static TheoryData<string> OtherLanguages => [.. Strings.Languages.Skip(1)];

    [Theory]
    [MemberData(nameof(OtherLanguages))]
    public void Every_language_has_the_same_names_with_the_same_holes(string language)
    {
        var other = Read(language);
        Assert.Equal(English.Keys.Order(), other.Keys.Order());
        Assert.Empty(
            from name in English.Keys
            where !Holes(English[name]).SetEquals(Holes(other[name]))
            select $"{name}: {English[name]} | {other[name]}"
        );
    }

    [Theory]
    [MemberData(nameof(OtherLanguages))]
    public void Nothing_is_left_in_English(string language)
    {
        var other = Read(language);
        Assert.Empty(
            from name in English.Keys
            where English[name] == other[name] && !SameInBoth.Contains(English[name])
            select $"{name}: {English[name]}"
        );
    }

    [Fact]
    public void Every_name_that_a_page_looks_up_is_there() =>
        Assert.Empty(
            from source in Sources
            from Match lookUp in LookUp().Matches(Comment().Replace(source.Text, ""))
            from Match literal in Literal().Matches(lookUp.Groups["name"].Value)
            let name = literal.Groups["text"].Value
            where name.Contains('.', StringComparison.Ordinal)
            let isCount = lookUp.Value.Contains("Count(", StringComparison.Ordinal)
            where
                !(
                    // Put together with what a stored kind or code adds.
                    name.EndsWith('.')
                        ? English.Keys.Any(key => key.StartsWith(name, StringComparison.Ordinal))
                    : name.Contains('{', StringComparison.Ordinal)
                        ? English.Keys.Any(key =>
                            key.StartsWith(
                                name[..name.IndexOf('{', StringComparison.Ordinal)],
                                StringComparison.Ordinal
                            )
                        )
                    : isCount ? English.ContainsKey(name + ".one") && English.ContainsKey(name + ".other")
                    : English.ContainsKey(name)
                )
            select $"{source.File}: {name}"
        );

    [Fact]
    public void Every_event_that_is_delivered_has_a_name() =>
        Assert.All(EventKinds.Known, kind => Assert.Contains("delivery.event." + kind, English.Keys));

    [Fact]
    public void Every_word_is_used()
    {
        var beginnings = Literals
            .Select(literal => literal.Split('{')[0])
            .Where(literal => literal.EndsWith('.') && literal.Length > 2)
            .ToList();
        var unused = English.Keys.Where(name =>
            !Literals.Contains(name)
            && !Literals.Contains(CountEnding().Replace(name, ""))
            && !beginnings.Any(beginning => name.StartsWith(beginning, StringComparison.Ordinal))
        );
        Assert.Equal([], unused);
    }

    [Fact]
    public void The_words_are_those_of_the_trade() =>
        Assert.Empty(
            from word in English
            from found in WordTests.Found(Hole().Replace(word.Value, " "))
            select $"{word.Key}: {found}"
        );

    private static Dictionary<string, string> Read(string language) =>
        XDocument
            .Parse(
                Repository.Read(
                    (Folder + (language.Length == 0 ? "Strings.resx" : $"Strings.{language}.resx")).Split('/')
                )
            )
            .Root!.Elements("data")
            .ToDictionary(data => data.Attribute("name")!.Value, data => data.Element("value")!.Value);

    private static HashSet<string> Holes(string text) => [.. Hole().Matches(text).Select(m => m.Value)];

    [GeneratedRegex(@"\{\d[^}]*\}", RegexOptions.None, 10_000)]
    private static partial Regex Hole();

    [GeneratedRegex(@"""(?<text>[a-zA-Z][\w.{}()-]*)""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Literal();

    /// <summary>
    /// <c>T["…"</c>, <c>strings["…"</c>, <c>Find("…"</c> and <c>Count("…"</c>, up to the first argument.
    /// </summary>
    [GeneratedRegex(
        @"(?<![\w.])(?:T|[sS]trings(?:\(\))?|http\.Strings\(\)|T\.Find|[sS]trings\.Find|T\.Count|[sS]trings\.Count)"
            + @"[\[(](?<name>[^\],;)]*)",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex LookUp();

    [GeneratedRegex(@"^\s*///.*$", RegexOptions.Multiline, 10_000)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\.(one|other)$", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex CountEnding();
}
