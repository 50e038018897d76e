using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>Several processes that want the same file at the same time.</summary>
public sealed class FilesAtOnceTests
{
    private const int Processes = 2,
        Rounds = 2_000;

    [Fact]
    public async Task Of_those_who_give_a_file_the_same_new_name_at_once_one_succeeds()
    {
        var folder = Directory.CreateTempSubdirectory("countersign-move-");
        var named = new int[Rounds];
        await AtOnce(
            (process, round) =>
            {
                var file = Path.Combine(folder.FullName, $"{round}");
                var own = Path.Combine(folder.FullName, $"{process}.part");
                File.WriteAllText(own, $"{process}");
                return () =>
                {
                    try
                    {
                        PrivateFile.MoveToNew(own, file);
                        Interlocked.Increment(ref named[round]);
                    }
                    catch (IOException)
                    {
                        // The other one was faster.
                    }
                };
            }
        );
        Assert.All(named, count => Assert.Equal(1, count));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_file_is_held_by_one_at_a_time_and_gone_afterwards()
    {
        var folder = Directory.CreateTempSubdirectory("countersign-hold-");
        var (inside, most) = (0, 0);
        await AtOnce(
            (_, _) =>
                () =>
                {
                    using var held = PrivateFile.Hold(Path.Combine(folder.FullName, "lock"));
                    most = Math.Max(most, Interlocked.Increment(ref inside));
                    Interlocked.Decrement(ref inside);
                }
        );
        Assert.Equal(1, most);
        Assert.Empty(folder.GetFiles());
        folder.Delete();
    }

    /// <param name="prepare">What a process does before all begin, and then what they do together.</param>
    private static async Task AtOnce(Func<int, int, Action> prepare)
    {
        using var begin = new Barrier(Processes);
        await Task.WhenAll(
            Enumerable
                .Range(0, Processes)
                .Select(process => Task.Factory.StartNew(() => Run(process), TaskCreationOptions.LongRunning))
        );

        void Run(int process)
        {
            for (var round = 0; round < Rounds; round++)
            {
                var act = prepare(process, round);
                begin.SignalAndWait();
                act();
            }
        }
    }
}
