using System.Globalization;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Countersign.Tests.Flow;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Countersign.Tests.Disks;

/// <summary>
/// The real process with SQLite on a disk that fails: power is cut in the middle of any call, writes come short, calls
/// end in errors, space runs out. What survives is a store in order, with all that was acknowledged.
/// </summary>
public sealed class FaultyDiskTests
{
    private const int Callers = 6;

    /// <summary>The number of one seed, to play it alone: <c>TEST_DISK_SEED=17</c>.</summary>
    private static readonly int? Only = int.TryParse(
        Environment.GetEnvironmentVariable("TEST_DISK_SEED"),
        CultureInfo.InvariantCulture,
        out var seed
    )
        ? seed
        : null;

    private static IEnumerable<int> Seeds(int few, int many) =>
        Only is { } one ? [one] : Enumerable.Range(1, LongRun.IsAskedFor ? many : few);

    [Fact]
    public async Task Power_cut_at_any_call_loses_nothing_acknowledged_and_leaves_nothing_half()
    {
        Assert.SkipWhen(FaultyDisk.Missing is not null, FaultyDisk.Missing ?? "");
        var (cuts, acknowledged) = (0, 0);
        foreach (var seed in Seeds(few: 1, many: 30))
        {
            await using var world = await World.Start(seed);
            var rounds = LongRun.IsAskedFor ? 8 : 2;
            for (var round = 1; round <= rounds; round++)
            {
                var random = Seeded.Random(seed * 1_000 + round);
                world.Work.MessageLength = random.Next(3) * 10_000;
                world.Disk.Begin(seed * 1_000 + round);
                world.Disk.WriteShort(random.Next(2) * 200);
                if (random.Next(4) == 0)
                    world.Disk.BeSlow(TimeSpan.FromMilliseconds(2));
                // By turns under load, and while the server starts and reads what the cut before it left.
                var call = Math.Exp(round % 2 == 1 ? 6.5 + 2 * random.NextDouble() : 5.5 * random.NextDouble());
                world.Disk.CutPower((long)call, isTorn: random.Next(2) == 0);
                await world.RunUntilCut(round);
                await world.CheckSurvivors($"seed {seed}, round {round}");
                cuts++;
            }
            await world.GoOn();
            acknowledged += world.Work.Count;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{cuts} cuts, {acknowledged} requests acknowledged");
    }

    [Fact]
    public async Task Errors_and_a_full_disk_are_answered_with_503_and_cost_nothing_acknowledged()
    {
        Assert.SkipWhen(FaultyDisk.Missing is not null, FaultyDisk.Missing ?? "");
        var (refused, acknowledged) = (0, 0);
        foreach (var seed in Seeds(few: 1, many: 10))
        {
            await using var world = await World.Start(seed);
            var random = Seeded.Random(seed);
            world.Work.MessageLength = 10_000;
            world.Disk.Begin(seed);
            using (var server = await ServerProcess.Start(world.Shell))
            {
                for (var round = 1; round <= (LongRun.IsAskedFor ? 12 : 2); round++)
                {
                    if (round % 2 == 0)
                        await world.RunFull(server, round, random.Next(2_000_000));
                    else
                        await world.Fail(server, round, after: random.Next(300), calls: 1 + random.Next(40));
                    Assert.All(
                        world.Work.Refusals,
                        refusal => Assert.Equal((503, "unavailable"), (refusal.Status, refusal["code"]))
                    );
                    await world.Work.RepeatWhatWasNotAcknowledged(server.Address);
                }
                // What a sync failed to write is lost for good, if it wasn't written again since.
                world.Disk.CutPower(0, isTorn: false);
                await world.Work.Load(server.Address, 100, Callers).Soon();
                await server.Ends();
            }
            await world.CheckSurvivors($"seed {seed}");
            if (LongRun.IsAskedFor)
                await world.GoOn();
            (refused, acknowledged) = (refused + world.Work.Refusals.Count, acknowledged + world.Work.Count);
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{refused} calls refused, {acknowledged} requests acknowledged"
        );
    }

    /// <summary>
    /// The first seed's is the call at which SQLite has begun to make its write-ahead log: what that left couldn't be
    /// opened.
    /// </summary>
    [Fact]
    public async Task A_first_start_without_power_leaves_what_the_next_one_can_start_with()
    {
        Assert.SkipWhen(FaultyDisk.Missing is not null, FaultyDisk.Missing ?? "");
        foreach (var seed in Seeds(few: 1, many: 80))
        {
            await using var place = await TestStore.Place(Engine.Sqlite);
            var folder = place.Options.DataFolder;
            await using var shell = Shell.On(place, Path.Combine(folder, "root.key"));
            using var disk = FaultyDisk.Under(shell, folder);
            var random = Seeded.Random(seed);
            disk.Begin(seed);
            disk.CutPower(seed == 1 ? 14 : (long)Math.Exp(random.NextDouble() * 6.3), isTorn: random.Next(2) == 0);
            using (await ServerProcess.StartUnlessItEnds(shell))
                disk.CutPower(0, isTorn: random.Next(2) == 0);
            disk.Begin(seed);
            using (await ServerProcess.Start(shell))
                Assert.Equal(0, (await shell.Json("user", "list")).ExitCode);
            await CheckIntegrity(place.Options.SqliteFile);
            var verified = await shell.Json("audit", "verify");
            Assert.True(verified.ExitCode == 0, $"seed {seed}: {verified.Output}{verified.Error}");
        }
    }

    private static async Task CheckIntegrity(string file, string what = "")
    {
        SqliteLibrary.Use();
        var connectionString = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString();
        await using var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        foreach (var (pragma, expected) in new[] { ("integrity_check", "ok"), ("foreign_key_check", null) })
        {
            await using var command = connection.CreateCommand();
            command.CommandText = $"PRAGMA {pragma}";
            var found = await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
            Assert.Equal((what, pragma, expected), (what, pragma, found?.ToString()));
        }
    }

    private sealed class World : IAsyncDisposable
    {
        private string? _head;

        private World(Shell shell, Workload work, FaultyDisk disk) => (Shell, Work, Disk) = (shell, work, disk);

        public Shell Shell { get; }
        public Workload Work { get; }
        public FaultyDisk Disk { get; }

        public static async Task<World> Start(int seed)
        {
            var shell = await Shell.Start(Engine.Sqlite);
            var work = await Workload.Start(shell);
            await shell.Place.Close();
            var disk = FaultyDisk.Under(shell, shell.Place.Options.DataFolder);
            disk.Begin(seed);
            return new World(shell, work, disk);
        }

        public async Task RunUntilCut(int round)
        {
            using var server = await ServerProcess.StartUnlessItEnds(Shell);
            if (server is null)
                return;
            await Work.Load(server.Address, round, Callers).Soon();
            await server.Ends();
        }

        /// <summary>Some calls in a row fail; then the disk is in order again, and so is the server.</summary>
        public async Task Fail(ServerProcess server, int round, int after, int calls)
        {
            var until = new TaskCompletionSource();
            var load = Work.Load(server.Address, round, Callers, until.Task, endures: true);
            Disk.FailNext(after, calls);
            var end = Disk.Calls + after + calls;
            await Eventually.True(() => Disk.Calls > end, "the calls that fail have come");
            await Work.Acknowledged(Work.Count + 5);
            until.SetResult();
            await load.Soon();
            Disk.Heal();
        }

        public async Task RunFull(ServerProcess server, int round, int bytesLeft)
        {
            Disk.RunFull(bytesLeft);
            await Work.Load(server.Address, round, Callers).Soon();
            Assert.Equal(503, await Work.AskUntilRefused(server.Address, $"refused-{round}"));
            Disk.Heal();
        }

        /// <summary>
        /// Looks at a copy, because opening the store repairs it; the next server shall find it as the cut left
        /// it.
        /// </summary>
        public async Task CheckSurvivors(string what)
        {
            var copy = Path.Combine(Shell.Folder, "copy");
            System.IO.Directory.CreateDirectory(copy);
            foreach (var file in new DirectoryInfo(Disk.Folder).EnumerateFiles())
            {
                // What was in memory is gone.
                if (!file.Name.EndsWith("-shm", StringComparison.Ordinal))
                    file.CopyTo(Path.Combine(copy, file.Name));
            }
            var options = new StoreOptions(copy, null);
            await CheckIntegrity(options.SqliteFile, what);
            await using (var store = Store.OpenAsIs(options, Shell.Place.Clock))
                await Work.FindEverything(store);
            var verified = await Shell.Anywhere([
                "audit",
                "verify",
                .. _head is null ? [] : new[] { "--head", _head },
                "--data",
                copy,
                "--RootKeyFile",
                Shell.RootKeyFile,
                "--json",
            ]);
            Assert.True(verified.ExitCode == 0, $"{what}: {verified.Output}{verified.Error}");
            _head = verified.Done.GetProperty("head").GetString();
            System.IO.Directory.Delete(copy, recursive: true);
        }

        /// <summary>On a disk in order: those who got no answer ask again, and all is there.</summary>
        public async Task GoOn()
        {
            Disk.Heal();
            await Shell.Place.Reopen();
            using var server = await ServerProcess.Start(Shell);
            await Work.RepeatWhatWasNotAcknowledged(server.Address);
            await Work.FindEverything(server.Address);
            await Work.NothingHalfExists();
            Assert.True((await Shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
        }

        public async ValueTask DisposeAsync()
        {
            Disk.Dispose();
            await Shell.DisposeAsync();
        }
    }
}
