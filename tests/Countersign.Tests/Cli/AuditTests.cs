using System.Text.Json;
using Xunit;

namespace Countersign.Tests.Cli;

public sealed class AuditTests
{
    [Theory, BothEngines]
    public async Task The_record_is_proven_and_a_change_is_named(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        await shell.Json("user", "disable", "ada@example.test");
        var whole = (await shell.Json("audit", "verify")).Done;
        Assert.Equal(
            [
                "ok",
                "events",
                "sealed",
                "unsealed",
                "head",
                "bodiesForgotten",
                "archived",
                "erased",
                "provenByArchive",
                "problems",
            ],
            whole.EnumerateObject().Select(p => p.Name)
        );
        Assert.Equal(
            (true, 2, 2),
            (
                whole.GetProperty("ok").GetBoolean(),
                whole.GetProperty("events").GetInt32(),
                whole.GetProperty("sealed").GetInt32() + whole.GetProperty("unsealed").GetInt32()
            )
        );
        Assert.Equal(
            0,
            (await shell.Json("audit", "verify", "--head", whole.GetProperty("head").GetString()!)).ExitCode
        );

        await shell.Place.Tamper("UPDATE events SET actor = 'person:1' WHERE id = 2");
        var changed = await shell.Json("audit", "verify");
        Assert.Equal((1, ""), (changed.ExitCode, changed.Error));
        Assert.False(changed.Document.GetProperty("ok").GetBoolean());
        Assert.NotEqual("", changed.Document.GetProperty("problem").GetString());
        Assert.Equal(1, (await shell.Run("audit", "verify")).ExitCode);
    }

    [Theory, BothEngines]
    public async Task An_event_that_was_damaged_before_it_was_sealed_is_recorded_once_it_is_named_with_a_reason(
        Engine engine
    )
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        Assert.Equal((1, "not_found"), (await shell.Json("audit", "damaged", "99", "--reason", "A bad disk")).Failure);
        Assert.Equal((1, "invalid"), (await shell.Json("audit", "damaged", "1", "--reason", "A bad disk")).Failure);
        Assert.Equal(2, (await shell.Run("audit", "damaged", "1")).ExitCode);

        await shell.Place.Tamper("UPDATE events SET actor = 'person:1' WHERE id = 1");
        var recorded = await shell.Json("audit", "damaged", "1", "--reason", "A bad disk");
        Assert.Equal((0, 1), (recorded.ExitCode, recorded.Done.GetProperty("event").GetInt32()));
        var verified = await shell.Json("audit", "verify");
        Assert.Equal(1, verified.ExitCode);
        Assert.Contains("damaged before it was sealed", verified.Output, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task The_record_is_taken_out_as_lines_to_standard_output_or_to_a_new_file(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        var lines = await shell.Program("", "audit", "export");
        Assert.Equal((0, ""), (lines.ExitCode, lines.Error));
        Assert.Equal(
            ["key", "event"],
            lines
                .Output.TrimEnd()
                .Split('\n')
                .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("type").GetString())
        );

        var file = Path.Combine(shell.Folder, "record.jsonl");
        Assert.Equal(file, (await shell.Json("audit", "export", "--out", file)).Done.GetProperty("file").GetString());
        Assert.Equal(lines.Output, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal((1, "exists"), (await shell.Json("audit", "export", "--out", file)).Failure);
    }

    [Fact]
    public async Task A_head_that_was_never_there_is_told_and_one_that_is_none_is_wrong_use()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        Assert.Equal(1, (await shell.Json("audit", "verify", "--head", $"9:{new string('a', 64)}")).ExitCode);
        Assert.Equal((2, "usage"), (await shell.Json("audit", "verify", "--head", "nine")).Failure);
    }

    [Fact]
    public async Task A_store_whose_key_was_lost_says_so_instead_of_making_another()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        File.Delete(shell.RootKeyFile);
        Assert.Equal((3, "unavailable"), (await shell.Json("audit", "verify")).Failure);
        Assert.False(File.Exists(shell.RootKeyFile));
    }
}
