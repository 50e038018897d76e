using System.Runtime.Versioning;
using Countersign.Cli;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests;

/// <summary>What holds the hub's data is its owner's alone to read, from the first byte on.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PrivateFileTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task A_copy_is_private_while_it_is_written()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        await using var place = await TestStore.Start(Engine.Sqlite);
        var target = Path.Combine(place.Options.DataFolder, "copy.db");
        UnixFileMode? before = null,
            after = null;
        await NewFile.Make(
            target,
            async unfinished =>
            {
                before = File.GetUnixFileMode(unfinished);
                await place.Store.CopyTo(unfinished, default);
                after = File.GetUnixFileMode(unfinished);
            }
        );
        Assert.Equal((OwnerOnly, OwnerOnly, OwnerOnly), (before, after, File.GetUnixFileMode(target)));
        var (bare, mode) = (Path.Combine(place.Options.DataFolder, "bare.db"), (UnixFileMode?)null);
        // While VACUUM writes, its file is there already: a watcher sees the mode that it was made with.
        using var watcher = new FileSystemWatcher(place.Options.DataFolder, "bare.db") { EnableRaisingEvents = true };
        watcher.Created += (_, made) => mode ??= File.GetUnixFileMode(made.FullPath);
        await place.Store.CopyTo(bare, default);
        await Eventually.True(() => mode is not null, "the watcher saw the file");
        Assert.Equal(OwnerOnly, mode);
    }

    [Fact]
    public async Task An_export_is_private()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        await using var shell = await Shell.Start(Engine.Sqlite);
        var file = Path.Combine(shell.Folder, "record.jsonl");
        Assert.Equal(0, (await shell.Json("audit", "export", "--out", file)).ExitCode);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task The_folder_that_is_made_for_a_store_and_all_its_files_are_private()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        var parent = System.IO.Directory.CreateTempSubdirectory("countersign-test-").FullName;
        var folder = Path.Combine(parent, "data");
        await using (var store = await Store.Open(new StoreOptions(folder, null), new TestClock()))
        {
            await store.InTransaction(async tx => await tx.Append("hub", Some.Operator, "test.said", new { }));
            Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
            var files = System.IO.Directory.GetFiles(folder);
            Assert.Contains(files, f => f.EndsWith("-wal", StringComparison.Ordinal));
            Assert.All(files, f => Assert.Equal(OwnerOnly, File.GetUnixFileMode(f)));
        }
        System.IO.Directory.Delete(parent, recursive: true);
    }
}
