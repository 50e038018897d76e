using System.Diagnostics.Metrics;
using Countersign.People;
using Countersign.Storage;
using Countersign.Work;
using static System.FormattableString;

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
            "countersign.requests.pending",
            () => Each<long>(f => [new(f.Pending)]),
            "{request}",
            "Requests that wait for a decision"
        );
        _meter.CreateObservableGauge(
            "countersign.requests.blocked",
            () => Each<long>(f => [new(f.Blocked)]),
            "{request}",
            "Pending requests that have no reviewer left who could approve them"
        );
        _meter.CreateObservableGauge(
            "countersign.requests.today",
            () =>
                Each<long>(f =>
                    [
                        Tagged(f.Today.Opened, "status", "opened"),
                        Tagged(f.Today.Approved, "status", "approved"),
                        Tagged(f.Today.Overridden, "status", "overridden"),
                        Tagged(f.Today.Rejected, "status", "rejected"),
                        Tagged(f.Today.Expired, "status", "expired"),
                        Tagged(f.Today.Withdrawn, "status", "withdrawn"),
                        Tagged(f.Today.Automatic, "status", "automatic"),
                    ]
                ),
            "{request}",
            "Requests opened and closed since midnight (UTC), by how they were closed"
        );
        _meter.CreateObservableGauge(
            "countersign.backup.age",
            () => Each<double>(f => f.BackupAge is { } age ? [new(age.TotalSeconds)] : []),
            "s",
            "Time since countersign backup made a copy"
        );
        _meter.CreateObservableGauge(
            "countersign.backup.failed",
            () => Each<long>(f => f.BackupFailed is { } failed ? [new(failed ? 1 : 0)] : []),
            description: "1 while the last attempt of countersign backup failed"
        );
        _meter.CreateObservableGauge(
            "countersign.deliveries.failing",
            () => Each(f => f.Endpoints.Select(e => Tagged(e.Failing.TotalSeconds, "endpoint", e.Name))),
            "s",
            "How long deliveries to an endpoint have been failing"
        );
        _meter.CreateObservableGauge(
            "countersign.destinations.held",
            () => Each(f => f.Destinations.Select(d => Tagged(d.Held, "destination", Invariant($"{d.Id}")))),
            "{ticket}",
            "Tickets at a destination that wait for an admin"
        );
        _meter.CreateObservableGauge(
            "countersign.destinations.paused",
            () =>
                Each(f => f.Destinations.Select(d => Tagged(d.IsPaused ? 1 : 0, "destination", Invariant($"{d.Id}")))),
            description: "1 while a destination is paused"
        );
        _meter.CreateObservableGauge(
            "countersign.sources.key_expires",
            () => Each(f => f.ExpiringKeys.Select(k => Tagged(k.Left.TotalSeconds, "source", Invariant($"{k.Id}")))),
            "s",
            "Time until the newest key of a source expires; below zero once it has expired"
        );
        _meter.CreateObservableGauge(
            "countersign.gates.alarms",
            () =>
                Each(f =>
                    f.GateAlarms.Select(a => new Measurement<long>(
                        a.Count,
                        new KeyValuePair<string, object?>("source", Invariant($"{a.Id}")),
                        new KeyValuePair<string, object?>("alarm", a.Alarm)
                    ))
                ),
            "{request}",
            "What admins should know about sources that wait for verdicts: undelivered, passed, gone, refused and more"
        );
        _meter.CreateObservableGauge(
            "countersign.witness.age",
            () =>
                Each(f =>
                    f.Witnesses.Where(w => w.Age is not null)
                        .Select(w => Tagged(w.Age!.Value.TotalSeconds, "witness", w.Name))
                ),
            "s",
            "Time since a witness cosigned the log; it is asked at least once a day"
        );
        _meter.CreateObservableGauge(
            "countersign.witness.failing",
            () =>
                Each(f =>
                    f.Witnesses.Select(w => Tagged((w.Failing ?? TimeSpan.Zero).TotalSeconds, "witness", w.Name))
                ),
            "s",
            "How long a witness has not cosigned when it was asked"
        );
        _meter.CreateObservableGauge(
            "countersign.witness.fork",
            () => Each(f => f.Witnesses.Select(w => Tagged(w.Fork is null ? 0 : 1, "witness", w.Name))),
            description: "1 while a witness knows another history of the log, which isn't signed then"
        );
        _meter.CreateObservableGauge(
            "countersign.log.events",
            () => Each<long>(f => [new(f.Events)]),
            "{event}",
            "Events that the log has got so far"
        );
        _meter.CreateObservableGauge(
            "countersign.build",
            () => Tagged(1, "version", Product.Version),
            description: "The version that runs here"
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
