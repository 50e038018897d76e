using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>
/// The real process, killed without warning while many callers ask and answer: what was acknowledged is there, what was
/// not does not half exist, and the record still proves itself.
/// </summary>
public sealed class KillTests
{
    private const int Callers = 12;
    private static int Rounds => LongRun.IsAskedFor ? 20 : 1;

    [Theory, BothEngines]
    public async Task Nothing_acknowledged_is_lost_and_nothing_half_exists(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var shell = await Shell.Start(engine);
        var work = await Workload.Start(shell);
        for (var round = 0; round < Rounds; round++)
        {
            using (var server = await ServerProcess.Start(shell))
            {
                var load = work.Load(server.Address, round, Callers);
                await work.Acknowledged(150 * (round + 1));
                server.Kill();
                await load.Soon();
            }
            using var again = await ServerProcess.Start(shell);
            await work.RepeatWhatWasNotAcknowledged(again.Address);
            await work.FindEverything(again.Address);
            await work.NothingHalfExists();
        }
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    /// <summary>
    /// The system itself refuses to let the log grow, in the middle of what is being written then.
    /// </summary>
    [Fact]
    public async Task A_disk_that_takes_no_more_costs_nothing_acknowledged_and_is_served_again_when_it_does()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A running process can be given a limit on Linux only.");
        await using var shell = await Shell.Start(Engine.Sqlite);
        var work = await Workload.Start(shell);
        using var server = await ServerProcess.Start(shell.StartProgramThatBearsLimits);
        for (var round = 1; round <= 3; round++)
        {
            await server.LimitFiles($"{round * 2_000_001}");
            await work.Load(server.Address, round, Callers).Soon();
            Assert.Equal(503, await work.AskUntilRefused(server.Address, $"refused-{round}"));
            await server.LimitFiles("unlimited");
            await work.RepeatWhatWasNotAcknowledged(server.Address);
            await work.FindEverything(server.Address);
            await work.NothingHalfExists();
        }
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
    }

    [Theory, PostgresOnly]
    public async Task Of_two_nodes_one_is_killed_and_the_other_goes_on(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var work = await Workload.Start(shell);
        using var first = await ServerProcess.Start(shell);
        using var second = await ServerProcess.Start(shell);
        var onFirst = work.Load(first.Address, 1, Callers / 2);
        var until = new TaskCompletionSource();
        var onSecond = work.Load(second.Address, 2, Callers / 2, until.Task);
        await work.Acknowledged(200);
        first.Kill();
        await onFirst.Soon();
        await work.Acknowledged(work.Count + 100);
        until.SetResult();
        await onSecond.Soon();

        await work.RepeatWhatWasNotAcknowledged(second.Address);
        await work.FindEverything(second.Address);
        await work.NothingHalfExists();
        // Whichever node sealed, the other takes over.
        await Eventually.True(
            async () => (await shell.Json("audit", "verify")).Done.GetProperty("unsealed").GetInt64() == 0,
            "everything is sealed"
        );
    }

    [Theory, BothEngines]
    public async Task A_server_that_is_told_to_stop_answers_whom_it_has_begun_to_serve(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var shell = await Shell.Start(engine);
        var work = await Workload.Start(shell);
        using var server = await ServerProcess.Start(shell);
        var load = work.Load(server.Address, 0, Callers);
        await work.Acknowledged(100);
        Assert.Equal(0, await server.Stop());
        await load.Soon();
        using var again = await ServerProcess.Start(shell);
        await work.FindEverything(again.Address);
        await work.NothingHalfExists();
    }
}
