using System.Text.Json.Nodes;
using System.Xml.Linq;
using Countersign.Cli;
using Countersign.Simulator;
using Xunit;

namespace Countersign.Tests.Simulator;

/// <summary>The report of a simulation as developers of an application and their CI read it.</summary>
public sealed class ConformanceReportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-report-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_broken_check_is_a_failure_with_its_number_what_was_seen_and_the_fix_in_every_format()
    {
        await using var application = await ApplicationDouble.Start(Lie.SaysPartlyApproved);
        var (exitCode, files) = await Run(application, "--all", "--no-wait", "--requests", "4");
        Assert.Equal(1, exitCode);
        var rule = Rule.ValueMisread;

        var test = files.Xml.Descendants("testcase").Single(t => t.Attribute("name")!.Value == "LD-106 value-misread");
        Assert.Contains("partially_approved", test.Element("failure")!.Attribute("message")!.Value, Ordinal);
        Assert.Contains(rule.Fix, test.Element("failure")!.Value, Ordinal);
        Assert.Equal(Rule.All.Count, files.Xml.Descendants("testcase").Count());
        Assert.Equal(
            files.Xml.Descendants("failure").Count(),
            int.Parse(files.Xml.Root!.Attribute("failures")!.Value, System.Globalization.CultureInfo.InvariantCulture)
        );

        var check = files.Json["checks"]!.AsArray().Single(c => c!["number"]!.ToString() == "LD-106")!;
        Assert.Equal(("failed", rule.Fix), (check["result"]!.ToString(), check["fix"]!.ToString()));
        Assert.Contains("partially_approved", check["seen"]![0]!.ToString(), Ordinal);

        Assert.Contains("failed    LD-106  value-misread", files.Text, Ordinal);
        Assert.Contains($"Fix: {rule.Fix}", files.Text, Ordinal);
    }

    [Fact]
    public async Task What_could_not_be_broken_in_this_run_is_skipped_with_the_reason_and_never_passed()
    {
        await using var application = await ApplicationDouble.Start(Lie.None);
        var (exitCode, files) = await Run(application, "--no-wait", "--requests", "1");
        Assert.Equal(0, exitCode);
        Assert.Equal("Run with --wrong-key.", SkippedBecause(files.Xml, "LD-501 wrong-key-accepted"));
        Assert.Equal("Run with --rotated-key <key>.", SkippedBecause(files.Xml, "LD-503 rotated-key-refused"));
        Assert.Empty(Test(files.Xml, "LD-103 not-json").Elements());
        Assert.DoesNotContain(files.Json["checks"]!.AsArray(), c => c!["result"]!.ToString() == "failed");
    }

    [Fact]
    public async Task A_doubt_is_shown_and_fails_nothing()
    {
        await using var application = await ApplicationDouble.Start(Lie.ShowsNothing);
        var (exitCode, files) = await Run(application, "--no-wait", "--requests", "2");
        Assert.Equal(0, exitCode);
        Assert.StartsWith("Doubtful: ", SkippedBecause(files.Xml, "LD-109 display-missing"), Ordinal);
        Assert.Contains(Rule.DisplayMissing.Fix, Test(files.Xml, "LD-109 display-missing").Value, Ordinal);
    }

    [Theory]
    [InlineData(Lie.AcceptsAnyKey)]
    [InlineData(Lie.Answers403)]
    public async Task No_part_of_the_key_gets_into_a_report(Lie lie)
    {
        await using var application = await ApplicationDouble.Start(lie);
        var (_, files) = await Run(application, "--wrong-key", "--no-wait", "--requests", "4");
        var half = ApplicationDouble.Key[..(ApplicationDouble.Key.Length / 2)];
        Assert.DoesNotContain(half, files.Xml + files.Json.ToJsonString() + files.Text, Ordinal);
    }

    [Fact]
    public async Task A_report_that_cannot_be_written_is_told_before_anything_is_sent()
    {
        using var error = new StringWriter();
        var file = Path.Combine(_folder, "no", "such", "folder.xml");
        Assert.Equal(
            2,
            await CommandLine.Run(
                ["simulate", "launchdarkly", "--url", "http://127.0.0.1:9", "--key", "k", "--report", file],
                TextReader.Null,
                TextWriter.Null,
                error
            )
        );
        Assert.Contains(file, error.ToString(), Ordinal);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static XElement Test(XDocument xml, string name) =>
        xml.Descendants("testcase").Single(t => t.Attribute("name")!.Value == name);

    private static string SkippedBecause(XDocument xml, string name) =>
        Test(xml, name).Element("skipped")!.Attribute("message")!.Value;

    private async Task<(int ExitCode, (XDocument Xml, JsonNode Json, string Text) Files)> Run(
        ApplicationDouble application,
        params string[] switches
    )
    {
        string File(string extension) => Path.Combine(_folder, "report" + extension);
        var exitCode = await CommandLine.Run(
            [
                "simulate",
                "launchdarkly",
                "--url",
                application.Url,
                "--key",
                ApplicationDouble.Key,
                .. new[] { ".xml", ".json", ".txt" }.SelectMany(e => new[] { "--report", File(e) }),
                .. switches,
            ],
            TextReader.Null,
            TextWriter.Null,
            TextWriter.Null
        );
        return (
            exitCode,
            (
                XDocument.Load(File(".xml")),
                JsonNode.Parse(await System.IO.File.ReadAllTextAsync(File(".json")))!,
                await System.IO.File.ReadAllTextAsync(File(".txt"))
            )
        );
    }
}
