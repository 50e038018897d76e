using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>
/// Wrong use ends with 2, says why on standard error, prints nothing on standard output and leaves nothing behind.
/// </summary>
public sealed class WrongUseTests
{
    [Theory]
    [InlineData("nonsense")]
    [InlineData("user")]
    [InlineData("user nonsense")]
    [InlineData("user add")]
    [InlineData("user add ada@example.test")]
    [InlineData("user add ada@example.test --name Ada --role boss")]
    [InlineData("user add ada@example.test --name Ada --nonsense")]
    [InlineData("user add ada@example.test --name Ada more")]
    [InlineData("user list --data")]
    [InlineData("group add --mebmer")]
    [InlineData("group member")]
    [InlineData("group member add SRE")]
    [InlineData("token revoke seven")]
    [InlineData("source add LaunchDarkly --kind zendesk")]
    [InlineData("source add LaunchDarkly --need two")]
    [InlineData("source add LaunchDarkly --need 0 --group SRE")]
    [InlineData("backup")]
    [InlineData("serve nonsense")]
    [InlineData("serve --Nonsense=1")]
    [InlineData("--Nonsense=1")]
    [InlineData("--Urls")]
    [InlineData("--Urls=localhost:5080")]
    [InlineData("--PathBase=approvals --RateLimit:PerKeyPerMinute=many")]
    [InlineData("user list --database nonsense")]
    public async Task Wrong_use_ends_with_2(string line)
    {
        var folder = Path.Combine(Path.GetTempPath(), "countersign-is-never-made");
        var args = line.Split(' ')
            .Concat(line.EndsWith("--data", StringComparison.Ordinal) ? [] : ["--data", folder])
            .ToArray();

        var ran = await Shell.Anywhere([.. args, "--json"]);
        Assert.Equal((2, "usage"), ran.Failure);

        ran = await Shell.Anywhere(args);
        Assert.Equal((2, ""), (ran.ExitCode, ran.Output));
        Assert.NotEqual("", ran.Error);
        Assert.False(System.IO.Directory.Exists(folder));
    }

    [Fact]
    public async Task Every_mistake_in_the_settings_is_told_at_once()
    {
        var ran = await Shell.Anywhere([
            "user",
            "list",
            "--PathBase=approvals",
            "--ratelimit:perkeyperminute=many",
            "--PublicUrl=here",
        ]);
        Assert.Equal(2, ran.ExitCode);
        Assert.Equal(
            ["PublicUrl", "PathBase", "RateLimit:PerKeyPerMinute"],
            ran.Error.TrimEnd().Split('\n').Select(mistake => mistake.Split(' ')[0].Trim('`'))
        );
    }

    [Theory]
    [InlineData("user list")]
    [InlineData("user disable ada@example.test")]
    [InlineData("backup copy.db")]
    public async Task A_mistyped_folder_is_told_and_not_filled(string line)
    {
        var folder = Path.Combine(Path.GetTempPath(), "countersign-is-not-here-either");
        Assert.Equal(
            (3, "not_found"),
            (await Shell.Anywhere([.. line.Split(' '), "--data", folder, "--json"])).Failure
        );
        Assert.False(System.IO.Directory.Exists(folder));
    }

    [Theory]
    [InlineData("--help", "First steps")]
    [InlineData("-h", "First steps")]
    [InlineData("user --help", "disable")]
    [InlineData("source add --help", "launchdarkly")]
    [InlineData("--version", "countersign 0.")]
    public async Task Help_is_there_for_the_asking(string line, string expected)
    {
        var ran = await Shell.Anywhere(line.Split(' '));
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        Assert.Contains(expected, ran.Output, StringComparison.Ordinal);
    }
}
