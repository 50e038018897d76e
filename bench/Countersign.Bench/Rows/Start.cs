using Countersign.Bench.Servers;

namespace Countersign.Bench.Rows;

/// <summary>
/// From starting the program on an existing store to its first answer, and what it then holds in memory.
/// </summary>
internal sealed class Start(Options options, Product product, Report report)
{
    private static readonly TimeSpan AtRest = TimeSpan.FromSeconds(2);

    public async Task Run()
    {
        var folder = Session.Fresh(options, "start");
        await Session.NewTown(folder);
        var (took, memory) = (new List<double>(), new List<double>());
        // The first start reads the program from the disk; every later one is what a restart is.
        for (var i = 0; i <= options.Pairs; i++)
        {
            await using var server = await product.Start(folder);
            if (i == 0)
                continue;
            took.Add(server.StartTook.TotalSeconds);
            await Task.Delay(AtRest);
            memory.Add(server.Memory());
        }
        report.Add(Row.Of("start to first answer", took.Median(), "0.00", "s", Bar.AtMost(0.9, 0.6, "s")));
        report.Add(Row.Of("resident memory after start", memory.Median(), "0", "MiB", Bar.AtMost(150, 120, "MiB")));
    }
}
