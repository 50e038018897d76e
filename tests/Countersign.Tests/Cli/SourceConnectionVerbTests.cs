using Countersign.Simulator.Rest;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>A source's connection to LaunchDarkly from the command line.</summary>
public sealed class SourceConnectionVerbTests
{
    [Fact]
    public async Task A_connection_is_set_tested_used_and_removed()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        await using var theirs = await FakeLaunchDarkly.Start(new TestClock());
        var token = theirs.AddToken();
        theirs.AddMember("Rita Roe", "rita@example.com");
        theirs.AddMember(new RestMember { Email = "new@example.com", IsInvited = true });
        Assert.Equal(0, (await shell.Json("source", "add", "flags")).ExitCode);

        var set = await shell.RunWithInput(
            token.Value + "\n",
            [
                "source",
                "set",
                "flags",
                "--launchdarkly-url",
                theirs.Address.ToString(),
                "--launchdarkly-token",
                "-",
                "--identify",
                "on",
                "--describe",
                "off",
                "--json",
            ]
        );
        var connection = set.Done.GetProperty("launchDarkly");
        Assert.True(connection.GetProperty("hasToken").GetBoolean());
        Assert.True(connection.GetProperty("identify").GetBoolean());
        Assert.DoesNotContain(token.Value, set.Output, StringComparison.Ordinal);

        // Members are asked from a process that may call this machine.
        string[] allowed = ["--Egress:Allow=127.0.0.0/8"];
        var tested = await shell.Json(["source", "test", "flags", .. allowed]);
        Assert.True(tested.Done.GetProperty("isComplete").GetBoolean());
        token.Rights = RestRights.View;
        Assert.Equal(1, (await shell.Json(["source", "test", "flags", .. allowed])).ExitCode);
        token.Rights = RestRights.Read;

        var imported = (await shell.Json(["source", "members", "import", "flags", .. allowed])).Done;
        Assert.Equal("rita@example.com", imported.GetProperty("added")[0].GetString());
        Assert.Equal("invited", imported.GetProperty("skipped")[0].GetProperty("why").GetString());

        Assert.Equal(0, (await shell.Json("source", "disconnect", "flags")).ExitCode);
        Assert.Equal((1, "not_found"), (await shell.Json("source", "members", "import", "flags")).Failure);
    }

    [Theory]
    [InlineData("--launchdarkly-token", "api-in-the-history", 2)]
    [InlineData("--identify", "yes", 2)]
    [InlineData("--launchdarkly-url", "http://elsewhere.example", 1)]
    [InlineData("--apply", "on", 1)]
    public async Task Wrong_use_is_told_and_changes_nothing(string option, string value, int exitCode)
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        await shell.Json("source", "add", "flags");
        Assert.Equal(exitCode, (await shell.Json("source", "set", "flags", option, value)).ExitCode);
        Assert.Equal(0, await shell.Place.Count("launchdarkly_connections"));
    }
}
