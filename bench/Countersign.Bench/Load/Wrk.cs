using System.Diagnostics;
using System.Globalization;

namespace Countersign.Bench.Load;

/// <summary>What one slice of load came to.</summary>
/// <param name="Failed">Answers of 400 and above, and broken connections: a slice with any measures something
/// else.</param>
/// <param name="Cpu">Processor time that the server took, all its processes together.</param>
internal sealed record Slice(long Requests, TimeSpan Took, long Failed, TimeSpan Median, TimeSpan P99, TimeSpan Cpu)
{
    public double PerSecond => Requests / Took.TotalSeconds;
    public double CpuMicroseconds => Requests == 0 ? double.NaN : Cpu.TotalMicroseconds / Requests;
}

/// <summary>Load from <c>wrk</c>: one thread, since it shares the machine with what it measures.</summary>
internal static class Wrk
{
    public static async Task<Slice> Run(
        Uri url,
        string script,
        int connections,
        TimeSpan length,
        Func<TimeSpan> cpu,
        params string[] arguments
    )
    {
        var start = new ProcessStartInfo("wrk")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        string[] all =
        [
            "-t1",
            $"-c{connections}",
            $"-d{Math.Max(1, (int)length.TotalSeconds)}s",
            "--timeout",
            "10s",
            "-s",
            Path.Combine(AppContext.BaseDirectory, "Load", script),
            url.ToString(),
            "--",
            .. arguments,
        ];
        foreach (var argument in all)
            start.ArgumentList.Add(argument);
        var before = cpu();
        using var wrk = Process.Start(start)!;
        var (output, errors) = (wrk.StandardOutput.ReadToEndAsync(), wrk.StandardError.ReadToEndAsync());
        await wrk.WaitForExitAsync();
        var used = cpu() - before;
        var line =
            (await output).Split('\n').LastOrDefault(l => l.StartsWith("RESULT ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"wrk did not say how it went: {await output}{await errors}");
        var n = line.Split(' ').Skip(1).Select(word => long.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        return new Slice(
            n[0],
            TimeSpan.FromMicroseconds(n[1]),
            n[2] + n[3],
            TimeSpan.FromMicroseconds(n[4]),
            TimeSpan.FromMicroseconds(n[5]),
            used
        );
    }
}
