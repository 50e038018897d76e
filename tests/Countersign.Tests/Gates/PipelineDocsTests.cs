using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>What docs/gates/pipelines.md says to paste is run as a pipeline would run it.</summary>
public sealed partial class PipelineDocsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-pipeline-").FullName;

    private static readonly string Page = Repository.Read("docs", "gates", "pipelines.md");

    public static TheoryData<string> Headings() =>
        [
            "## Ten minutes to the first decision",
            "## GitHub Actions",
            "## GitLab CI",
            "## Jenkins",
            "## Azure Pipelines",
            "## Any shell",
        ];

    [Theory, MemberData(nameof(Headings))]
    public async Task Each_snippet_waits_and_lets_go_only_when_approved(string heading)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no POSIX shell.");
        var section = Page[Page.IndexOf(heading, StringComparison.Ordinal)..];
        var command = Command().Match(section).Value;
        Assert.StartsWith("countersign wait", command, StringComparison.Ordinal);
        await using var gate = await Gate.Start(Engine.Sqlite, "pipeline");
        await File.WriteAllTextAsync(Path.Combine(_folder, "plan.bin"), "a plan");
        // Another run, so that it's another request.
        foreach (var (decision, code, run) in new[] { ("approve", 0, "7"), ("reject", 1, "8") })
        {
            using var process = Start(gate, "sh", ["-ec", command + "\necho went on"], run);
            await gate.Decide(await gate.NextAsked(), decision);
            var output = process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync().Soon();
            Assert.Equal((decision, code), (decision, process.ExitCode));
            Assert.Equal(code == 0, (await output).Contains("went on", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_container_of_Argo_waits_and_lets_go_only_when_approved()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no POSIX shell.");
        var section = Page[Page.IndexOf("## Argo Workflows", StringComparison.Ordinal)..];
        Assert.DoesNotContain("command:", section[..section.IndexOf("```\n", StringComparison.Ordinal)]);
        var args = Argument().Match(section).Groups["text"].Captures.Select(c => c.Value).ToList();
        Assert.Equal("wait", args[0]);
        await using var gate = await Gate.Start(Engine.Sqlite, "pipeline");
        foreach (var (decision, code, run) in new[] { ("approve", 0, "7"), ("reject", 1, "8") })
        {
            // The image's entry point, with what Argo fills in.
            var given = args.Select(a => a.Replace("{{workflow.name}}", "deploy").Replace("{{workflow.uid}}", run));
            using var process = Start(gate, "sh", ["-ec", "countersign \"$@\"", "argo", .. given], run);
            await gate.Decide(await gate.NextAsked(), decision);
            await process.WaitForExitAsync().Soon();
            Assert.Equal((decision, code), (decision, process.ExitCode));
        }
    }

    [Theory]
    [InlineData("sh")]
    [InlineData("bash")]
    public async Task The_script_without_the_program_follows_a_request_to_its_end(string shell)
    {
        await using var gate = await Gate.Start(Engine.Sqlite, "pipeline");
        foreach (var (decision, code) in new[] { ("approve", 0), ("reject", 1) })
        {
            var title = $"{decision} \"this\" \\ \"status\":\"approved\"";
            using var process = Start(gate, shell, [await Script(), title, "prod"], $"{shell}-{decision}");
            var path = await gate.NextAsked();
            var asked = await gate.Bot.Get(path);
            Assert.Equal((title, "prod"), (asked["subject"], asked.Json["facts"]!["environment"]!.ToString()));
            await gate.Decide(path, decision);
            await process.WaitForExitAsync().Soon();
            Assert.Equal((decision, code), (decision, process.ExitCode));
            Assert.Equal(code == 0, (await gate.Bot.Get(path))["appliedAt"] is not null);
        }
        // The same run again finds its approval used, by itself.
        var approved = "approve \"this\" \\ \"status\":\"approved\"";
        using var again = Start(gate, shell, [await Script(), approved, "prod"], $"{shell}-approve");
        await again.WaitForExitAsync().Soon();
        Assert.Equal(0, again.ExitCode);
    }

    [Fact]
    public async Task The_script_says_wrong_use_and_cannot_tell()
    {
        await using var gate = await Gate.Start(Engine.Sqlite, "pipeline");
        Assert.Equal(2, await Ended(Start(gate, "sh", [await Script()], "1")));
        Assert.Equal(2, await Ended(Start(gate, "sh", [await Script(), "x"], "1", key: "csk_wrong")));
        foreach (
            var conduct in new Conduct[]
            {
                new Conduct.Answers(200, "<html>approved</html>", "Content-Type: text/html\r\n"),
                new Conduct.Answers(200, """{"status":"approved"}""", "Content-Type: application/json\r\n"),
                new Conduct.Answers(302, "", "Location: https://login.example.test/\r\n"),
                new Conduct.Answers(503),
                new Conduct.Resets(),
            }
        )
        {
            await using var other = new Receiver(conduct);
            var hub = new Uri(other.Address, "/");
            Assert.Equal(3, await Ended(Start(gate, "sh", [await Script(), "x"], "1", hub: hub)));
        }
    }

    [Fact]
    public async Task The_script_is_not_misled_by_what_a_proxy_answers_in_between()
    {
        await using var gate = await Gate.Start(Engine.Sqlite, "pipeline");
        const string id = "01KJVKTCKH9HRBZQNA9PAFN91F";
        var digest = new string('d', 64);
        await using var other = new Receiver(call => new Conduct.Answers(
            call.Method == "POST" ? 201 : 200,
            call.Method == "POST"
                ? $$"""{"id":"{{id}}","status":"active","digest":"{{digest}}"}"""
                : $$$"""
                {"id":"01KJVKTCKH9HRBZQNA9PAFN91G","status":"approved",
                "facts":{"id":"{{{id}}}","status":"approved"}}
                """,
            "Content-Type: application/json\r\n"
        ));
        Assert.Equal(3, await Ended(Start(gate, "sh", [await Script(), "x"], "1", hub: new Uri(other.Address, "/"))));
    }

    private static async Task<int> Ended(Process process)
    {
        using (process)
        {
            await process.WaitForExitAsync().Soon();
            return process.ExitCode;
        }
    }

    private async Task<string> Script()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no POSIX shell.");
        var (code, _, _) = await Programs.Run("curl", ["--version"]);
        Assert.SkipWhen(code != 0, "curl is not installed.");
        var file = Path.Combine(_folder, "wait-for-approval.sh");
        await File.WriteAllTextAsync(file, ScriptBlock().Match(Page).Groups["text"].Value);
        return file;
    }

    private Process Start(
        Gate gate,
        string program,
        IEnumerable<string> args,
        string run,
        string? key = null,
        Uri? hub = null
    )
    {
        var start = new ProcessStartInfo(program, args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = _folder,
        };
        var environment = start.Environment;
        environment["PATH"] = $"{AppContext.BaseDirectory}:{environment["PATH"]}";
        environment["COUNTERSIGN_HUB"] = (hub ?? gate.Host.Address).ToString();
        environment["COUNTERSIGN_KEY"] = key ?? gate.Key.Key;
        // What the systems set, as far as the snippets use it.
        foreach (Match variable in Variable().Matches(Page))
            environment.TryAdd(variable.Groups["name"].Value, $"value-{run}");
        foreach (var url in new[] { "GITHUB_SERVER_URL", "CI_PIPELINE_URL", "BUILD_URL" })
            environment[url] = $"https://ci.example.test/{run}";
        environment["COUNTERSIGN_RUN"] = run;
        environment["COUNTERSIGN_WAIT"] = hub is null ? "60" : "0";
        return Process.Start(start)!;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The first of a section, with the lines on which it goes on.</summary>
    [GeneratedRegex(@"countersign wait(?:[^\n]*\\\n)*[^\n]*", RegexOptions.None, 10_000)]
    private static partial Regex Command();

    [GeneratedRegex("    args:\n(?:      - (?<text>[^\n]*)\n)+", RegexOptions.None, 10_000)]
    private static partial Regex Argument();

    [GeneratedRegex(
        "^```sh wait-for-approval.sh\n(?<text>.*?)^```$",
        RegexOptions.Singleline | RegexOptions.Multiline,
        10_000
    )]
    private static partial Regex ScriptBlock();

    [GeneratedRegex(@"\$(?<name>(?:GITHUB|CI|JOB|BUILD|SYSTEM|WORKFLOW)[A-Z_]*)", RegexOptions.None, 10_000)]
    private static partial Regex Variable();
}
