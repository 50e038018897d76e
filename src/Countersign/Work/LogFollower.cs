using System.Diagnostics;
using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// Leads every consumer along the log for as long as the server runs: at once after something happened here, and within
/// a moment of what happened elsewhere. Each has a loop of its own, so none waits for another.
/// </summary>
public sealed class LogFollower : BackgroundService
{
    /// <summary>How often a consumer whose kinds are none of the latest events moves its cursor past them.</summary>
    private static readonly TimeSpan MoveInterval = TimeSpan.FromSeconds(1);

    /// <summary>While a consumer has no one to tell there is no hurry, and the writers are left alone.</summary>
    private static readonly TimeSpan Unheard = TimeSpan.FromSeconds(1);

    private readonly Follower[] _followers;
    private readonly ILogger<LogFollower> _log;

    public LogFollower(Store store, IEnumerable<ILogConsumer> consumers, ILogger<LogFollower> log)
    {
        _log = log;
        _followers = [.. consumers.Select(c => new Follower(c, new LogCursor(store, c), store))];
        store.LogGrew += Ring;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(
            _followers.Select(f =>
                Task.Run(
                    () =>
                        new WorkLoop(f.Name, _log).Run(
                            async cancel =>
                            {
                                if (await f.News.WaitAsync(f.Wait, cancel))
                                    await Task.Delay(f.Gather, cancel);
                            },
                            f.GoOn,
                            stoppingToken
                        ),
                    CancellationToken.None
                )
            )
        );

    private void Ring()
    {
        foreach (var follower in _followers)
            follower.News.Set();
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var follower in _followers)
            follower.News.Dispose();
    }

    private sealed class Follower(ILogConsumer consumer, LogCursor cursor, Store store)
    {
        private long _movedAt;
        private bool _isBehind = true;

        public string Name => consumer.Name;
        public TimeSpan Gather => consumer.Gather;
        public WakeSignal News { get; } = new();

        /// <summary>When nothing rings, because a notification may be lost.</summary>
        public TimeSpan Wait => _isBehind ? MoveInterval : store.IdleWait;

        public async Task GoOn(CancellationToken cancel)
        {
            while (true)
            {
                // Until it is known better, also after a failure.
                _isBehind = true;
                var (hasWork, isBehind) = await cursor.Look(cancel);
                _isBehind = isBehind;
                // Events that are none of its kinds move the cursor now and then, so that the next look begins near the
                // end.
                if (!hasWork && (!isBehind || Stopwatch.GetElapsedTime(_movedAt) < MoveInterval))
                    return;
                var step = await cursor.Run(cancel);
                _movedAt = Stopwatch.GetTimestamp();
                if (!step.IsListening)
                    await Task.Delay(Unheard, cancel);
                // What is left then is another node's, which goes on until nothing is.
                if (!hasWork || !step.IsListening || step.IsElsewhere)
                    return;
            }
        }
    }
}
