using System.Runtime.InteropServices;

namespace Countersign.Hosting;

/// <summary>
/// The time between the order to stop and the end of listening. A load balancer learns from readiness that this node is
/// going, and sends no one here who would find the door shut. Ctrl+C at a terminal ends it at once.
/// </summary>
public sealed partial class Drain(ShutdownOptions options, TimeProvider time, ILogger<Drain> log)
    : IHostedLifecycleService,
        IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _atOnce = new();
    private PosixSignalRegistration? _interrupt;
    private volatile bool _hasBegun;

    public bool HasBegun => _hasBegun;

    /// <summary>Cancelled when answers that last, such as streams, must end.</summary>
    public CancellationToken Ended => _ended.Token;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => _atOnce.Cancel());
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _hasBegun = true;
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(_atOnce.Token, cancellationToken);
        if (options.Drain > TimeSpan.Zero && !cut.IsCancellationRequested)
        {
            Log.Draining(log, options.Drain.TotalSeconds);
            await Task.Delay(options.Drain, time, cut.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await _ended.CancelAsync();
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _interrupt?.Dispose();
        _ended.Dispose();
        _atOnce.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "Stopping: no longer ready, and still serving for {Seconds} s"
        )]
        public static partial void Draining(ILogger log, double seconds);
    }
}
