using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>Empties the outbox for as long as the server runs: soon after something happened here, and within a moment of what happened elsewhere.</summary>
public sealed class OutboxWorker : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    /// <summary>Lets a burst gather, so that it is expanded together.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(10);

    /// <summary>While nobody listens there is no hurry, and the writers are left alone.</summary>
    private static readonly TimeSpan Unheard = TimeSpan.FromSeconds(1);

    private readonly ExpandOutbox _expand;
    private readonly Dispatcher _dispatcher;
    private readonly ILogger<OutboxWorker> _log;
    private readonly Doorbell _doorbell = new();

    public OutboxWorker(Store store, ExpandOutbox expand, Dispatcher dispatcher, ILogger<OutboxWorker> log)
    {
        (_expand, _dispatcher, _log) = (expand, dispatcher, log);
        store.EventsCommitted += _ => _doorbell.Ring();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => new WorkLoop("notifications", _log).Run(
        async cancel =>
        {
            if (await _doorbell.Heard(Look, cancel))
                await Task.Delay(Gather, cancel);
        },
        async cancel =>
        {
            if (!await Empty(cancel))
                await Task.Delay(Unheard, cancel);
        },
        stoppingToken);

    /// <summary>False when what was there was of interest to nobody.</summary>
    private async Task<bool> Empty(CancellationToken cancel)
    {
        while (await _expand.Any(cancel))
        {
            var (taken, heard) = await _expand.Run(cancel);
            if (heard && taken > 0)
                _dispatcher.Ring();
            // What is left is another node's, or waits.
            if (heard && taken == 0)
                return true;
            if (!heard && taken < ExpandOutbox.MostUnheard)
                return false;
        }
        return true;
    }

    public override void Dispose()
    {
        base.Dispose();
        _doorbell.Dispose();
    }
}
