using System.Diagnostics.Metrics;
using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Hosting;

/// <summary>
/// Shows how the engine does as metrics. They are read from the store a few times a minute, not when a collector asks,
/// so that collectors cost the store nothing more, however many there are.
/// </summary>
internal sealed class EngineGauges : BackgroundService
{
    public const string MeterName = "Countersign.Engine";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly Store _store;
    private readonly ILogger<EngineGauges> _log;
    private readonly Meter _meter = new(MeterName);
    private volatile EngineFigures? _figures;

    public EngineGauges(Store store, PeopleDirectory directory, ILogger<EngineGauges> log)
    {
        (_store, _log) = (store, log);
        Jobs("countersign.jobs.waiting", "{job}", "Jobs in the queue, by kind", j => j.Waiting);
        Jobs("countersign.jobs.due", "{job}", "Jobs that are due and not running yet, by kind", j => j.Due);
        Jobs("countersign.jobs.running", "{job}", "Jobs running on any node, by kind", j => j.Running);
        Jobs(
            "countersign.jobs.set_aside",
            "{job}",
            "Jobs that failed for good and need an admin, by kind",
            j => j.SetAside
        );
        _meter.CreateObservableGauge(
            "countersign.jobs.overdue",
            () => Each(f => f.Jobs.Select(j => Tagged(j.Overdue.TotalSeconds, "kind", j.Kind))),
            "s",
            "How long the oldest job that could run has been due, by kind"
        );
        _meter.CreateObservableGauge(
            "countersign.log.behind",
            () => Each(f => f.Followers.Select(c => Tagged(c.Behind, "follower", c.Name))),
            "{event}",
            "Events that a follower of the log hasn't processed yet"
        );
        _meter.CreateObservableGauge(
            "countersign.requests.oldest_pending",
            () => Each<double>(f => f.OldestPending is { } age ? [new(age.TotalSeconds)] : []),
            "s",
            "Age of the oldest pending request"
        );
        _meter.CreateObservableGauge(
            "countersign.seal.behind",
            () => Each<long>(f => [new(f.Unsealed)]),
            "{event}",
            "Events that no seal covers yet"
        );
        _meter.CreateObservableGauge(
            "countersign.seal.lag",
            () => Each<double>(f => [new(f.SealLag.TotalSeconds)]),
            "s",
            "Age of the oldest event without a seal"
        );
        _meter.CreateObservableGauge(
            "countersign.directory.age",
            () => directory.Age.TotalSeconds,
            "s",
            "Time since the data about people and keys was compared with the store"
        );
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new WorkLoop("metrics", _log).Run(
            cancel => _figures is null ? Task.CompletedTask : Task.Delay(Interval, cancel),
            Look,
            stoppingToken
        );

    /// <summary>Reads the figures now.</summary>
    internal async Task Look(CancellationToken cancel) =>
        _figures = await _store.ReadSnapshot(reader => EngineFigures.Of(reader, _store.Now), cancel);

    public override void Dispose()
    {
        base.Dispose();
        _meter.Dispose();
    }

    private void Jobs(string name, string unit, string description, Func<JobFigures, long> figure) =>
        _meter.CreateObservableGauge(
            name,
            () => Each(f => f.Jobs.Select(j => Tagged(figure(j), "kind", j.Kind))),
            unit,
            description
        );

    private IEnumerable<Measurement<T>> Each<T>(Func<EngineFigures, IEnumerable<Measurement<T>>> of)
        where T : struct => _figures is { } figures ? of(figures) : [];

    private static Measurement<T> Tagged<T>(T figure, string name, string value)
        where T : struct => new(figure, new KeyValuePair<string, object?>(name, value));
}
