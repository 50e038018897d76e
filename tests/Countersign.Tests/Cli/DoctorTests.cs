using Xunit;

namespace Countersign.Tests.Cli;

public sealed class DoctorTests
{
    [Theory, BothEngines]
    public async Task A_hub_without_faults_is_described(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada", "--role", "admin");
        var report = (await shell.Json("doctor")).Done;
        Assert.True(report.GetProperty("ok").GetBoolean());
        Assert.StartsWith(
            engine == Engine.Sqlite ? "SQLite 3." : "PostgreSQL ",
            report.GetProperty("engine").GetString(),
            StringComparison.Ordinal
        );
        Assert.Equal("present", report.GetProperty("store").GetString());
        Assert.Equal("0600", report.GetProperty("rootKey").GetProperty("mode").GetString());
        Assert.NotEqual(0, report.GetProperty("migrations").GetProperty("applied").GetArrayLength());
        Assert.Equal(0, report.GetProperty("migrations").GetProperty("pending").GetArrayLength());
        Assert.Equal(
            (1, 1),
            (
                report.GetProperty("people").GetProperty("total").GetInt32(),
                report.GetProperty("people").GetProperty("admins").GetInt32()
            )
        );
        Assert.Equal(
            engine == Engine.Postgres,
            report.GetProperty("clock").GetProperty("databaseAheadMs").ValueKind
                == System.Text.Json.JsonValueKind.Number
        );
        Assert.True(report.GetProperty("data").GetProperty("freeBytes").GetInt64() > 0);
        Assert.Equal(
            ("--RootKeyFile", shell.RootKeyFile),
            report
                .GetProperty("settings")
                .EnumerateArray()
                .Where(s => s.GetProperty("name").GetString() == "RootKeyFile")
                .Select(s => (s.GetProperty("from").GetString(), s.GetProperty("value").GetString()))
                .Single()
        );
        Assert.Contains("No problems found.", (await shell.Run("doctor")).Output, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Where_there_is_no_store_none_is_made(Engine engine)
    {
        await using var shell = await Shell.StartEmpty(engine);
        var report = (await shell.Json("doctor")).Done;
        Assert.Equal(engine == Engine.Sqlite ? "none yet" : "empty", report.GetProperty("store").GetString());
        Assert.NotEqual(0, report.GetProperty("hints").GetArrayLength());
        if (engine == Engine.Sqlite)
            Assert.Empty(System.IO.Directory.EnumerateFileSystemEntries(shell.Place.Options.DataFolder));
        else
            Assert.Equal("empty", (await shell.Json("doctor")).Done.GetProperty("store").GetString());
    }

    [Fact]
    public async Task Everything_that_is_wrong_is_told_with_what_to_do()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        shell.Place.Clock.Now = new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await shell.Place.Store.InTransaction(async tx =>
            await tx.Append("test:1", Some.Origin, "test.written", new { })
        );
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(shell.RootKeyFile, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        await shell.Place.Tamper("UPDATE migrations SET checksum = 'another'");

        var ran = await shell.Json("doctor", "--PathBase", "approvals");
        Assert.Equal(1, ran.ExitCode);
        Assert.False(ran.Document.GetProperty("ok").GetBoolean());
        var problems = ran
            .Document.GetProperty("problems")
            .EnumerateArray()
            .Select(p => p.GetProperty("what").GetString()!)
            .ToList();
        foreach (
            var expected in (string[])
                ["`PathBase` must start", "created by another build", "in the future", "Other accounts"]
        )
        {
            Assert.Single(problems, p => p.Contains(expected, StringComparison.Ordinal));
        }
        Assert.All(
            ran.Document.GetProperty("problems").EnumerateArray(),
            p => Assert.NotEqual("", p.GetProperty("fix").GetString())
        );
    }

    [Fact]
    public async Task A_store_that_is_no_store_and_a_lost_key_are_told()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        await File.WriteAllTextAsync(
            shell.Place.Options.SqliteFile,
            new string('x', 4096),
            TestContext.Current.CancellationToken
        );
        File.Delete(shell.RootKeyFile);
        var report = await shell.Json("doctor");
        Assert.Equal((1, "unreadable"), (report.ExitCode, report.Document.GetProperty("store").GetString()));
        Assert.Equal(2, report.Document.GetProperty("problems").GetArrayLength());
        Assert.Equal((3, "unavailable"), (await shell.Json("user", "list")).Failure);
    }

    [Fact]
    public async Task A_password_is_never_shown()
    {
        var ran = await Shell.Anywhere([
            "doctor",
            "--database",
            "Host=127.0.0.1;Port=1;Username=me;Password=hunter2;Timeout=2",
            "--RootKeyFile",
            "nowhere",
        ]);
        Assert.Equal(1, ran.ExitCode);
        Assert.Contains("password=***", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", ran.Output + ran.Error, StringComparison.Ordinal);
    }
}
