using Countersign.Storage;
using Countersign.Tests.Cli;
using Countersign.Tests.Flow;
using Xunit;

namespace Countersign.Tests.Disks;

/// <summary>
/// A primary is gone under load, and its standby takes over: docs/operating.md says what stands then, and how a loss
/// is noticed.
/// </summary>
public sealed class StandbyTests
{
    private const int Callers = 6;

    [Fact]
    public async Task A_synchronous_standby_that_takes_over_has_all_that_was_acknowledged()
    {
        for (var round = 1; round <= (LongRun.IsAskedFor ? 10 : 1); round++)
        {
            await using var pair = await Pair.Start(isSynchronous: true);
            await NothingIsConfirmedWithoutTheStandby(pair);
            using (var server = await pair.Serve())
            {
                var until = new TaskCompletionSource();
                var load = pair.Work.Load(server.Address, round, Callers, until.Task, endures: true);
                await pair.Work.Acknowledged(20 + 37 * round);
                await pair.Primary.Kill();
                until.SetResult();
                await load.Soon();
            }
            await pair.Promote();
            await pair.Work.FindEverything(pair.Place.Store);
            if (LongRun.IsAskedFor)
            {
                using var again = await pair.Serve();
                await pair.Work.RepeatWhatWasNotAcknowledged(again.Address);
                await pair.Work.FindEverything(again.Address);
            }
            Assert.True((await pair.Shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
        }
    }

    /// <summary>
    /// Npgsql cancels what takes long; PostgreSQL then confirms a commit although only the primary has it.
    /// </summary>
    private static async Task NothingIsConfirmedWithoutTheStandby(Pair pair)
    {
        Store? opened = null;
        await Eventually.True(
            async () =>
            {
                try
                {
                    opened = await Store.Open(
                        new StoreOptions("", pair.Primary.Connection("hub", "Command Timeout=3")),
                        pair.Place.Clock
                    );
                }
                catch (StoreUnavailable)
                {
                    // On a busy machine a statement may take longer than that.
                }
                return opened is not null;
            },
            "the store is open"
        );
        await using var impatient = opened!;
        await pair.Standby.Kill();
        StoreUnavailable refusal;
        do
        {
            // The same may happen here; then nothing was done yet.
            refusal = await Assert.ThrowsAsync<StoreUnavailable>(() =>
                impatient.InTransaction(async tx =>
                {
                    await tx.Execute("INSERT INTO hub (name, value) VALUES ('written without a standby', '')");
                })
            );
        } while (!refusal.OutcomeUnknown);
        // Neither does anyone see it, who could act on it.
        Assert.Equal(0, await Written());
        await pair.Standby.Start();
        await Eventually.True(async () => await Written() == 1, "what waited for the standby is confirmed");
        await pair.Place.Store.InTransaction(async tx =>
        {
            await tx.Execute("DELETE FROM hub WHERE name = 'written without a standby'");
        });

        ValueTask<long> Written() => pair.Place.Count("hub WHERE name = 'written without a standby'");
    }

    [Fact]
    public async Task What_an_asynchronous_standby_lacks_is_noticed_by_a_checkpoint_that_was_kept_elsewhere()
    {
        Assert.SkipUnless(LongRun.IsAskedFor, "Starts two servers of its own: ./test.sh --long");
        await using var pair = await Pair.Start(isSynchronous: false);
        string head;
        using (var server = await pair.Serve())
        {
            await pair.Run(server, round: 1, requests: 50);
            await Eventually.True(
                async () =>
                    await pair.Primary.Ask(
                        "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()"
                    )
                        is 1L,
                "the standby has all of it"
            );
            await pair.Standby.Kill();
            await pair.Run(server, round: 2, requests: 50);
            await Eventually.True(
                async () => (await pair.Shell.Json("audit", "verify")).Done.GetProperty("unsealed").GetInt64() == 0,
                "everything is sealed"
            );
            head = (await pair.Shell.Json("audit", "verify")).Done.GetProperty("head").GetString()!;
        }
        await pair.Primary.Kill();
        await pair.Standby.Start();
        await pair.Promote();

        Assert.NotEmpty(await pair.Work.Lost(pair.Place.Store));
        // What is there is a store in order, of a moment ago; only what was kept elsewhere says that there was more.
        Assert.True((await pair.Shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
        var compared = await pair.Shell.Json("audit", "verify", "--head", head);
        Assert.Equal(1, compared.ExitCode);
        Assert.False(compared.Document.GetProperty("ok").GetBoolean());
    }

    private sealed class Pair : IAsyncDisposable
    {
        private readonly string _keyFile;

        private Pair(PostgresNode primary, PostgresNode standby, TestStore place, Shell shell, Workload work)
        {
            (Primary, Standby, Place, Shell, Work) = (primary, standby, place, shell, work);
            _keyFile = Path.Combine(Path.GetTempPath(), $"countersign-pair-{Environment.ProcessId}.key");
            File.Copy(shell.RootKeyFile, _keyFile, overwrite: true);
        }

        public PostgresNode Primary { get; }
        public PostgresNode Standby { get; }

        /// <summary>On the primary; on the standby once that was promoted.</summary>
        public TestStore Place { get; private set; }
        public Shell Shell { get; private set; }
        public Workload Work { get; private set; }

        public static async Task<Pair> Start(bool isSynchronous)
        {
            Assert.SkipWhen(PostgresNode.Missing is not null, PostgresNode.Missing ?? "");
            var (primary, standby) = await PostgresNode.StartPair(isSynchronous);
            try
            {
                await primary.Ask("CREATE DATABASE hub");
                var place = TestStore.On(primary.Connection("hub"));
                await place.Reopen();
                return new Pair(primary, standby, place, Shell.On(place), await Workload.Start(place));
            }
            catch
            {
                await standby.DisposeAsync();
                await primary.DisposeAsync();
                throw;
            }
        }

        public Task<ServerProcess> Serve() => ServerProcess.Start(Shell);

        public async Task Run(ServerProcess server, int round, int requests)
        {
            var until = new TaskCompletionSource();
            var load = Work.Load(server.Address, round, Callers, until.Task);
            await Work.Acknowledged(Work.Count + requests);
            until.SetResult();
            await load.Soon();
        }

        public async Task Promote()
        {
            await Standby.Promote();
            await Place.DisposeAsync();
            await Shell.DisposeAsync();
            Place = TestStore.On(Standby.Connection("hub"));
            await Place.Reopen();
            Shell = Shell.On(Place, _keyFile);
            Work = Work.On(Place);
        }

        public async ValueTask DisposeAsync()
        {
            await Place.DisposeAsync();
            await Shell.DisposeAsync();
            await Standby.DisposeAsync();
            await Primary.DisposeAsync();
            File.Delete(_keyFile);
        }
    }
}
