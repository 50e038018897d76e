using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>Who changes the tables of a store that an older version made, and who leaves the way back open.</summary>
public sealed class MigrateTests
{
    private static readonly string[] Known = [.. Migration.For("sqlite").Select(m => m.Name)];
    private static readonly string Last = Known[^1],
        BeforeLast = Known[^2];

    [Theory, BothEngines]
    public async Task Verbs_leave_the_tables_of_an_older_store_as_they_are_and_say_how_to_update_it(Engine engine)
    {
        await using var shell = await Older(engine);
        var before = await Migrations(shell);
        string[][] verbs =
        [
            ["audit", "verify"],
            ["audit", "export", "--out", Path.Combine(shell.Folder, "log.jsonl")],
            ["user", "list"],
            ["policy", "show"],
            ["user", "add", "ada@example.test", "--name", "Ada"],
            ["source", "add", "Pipeline", "--kind", "api"],
            ["archive", "--before", "2020-01-01", Path.Combine(shell.Folder, "old.jsonl")],
        ];
        foreach (var verb in verbs)
        {
            var ran = await shell.Json(verb);
            Assert.Equal((1, "store_older"), ran.Failure);
            Assert.Contains(Last, ran.Error, StringComparison.Ordinal);
            Assert.Contains("countersign migrate", ran.Error, StringComparison.Ordinal);
        }
        var report = (await shell.Json("doctor")).Done;
        Assert.Contains(
            report.GetProperty("hints").EnumerateArray(),
            hint => hint.GetProperty("what").GetString()!.Contains(Last, StringComparison.Ordinal)
        );
        Assert.Equal(before, await Migrations(shell));
    }

    [Theory, BothEngines]
    public async Task Migrating_updates_an_older_store_and_says_what_it_did(Engine engine)
    {
        await using var shell = await Older(engine);
        var done = (await shell.Json("migrate")).Done;
        Assert.Equal(Last, Assert.Single(done.GetProperty("applied").EnumerateArray()).GetString());
        Assert.Equal(BeforeLast, done.GetProperty("from").GetString());
        Assert.Equal(Last, (await Migrations(shell)).Split(' ')[^1]);

        // The way back: SQLite's file as it was, for its owner alone.
        if (engine == Engine.Sqlite)
        {
            var copy = done.GetProperty("copy").GetString()!;
            Assert.StartsWith($"countersign-{BeforeLast[..3]}-", Path.GetFileName(copy), StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
            var restored = System.IO.Directory.CreateDirectory(Path.Combine(shell.Folder, "restored")).FullName;
            File.Copy(copy, Path.Combine(restored, "countersign.db"));
            var seen = await Inspection.Of(new StoreOptions(restored, null), shell.Place.Clock, default);
            Assert.Equal([Last], seen.Pending);
        }

        Assert.Equal(0, (await shell.Json("migrate")).Done.GetProperty("applied").GetArrayLength());
        Assert.Equal(0, (await shell.Json("user", "add", "ada@example.test", "--name", "Ada")).ExitCode);
    }

    [Theory, BothEngines]
    public async Task A_server_told_never_to_migrate_ends_and_leaves_the_store_as_it_is(Engine engine)
    {
        await using var shell = await Older(engine);
        var before = await Migrations(shell);
        Assert.Equal(
            (1, "store_older"),
            (await shell.Json("serve", "--migrate=never", "--Urls=http://127.0.0.1:0")).Failure
        );
        Assert.Equal(before, await Migrations(shell));
    }

    [Theory, BothEngines]
    public async Task A_server_migrates_when_it_starts(Engine engine)
    {
        await using var shell = await Older(engine);
        using var server = shell.StartProgram("--Urls=http://127.0.0.1:0");
        try
        {
            await ProgramTests.Address(server.StandardOutput);
            Assert.Equal(Last, (await Migrations(shell)).Split(' ')[^1]);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Theory, BothEngines]
    public async Task A_newer_store_is_refused_by_name_and_left_as_it_is(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Place.Tamper(
            "INSERT INTO migrations (number, name, checksum, at) VALUES (999, '999_future', '', '')"
        );
        foreach (
            var verb in (string[][])
                [
                    ["audit", "verify"],
                    ["user", "list"],
                    ["migrate"],
                ]
        )
        {
            var ran = await shell.Json(verb);
            Assert.Equal((1, "store_newer"), ran.Failure);
            Assert.Contains("999_future", ran.Error, StringComparison.Ordinal);
        }
        Assert.Contains("newer than this program", (await shell.Run("doctor")).Output, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Reading_makes_no_tables_where_there_are_none(Engine engine)
    {
        await using var shell = await Shell.StartEmpty(engine);
        Assert.Equal((3, "not_found"), (await shell.Json("user", "list")).Failure);
        Assert.Equal((3, "not_found"), (await shell.Json("audit", "verify")).Failure);
        Assert.NotEqual("present", (await shell.Json("doctor")).Done.GetProperty("store").GetString());
    }

    private static async Task<Shell> Older(Engine engine)
    {
        var shell = await Shell.StartEmpty(engine);
        await MigrationTests.MigrateUpTo(shell.Place, Last);
        return shell;
    }

    private static async Task<string> Migrations(Shell shell)
    {
        var seen = await Inspection.Of(shell.Place.Options, shell.Place.Clock, default);
        return string.Join(' ', seen.Applied.Select(a => a.Name));
    }
}
