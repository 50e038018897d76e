using System.Diagnostics;
using Countersign.Hosting;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>What the command line does for those who type: suggestions, completion, help and the manual.</summary>
public sealed class ShellHelpTests
{
    [Theory]
    [InlineData("suorce list", "Did you mean source?")]
    [InlineData("user lst", "Did you mean list?")]
    [InlineData("--PublcUrl=https://a.example.test", "Did you mean --PublicUrl?")]
    public async Task A_typo_is_answered_with_what_was_meant(string line, string suggestion)
    {
        var ran = await Shell.Anywhere(line.Split(' '));
        Assert.Equal(2, ran.ExitCode);
        Assert.Contains(suggestion, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_like_nothing_gets_no_suggestion() =>
        Assert.DoesNotContain("Did you mean", (await Shell.Anywhere(["zzzzzzzz"])).Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "source")]
    [InlineData("sou", "source")]
    [InlineData("source ", "rotate")]
    [InlineData("source add x --ki", "--kind")]
    [InlineData("source add x --kind ", "launchdarkly")]
    public async Task Completion_offers_what_can_follow(string line, string offered)
    {
        var ran = await Shell.Anywhere([$"[suggest:{line.Length}]", line]);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        Assert.Contains(offered, ran.Output.Split('\n', StringSplitOptions.TrimEntries));
    }

    [Fact]
    public async Task Bash_takes_the_script_and_completes_with_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no bash.");
        var script = (await Shell.Anywhere(["completion", "bash"])).Output;
        var start = new ProcessStartInfo("bash")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = $"{AppContext.BaseDirectory}:{start.Environment["PATH"]}";
        using var bash = Process.Start(start)!;
        await bash.StandardInput.WriteAsync(
            script
                + """

                COMP_LINE="countersign source rot" COMP_POINT=22
                _countersign countersign rot source
                echo "${COMPREPLY[*]}"
                """
        );
        bash.StandardInput.Close();
        var completed = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).Soon();
        Assert.Equal("rotate", completed.Trim());
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public async Task Each_shell_has_a_script(string shell)
    {
        var ran = await Shell.Anywhere(["completion", shell]);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        Assert.Contains("[suggest:", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_manual_has_every_verb_and_setting()
    {
        var page = (await Shell.Anywhere(["man"])).Output;
        foreach (var text in new[] { ".SH VERBS", ".SS source rotate <name>", "PublicUrl", ".SH EXIT STATUS" })
            Assert.Contains(text, page, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Split('\n'), line => line.StartsWith('\''));
    }

    [Fact]
    public async Task Help_and_version_are_verbs_too()
    {
        Assert.Contains("--kind", (await Shell.Anywhere(["help", "source", "add"])).Output, StringComparison.Ordinal);
        Assert.Contains("Run Countersign", (await Shell.Anywhere(["help"])).Output, StringComparison.Ordinal);
        Assert.Contains(Product.Version, (await Shell.Anywhere(["version"])).Output, StringComparison.Ordinal);
    }
}
