using System.Collections.Concurrent;
using System.Diagnostics;

namespace Countersign.Bench.Servers;

/// <summary>Every process started here ends with the bench, also when it is interrupted.</summary>
internal static class Children
{
    private static readonly ConcurrentDictionary<Process, bool> Running = new();

    public static Process Start(ProcessStartInfo info)
    {
        var process = Process.Start(info)!;
        Running[process] = true;
        return process;
    }

    public static void Forget(Process process) => Running.TryRemove(process, out _);

    public static void EndAll()
    {
        foreach (var process in Running.Keys)
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
