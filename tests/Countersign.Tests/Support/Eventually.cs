using System.Diagnostics;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// The only place where tests wait for something that tells nobody when it happens. It never proves that something does
/// not happen.
/// </summary>
public static class Eventually
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task True(Func<ValueTask<bool>> condition, string what)
    {
        var since = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(
                Stopwatch.GetElapsedTime(since) < Patience,
                $"Waited {Patience.TotalSeconds:0} s for this: {what}"
            );
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static Task True(Func<bool> condition, string what) => True(() => ValueTask.FromResult(condition()), what);

    /// <summary>For something that must end: a hang is a failure with a name, not a run that never ends.</summary>
    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Patience);

    public static Task Soon(this Task task) => task.WaitAsync(Patience);
}
