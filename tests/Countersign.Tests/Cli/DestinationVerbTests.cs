using Countersign.Tests.Destinations;
using Countersign.Tests.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Cli;

public sealed class DestinationVerbTests
{
    [Theory, BothEngines]
    public async Task A_destination_is_added_tried_rehearsed_and_paused(Engine engine)
    {
        await using var desk = new FakeDesk();
        await using var shell = await Shell.Start(engine);
        var file = Path.Combine(shell.Folder, "manifest.json");
        await File.WriteAllTextAsync(file, Sample.Text, TestContext.Current.CancellationToken);

        var added = await shell.RunWithInput(
            "k-123\n",
            "destination",
            "add",
            "Desk",
            "--manifest",
            file,
            "--set",
            $"baseURL={desk.BaseUrl}",
            "--secret",
            "apiKey=-",
            "--json"
        );
        Assert.Equal(
            (1, "Desk"),
            (added.Done.GetProperty("id").GetInt64(), added.Done.GetProperty("name").GetString())
        );
        Assert.Equal(
            "apiKey",
            (await shell.Json("destination", "list"))
                .Done.GetProperty("destinations")[0]
                .GetProperty("secrets")[0]
                .GetString()
        );

        var refused = (await shell.Json("destination", "test", "Desk")).Document;
        Assert.False(refused.GetProperty("ok").GetBoolean());
        var tried = (await shell.Json("destination", "test", "desk", "--Egress:Allow", "127.0.0.0/8")).Done;
        Assert.Contains("responded with 404", tried.GetProperty("summary").GetString(), StringComparison.Ordinal);
        var rehearsed = await shell.Run("destination", "rehearse", "Desk");
        Assert.Equal(0, rehearsed.ExitCode);
        Assert.Contains("Authorization: Bearer ••••••", rehearsed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("k-123", rehearsed.Output, StringComparison.Ordinal);
        Assert.Single(desk.Calls);

        Assert.Equal(0, (await shell.Run("destination", "pause", "Desk")).ExitCode);
        Assert.True(
            (await shell.Json("destination", "list"))
                .Done.GetProperty("destinations")[0]
                .GetProperty("paused")
                .GetBoolean()
        );
        var source = (await shell.Json("source", "add", "Shop", "--kind", "api", "--destination", "desk")).Done;
        Assert.Equal(
            "Desk",
            (await shell.Json("source", "list")).Done.GetProperty("sources")[0].GetProperty("destination").GetString()
        );
        Assert.NotEmpty(source.GetProperty("key").GetString()!);
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task Lint_needs_no_store_and_says_no_with_place_and_fix()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file,
                Sample.With(("~.statusRequest.parser.approvalMatcher", "(")),
                TestContext.Current.CancellationToken
            );
            var ran = await Shell.Anywhere(["destination", "lint", file, "--json"]);
            Assert.Equal(1, ran.ExitCode);
            var finding = Assert.Single(ran.Document.GetProperty("findings").EnumerateArray());
            Assert.Equal(["place", "problem", "fix"], finding.EnumerateObject().Select(p => p.Name));
            Assert.Equal(
                "capabilities.approval.statusRequest.parser.approvalMatcher",
                finding.GetProperty("place").GetString()
            );
            Assert.Equal(0, (await Shell.Anywhere(["destination", "lint", "servicenow-normal", "--json"])).ExitCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory, BothEngines]
    public async Task What_is_wrong_is_said(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        Assert.Equal(
            (2, "usage"),
            (
                await shell.Json("destination", "add", "D", "--manifest", "countersign", "--secret", "apiKey=plain")
            ).Failure
        );
        Assert.Equal(
            (1, "invalid"),
            (await shell.Json("destination", "add", "D", "--manifest", "countersign")).Failure
        );
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("destination", "add", "D", "--manifest", "nothing.json")).Failure
        );
        Assert.Equal((1, "not_found"), (await shell.Json("destination", "test", "D")).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json("source", "add", "S", "--destination", "D")).Failure);
        Assert.Equal((2, "usage"), (await shell.Json("destination", "resolve", "1")).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json("destination", "resolve", "1", "--retry")).Failure);
    }
}
