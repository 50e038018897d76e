using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Cli;

public sealed class BackupTests
{
    [Fact]
    public async Task A_copy_taken_while_others_write_is_whole_and_restores_with_the_root_key()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var submit = new Submit(shell.Place.Store, new RequestIds());
        var source = Some.Done(
            await new Sources(shell.Place.Store).Add("Pipeline", "api", null, null, Some.Operator, default)
        );
        var asked = 0;
        using var stop = new CancellationTokenSource();
        var writers = Enumerable
            .Range(0, 4)
            .Select(n =>
                Task.Run(async () =>
                {
                    while (!stop.IsCancellationRequested)
                    {
                        await submit.Run(
                            Some.Content($"Change {n}") with
                            {
                                SourceId = source.Id,
                            },
                            Some.Origin,
                            null,
                            default
                        );
                        Interlocked.Increment(ref asked);
                    }
                })
            )
            .ToList();
        await Eventually.True(() => Volatile.Read(ref asked) > 100, "a hundred requests");

        var before = Volatile.Read(ref asked);
        var copy = Path.Combine(shell.Folder, "copy.db");
        var made = (await shell.Json("backup", copy)).Done;
        Assert.Equal(("sqlite", copy), (made.GetProperty("engine").GetString(), made.GetProperty("file").GetString()));
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));

        var restored = System.IO.Directory.CreateDirectory(Path.Combine(shell.Folder, "restored")).FullName;
        File.Copy(copy, Path.Combine(restored, "countersign.db"));
        File.Copy(shell.RootKeyFile, Path.Combine(restored, "root.key"));
        await using (var store = await Store.Open(new StoreOptions(restored, null), shell.Place.Clock))
        {
            Assert.InRange(await store.Read(r => r.Number("SELECT count(*) FROM requests")), before, asked);
            Assert.Equal("ok", await store.Read(r => r.Text("PRAGMA integrity_check")));
        }
        var verified = (await Shell.Anywhere(["audit", "verify", "--data", restored, "--json"])).Done;
        Assert.True(verified.GetProperty("ok").GetBoolean());
        Assert.InRange(verified.GetProperty("events").GetInt64(), before, asked + 1);
    }

    [Fact]
    public async Task A_backup_replaces_no_file_and_leaves_no_half_one()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var file = Path.Combine(shell.Folder, "copy.db");
        await File.WriteAllTextAsync(file, "precious", TestContext.Current.CancellationToken);
        Assert.Equal((1, "exists"), (await shell.Json("backup", file)).Failure);
        Assert.Equal("precious", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("backup", Path.Combine(shell.Folder, "nowhere", "copy.db"))).Failure
        );
        Assert.Equal(
            ["copy.db", "root.key"],
            System.IO.Directory.EnumerateFiles(shell.Folder).Select(Path.GetFileName).Order()
        );
    }

    [Fact]
    public async Task A_copy_of_a_store_from_before_an_upgrade_is_not_upgraded()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        await shell.Place.Tamper("UPDATE migrations SET checksum = 'of another build'");
        Assert.Equal((1, "internal"), (await shell.Json("user", "list")).Failure);
        Assert.Equal(0, (await shell.Json("backup", Path.Combine(shell.Folder, "copy.db"))).ExitCode);
    }

    [Theory, PostgresOnly]
    public async Task PostgreSQL_is_copied_by_its_own_tool(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var file = Path.Combine(shell.Folder, "copy.db");
        var told = (await shell.Json("backup", file)).Done;
        Assert.Equal("postgresql", told.GetProperty("engine").GetString());
        Assert.Contains("pg_dump", told.GetProperty("how").GetString(), StringComparison.Ordinal);
        Assert.False(File.Exists(file));
    }
}
