using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// Gives positions to events, on every node: as soon as one was committed here, and within a second of what a node that
/// has died left; the command line gives them itself. Where events have their position from the start it has nothing
/// to do.
/// </summary>
public sealed class Sequencer : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private readonly Store _store;
    private readonly ILogger<Sequencer> _log;
    private readonly WakeSignal _doorbell = new();

    public Sequencer(Store store, ILogger<Sequencer> log)
    {
        (_store, _log) = (store, log);
        store.EventsCommitted += _doorbell.Set;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _store.IsSqlite
            ? Task.CompletedTask
            : new WorkLoop("positions", _log, maxWait: TimeSpan.FromSeconds(1)).Run(
                cancel => _doorbell.WaitAsync(PollInterval, cancel),
                async cancel => await _store.GivePositions(cancel),
                stoppingToken
            );

    public override void Dispose()
    {
        base.Dispose();
        _doorbell.Dispose();
    }
}
