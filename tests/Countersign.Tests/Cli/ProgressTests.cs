using Countersign.Cli;
using Xunit;

namespace Countersign.Tests.Cli;

public sealed class ProgressTests
{
    [Fact]
    public void It_says_how_far_how_fast_and_how_long_and_goes_away()
    {
        var time = new Steady();
        using var error = new StringWriter();
        using (var progress = new ProgressLine(error, "Verified", "events", time))
        {
            progress.Report((500, 55_000));
            Assert.Equal("", error.ToString());
            time.Elapsed = TimeSpan.FromSeconds(2);
            progress.Report((10_000, 55_000));
            progress.Report((10_500, 55_000));
        }
        var shown = error.ToString().Split('\r');
        Assert.Equal("Verified 10,000 of 55,000 events, 5,000/s, 9 s left", shown[1]);
        Assert.Equal(["", ""], shown[2..].Select(line => line.Trim()));
    }

    [Fact]
    public async Task A_file_that_grows_is_reported_and_silent_where_nobody_looks()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var file = Path.Combine(shell.Folder, "growing");
        await File.WriteAllBytesAsync(file, new byte[3_000_000], TestContext.Current.CancellationToken);
        using var error = new StringWriter();
        var done = new TaskCompletionSource();
        using (var progress = new ProgressLine(error, "Copied", "MB", new Steady { Elapsed = TimeSpan.FromHours(1) }))
            await progress.While(Task.CompletedTask, file, 0);
        Assert.Equal("", error.ToString());

        using var silent = new ProgressLine(null, "Copied", "MB", new Steady());
        var copying = silent.While(done.Task, file, 0);
        done.SetResult();
        await copying;
    }

    [Fact]
    public void Where_no_one_knows_the_end_it_says_how_far_and_how_fast()
    {
        var time = new Steady();
        using var error = new StringWriter();
        using var progress = new ProgressLine(error, "Copied", "MB", time);
        time.Elapsed = TimeSpan.FromSeconds(2);
        progress.Report((30, 0));
        Assert.Equal("\rCopied 30 MB, 15/s", error.ToString());
    }

    [Fact]
    public async Task Backup_archive_and_import_show_it_at_a_terminal_and_nothing_remains()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var people = Path.Combine(shell.Folder, "people.csv");
        await File.WriteAllTextAsync(
            people,
            "email,name\nann@example.test,Ann\n",
            TestContext.Current.CancellationToken
        );
        foreach (
            var verb in new[]
            {
                $"user import {people}",
                $"backup {shell.Folder}/copy.db",
                $"archive --before 2020-01-01 {shell.Folder}/archive.json",
            }
        )
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            var terminal = new Terminal(TextReader.Null, output, error, IsJson: false) { ShowsProgress = true };
            Assert.Equal(0, await CommandLine.Run([.. verb.Split(' '), .. shell.Where], terminal));
            // What is over within a second shows none.
            Assert.Equal("", error.ToString());
        }
    }

    [Fact]
    public void Where_nobody_looks_it_is_silent()
    {
        var time = new Steady();
        using var progress = new ProgressLine(null, "Verified", "events", time);
        time.Elapsed = TimeSpan.FromSeconds(2);
        progress.Report((10_000, 55_000));
    }

    [Fact]
    public async Task Settings_come_from_a_file_that_a_switch_names()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var file = Path.Combine(shell.Folder, "hub.json");
        await File.WriteAllTextAsync(
            file,
            """{ "PublicUrl": "https://file.example.test", "RateLimit": { "PerKeyPerMinute": 7 } }""",
            TestContext.Current.CancellationToken
        );
        var settings = (await shell.Json("doctor", "--config", file, "--PublicUrl=https://switch.example.test"))
            .Done.GetProperty("settings")
            .EnumerateArray()
            .ToDictionary(
                s => s.GetProperty("name").GetString()!,
                s => (s.GetProperty("value").GetString(), s.GetProperty("from").GetString())
            );
        Assert.Equal(("7", file), settings["RateLimit:PerKeyPerMinute"]);
        Assert.Equal("https://switch.example.test", settings["PublicUrl"].Item1);

        Assert.Equal((2, "usage"), (await shell.Json("doctor", "--config", file + "x")).Failure);
        await File.WriteAllTextAsync(file, "{ nonsense", TestContext.Current.CancellationToken);
        Assert.Equal((2, "usage"), (await shell.Json("user", "list", "--config", file)).Failure);
    }

    private sealed class Steady : TimeProvider
    {
        public TimeSpan Elapsed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;
    }
}
