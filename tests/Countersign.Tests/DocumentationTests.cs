using System.Text.RegularExpressions;
using Countersign.Outcomes.Webhooks;
using Xunit;

namespace Countersign.Tests;

/// <summary>What the documentation names is there, and what is there it names.</summary>
public sealed partial class DocumentationTests
{
    [Fact]
    public void Every_setting_has_its_row_with_its_default_and_no_row_is_about_anything_else()
    {
        var rows = Repository
            .Read("docs", "configuration.md")
            .Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split(" | "))
            .ToList();

        Assert.Equal(
            CountersignOptions.Settings.Select(s => s.Name).Order(),
            rows.SelectMany(row => Quoted().Matches(row[0]).Select(m => m.Groups["text"].Value)).Order()
        );
        Assert.Equal(
            [],
            from setting in CountersignOptions.Settings
            from row in rows
            where
                row[0].Contains($"`{setting.Name}`", StringComparison.Ordinal)
                && setting.Default.Length > 0
                && !row[1].Contains($"`{setting.Default}`", StringComparison.Ordinal)
            select $"{setting.Name}: {setting.Default}, and not {row[1]}"
        );
    }

    [Fact]
    public void Every_file_on_the_route_exists()
    {
        var missing = new List<string>();
        foreach (var line in Repository.Read("docs", "flow.md").Split('\n'))
        {
            var folder = "";
            foreach (Match named in Files().Matches(line))
            {
                // A bare name lies beside the one before it.
                var path = named.Groups["path"].Value;
                folder = path.Contains('/', StringComparison.Ordinal) ? path[..(path.LastIndexOf('/') + 1)] : folder;
                var bare = path[(path.LastIndexOf('/') + 1)..];
                if (!Exists(path) && !Exists(folder + bare))
                    missing.Add($"{path} in: {line}");
            }
        }
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_event_that_webhooks_may_hear_of_is_among_the_notifications()
    {
        var page = Repository.Read("docs", "notifications.md");
        Assert.All(
            EventKinds.Known,
            kind => Assert.Matches($"`({kind}|{kind[kind.IndexOf('.', StringComparison.Ordinal)..]})`", page)
        );
    }

    [Fact]
    public void Every_link_between_documents_leads_somewhere()
    {
        var broken =
            from file in Directory
                .EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
                .Concat(Directory.EnumerateFiles(Repository.Root, "*.md"))
            from Match link in Links().Matches(File.ReadAllText(file))
            let target = link.Groups["target"].Value.Split('#')[0]
            where
                target.Length > 0
                && !target.Contains("://", StringComparison.Ordinal)
                && !Path.Exists(Path.Combine(Path.GetDirectoryName(file)!, target))
            select $"{Path.GetRelativePath(Repository.Root, file)}: {target}";
        Assert.Empty(broken);
    }

    private static bool Exists(string path) =>
        Path.Exists(Path.Combine(Repository.Root, "src", "Countersign", path))
        || Path.Exists(Path.Combine(Repository.Root, path));

    [GeneratedRegex("`(?<text>[^`]+)`", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Quoted();

    [GeneratedRegex(
        @"`(?<path>(?:[\w.]+/)*(?:[\w.-]+\.(?:cs|md|js|css|sh)|(?<=/)))`",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Files();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Links();
}
