using Countersign.Simulator.GitHub;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary><c>countersign source gate</c>: how a system that waits calls, and is called back.</summary>
public sealed class SourceGateVerbTests
{
    [Theory, BothEngines]
    public async Task A_gate_is_set_shown_without_its_secrets_and_its_old_secret_ended(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var added = await shell.Run("source", "add", "deployments", "--kind", "github");
        Assert.Equal(0, added.ExitCode);
        Assert.Contains("/gates/github/", added.Output, StringComparison.Ordinal);
        // Nothing is shown as set before it is, and no call would be taken.
        var empty = await shell.Run("source", "gate", "deployments");
        Assert.Contains(
            "No call is taken: set appId, privateKey, webhookSecret.",
            empty.Output,
            StringComparison.Ordinal
        );

        var key = Path.Combine(shell.Folder, "key.pem");
        await File.WriteAllTextAsync(key, FakeGitHub.PrivateKey, TestContext.Current.CancellationToken);
        string[] set = ["source", "gate", "deployments", "--set", "appId=12345", "--set", $"privateKey=@{key}"];
        var view = (await shell.RunWithInput("a first secret\n", [.. set, "--set", "webhookSecret=-", "--json"])).Done;
        Assert.Equal("12345", view.GetProperty("values").GetProperty("appId").GetString());
        Assert.Equal("https://github.com", view.GetProperty("values").GetProperty("server").GetString());
        Assert.Equal(0, view.GetProperty("missing").GetArrayLength());

        // Another secret is taken beside the first until that is ended.
        var second = await shell.RunWithInput(
            "a second secret\n",
            ["source", "gate", "deployments", "--set", "webhookSecret=-"]
        );
        Assert.Contains("The webhookSecret before is still taken", second.Output, StringComparison.Ordinal);
        var ended = await shell.Run("source", "gate", "deployments", "--end-old");
        Assert.Contains("No genuine call has come yet", ended.Output, StringComparison.Ordinal);
        foreach (var text in new[] { "still taken", "first secret", "second secret", "BEGIN RSA" })
            Assert.DoesNotContain(text, ended.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await shell.Run("audit", "verify")).ExitCode);
    }

    [Fact]
    public async Task Wrong_settings_change_nothing()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        await shell.Run("source", "add", "deployments", "--kind", "github");
        await shell.Run("source", "add", "scripts", "--kind", "api");
        foreach (
            var (args, code) in new (string[], string)[]
            {
                (["scripts"], "not_found"),
                (["nowhere"], "not_found"),
                (["deployments", "--set", "appId"], "usage"),
                // A secret on the command line would stay in its history.
                (["deployments", "--set", "webhookSecret=in-the-history"], "usage"),
                (["deployments", "--set", "privateKey=@/no/such/file"], "not_found"),
                (["deployments", "--set", "appId=me"], "invalid"),
                (["deployments", "--set", "server=http://github.example.com"], "invalid"),
                (["deployments", "--set", "commits=perhaps"], "invalid"),
                (["deployments", "--set", "color=red"], "invalid"),
            }
        )
        {
            Assert.Equal(code, (await shell.Json(["source", "gate", .. args])).Failure.Code);
        }
        Assert.Equal(0, await shell.Place.Count("gates"));
    }
}
