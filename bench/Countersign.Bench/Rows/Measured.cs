using Countersign.Bench.Load;

namespace Countersign.Bench.Rows;

/// <summary>Product and control in turns, so that whatever else the machine does meets both.</summary>
internal static class Measured
{
    /// <summary>Slices in pairs; the ratio of each pair is product to control, in requests per second.</summary>
    public static async Task<(List<Slice> Product, List<Slice> Control)> Pairs(
        int pairs,
        Func<int, Task<Slice>> product,
        Func<int, Task<Slice>> control
    )
    {
        var (ours, theirs) = (new List<Slice>(), new List<Slice>());
        for (var i = 0; i < pairs; i++)
        {
            // Every other pair the other way round, for what a slice leaves to the next.
            if (i % 2 == 1)
                theirs.Add(await control(i));
            ours.Add(await product(i));
            if (i % 2 == 0)
                theirs.Add(await control(i));
        }
        if (ours.Concat(theirs).Sum(slice => slice.Failed) is var failed and > 0)
            Report.Say($"  {failed} requests failed: this figure measures something else.");
        return (ours, theirs);
    }

    public static Row Ratio(string what, List<Slice> product, List<Slice> control, Bar bar)
    {
        var ratio = product.Zip(control, (p, c) => p.PerSecond / c.PerSecond).Median();
        var failed = product.Concat(control).Any(slice => slice.Failed > 0);
        return new Row(
            what,
            PerSecond(product),
            PerSecond(control),
            $"{Report.Text(ratio)} ×{(failed ? " (with failures)" : "")}",
            ratio,
            bar,
            failed
        )
        {
            ProductCpu = Cpu(product),
            ControlCpu = Cpu(control),
        };
    }

    /// <summary>Server processor time of a call, in microseconds.</summary>
    public static string Cpu(List<Slice> slices) => Report.Text(slices.Select(s => s.CpuMicroseconds).Median(), "0");

    private static string PerSecond(List<Slice> slices) =>
        $"{Report.Text(slices.Select(s => s.PerSecond).Median(), "0")}/s";
}
