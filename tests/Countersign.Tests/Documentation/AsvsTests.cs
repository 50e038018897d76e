using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Countersign.Tests.Documentation;

/// <summary>What <c>docs/security/asvs.md</c> says stands behind each requirement is there.</summary>
public sealed partial class AsvsTests
{
    private static readonly IReadOnlyList<(string Id, string Evidence)> Rows =
    [
        .. Row()
            .Matches(Repository.Read("docs", "security", "asvs.md"))
            .Select(m => (m.Groups["id"].Value, m.Groups["how"].Value)),
    ];

    /// <summary>How many requirements of levels 1 and 2 a chapter has; of three chapters also level 3.</summary>
    private static readonly Dictionary<int, int> Counts = new()
    {
        [1] = 27,
        [2] = 13,
        [3] = 19,
        [4] = 10,
        [5] = 9,
        [6] = 35,
        [7] = 18,
        [8] = 13,
        [9] = 7,
        [10] = 29,
        [11] = 14,
        [12] = 9,
        [13] = 13,
        [14] = 9,
        [15] = 13,
        [16] = 17,
        [17] = 7,
    };

    [Fact]
    public void Every_requirement_is_there_once_and_in_order()
    {
        Assert.Equal(
            Counts.Select(c => (c.Key, c.Value)),
            Rows.GroupBy(r => PartsOf(r.Id)[0]).Select(g => (g.Key, g.Count()))
        );
        Assert.Equal(Rows.Select(r => r.Id).Distinct(StringComparer.Ordinal), Rows.Select(r => r.Id));
        Assert.Equal(
            Rows.Select(r => r.Id)
                .OrderBy(id => PartsOf(id)[0])
                .ThenBy(id => PartsOf(id)[1])
                .ThenBy(id => PartsOf(id)[2]),
            Rows.Select(r => r.Id)
        );
    }

    [Fact]
    public void Every_test_that_is_named_is_there()
    {
        var classes = typeof(AsvsTests)
            .Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Tests", StringComparison.Ordinal))
            .ToLookup(t => t.Name);
        Assert.Empty(
            from row in Rows
            from Match test in Test().Matches(row.Evidence)
            let method = test.Groups["method"].Value
            where
                !classes[test.Groups["class"].Value]
                    .Any(c =>
                        method.Length == 0
                        || c.GetMethod(method, BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static)
                            is not null
                    )
            select $"{row.Id}: {test.Value}"
        );
    }

    [Fact]
    public void Every_document_that_is_named_is_there() =>
        Assert.Empty(
            from row in Rows
            from Match link in Link().Matches(row.Evidence)
            let target = link.Groups["file"].Value
            where target.Length > 0
            let path = Path.GetFullPath(Path.Combine(Repository.Root, "docs", "security", target))
            where !File.Exists(path)
            select $"{row.Id}: {target}"
        );

    [Fact]
    public void Every_requirement_has_a_test_a_document_or_a_reason() =>
        Assert.Empty(
            from row in Rows
            where
                !Test().IsMatch(row.Evidence)
                && !Link().IsMatch(row.Evidence)
                && !row.Evidence.StartsWith("Not applicable: ", StringComparison.Ordinal)
                && !row.Evidence.StartsWith("Not met: ", StringComparison.Ordinal)
                && !Elsewhere().IsMatch(row.Evidence)
            select row.Id
        );

    private static int[] PartsOf(string id) =>
        [.. id[1..].Split('.').Select(n => int.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];

    [GeneratedRegex(
        @"^\| (?<id>V\d+\.\d+\.\d+) \| [^|]+ \| (?<how>[^|]+) \|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Row();

    [GeneratedRegex(@"`(?<class>[A-Za-z]+Tests)(\.(?<method>\w+))?`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Test();

    [GeneratedRegex(@"\]\((?<file>[^)#]*)(#[^)]*)?\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();

    /// <summary>What the framework, the proxy or the build does.</summary>
    [GeneratedRegex("^(Kestrel|`Directory.Packages.props`|.NET's)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Elsewhere();
}
