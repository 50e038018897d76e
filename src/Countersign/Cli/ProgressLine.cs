using System.Globalization;

namespace Countersign.Cli;

/// <summary>
/// How far a verb that takes long has come, with its rate and the time left: one line on standard error that is
/// overwritten and goes away at the end. Only for a person at a terminal.
/// </summary>
internal sealed class ProgressLine(TextWriter? error, string what, string things, TimeProvider time)
    : IProgress<(long Done, long Total)>,
        IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200),
        Patience = TimeSpan.FromSeconds(1);

    /// <summary>Reports how large a file has grown while something else fills it.</summary>
    /// <param name="total">How large it will be in bytes; 0 where no one knows.</param>
    public async Task While(Task work, string file, long total)
    {
        while (error is not null && await Task.WhenAny(work, Task.Delay(Interval, time)) != work)
            Report(((File.Exists(file) ? new FileInfo(file).Length : 0) / Megabyte, total / Megabyte));
        await work;
    }

    private const long Megabyte = 1_000_000;

    private readonly long _began = time.GetTimestamp();
    private TimeSpan _shownAt = Patience - Interval;
    private int _width;

    public static ProgressLine Of(Terminal terminal, string what, string things) =>
        new(terminal.ShowsProgress ? terminal.Error : null, what, things, Hub.Clock);

    public void Report((long Done, long Total) value)
    {
        var elapsed = time.GetElapsedTime(_began);
        // What is soon over needs no progress.
        if (error is null || elapsed - _shownAt < Interval || value.Done == 0)
            return;
        _shownAt = elapsed;
        var rate = value.Done / elapsed.TotalSeconds;
        var left = TimeSpan.FromSeconds(Math.Max(0, value.Total - value.Done) / rate);
        Show(
            value.Total == 0
                ? string.Create(CultureInfo.InvariantCulture, $"{what} {value.Done:N0} {things}, {rate:N0}/s")
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what} {value.Done:N0} of {value.Total:N0} {things}, {rate:N0}/s, {Text(left)} left"
                )
        );
    }

    public void Dispose()
    {
        if (_width == 0)
            return;
        Show("");
        error!.Write('\r');
    }

    private void Show(string line)
    {
        error!.Write('\r' + line.PadRight(_width));
        error.Flush();
        _width = line.Length;
    }

    private static string Text(TimeSpan time) =>
        time.TotalMinutes >= 2
            ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s");
}
