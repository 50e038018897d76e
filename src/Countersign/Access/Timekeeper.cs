using System.Globalization;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Access;

/// <summary>
/// Does what is due: reminders, escalation, expiry, the beginning and the end of absences, what must follow a disabled
/// person; and looks again at what can
/// pass when people, groups or absences have changed. One node at a time; every act takes its row in its own transaction,
/// so that nothing is done twice even where two nodes both believe to be that one.
/// </summary>
public sealed partial class Timekeeper(
    Store store, Remind remind, Escalate escalate, Expire expire, Absences absences, Reweigh reweigh, Standstill standstill,
    ILogger<Timekeeper> log) : BackgroundService
{
    private const int Most = 200;
    private const string Looked = "standstill";
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeaseLength = TimeSpan.FromSeconds(30);

    /// <summary>A request that was asked of a node which had not heard of a change yet came within this time after it.</summary>
    private static readonly TimeSpan Straggler = TimeSpan.FromSeconds(10);
    private static readonly Origin Origin = new(Actor.Hub, "clock", "");

    private const string Key = "due.kind || ' ' || due.subject";
    private static readonly string IsDue = $"at <= @now AND {FailedWork.NotFailed(FailedWork.Due, Key)}";

    private readonly FailedWork _failed = new(store);
    private readonly Lease _lease = new(store, "timekeeper", Lease.NewHolder(), LeaseLength);
    private DateTimeOffset? _again;

    /// <summary>Everything that is due now, until nothing is.</summary>
    public async Task DoWhatIsDue(CancellationToken cancel = default)
    {
        while (await store.Read(reader => reader.All<DueRow>(
            $"SELECT subject, kind, at, (SELECT f.attempts FROM failed_work f WHERE f.kind = '{FailedWork.Due}' AND f.key = {Key}) AS failures FROM due WHERE {IsDue} ORDER BY at, subject, kind LIMIT {Most}",
            new { now = store.Now }), cancel) is { Count: > 0 } due)
        {
            var done = 0;
            foreach (var row in due)
                done += await TryDo(row, cancel) ? 1 : 0;
            Log.Done(log, done, due.Count);
            if (done == 0)
                return;
        }
    }

    /// <summary>Looks at all active requests if people, groups or absences have changed since somebody last did.</summary>
    public async Task LookAtWhatCanPass(CancellationToken cancel = default)
    {
        var revision = await Revision(cancel);
        if (revision == await store.Read(reader => reader.Text("SELECT value FROM hub WHERE name = @name", new { name = Looked }), cancel))
        {
            if (_again is { } at && (store.Now >= at || store.Now < at - Straggler))
            {
                _again = null;
                await LookAt(since: store.Now - (3 * Straggler), cancel);
            }
            return;
        }
        await LookAt(since: null, cancel);
        await store.InTransaction(async tx => await tx.Execute(
            "INSERT INTO hub (name, value) VALUES (@name, @revision) ON CONFLICT (name) DO UPDATE SET value = @revision", new { name = Looked, revision }), cancel);
        _again = store.Now + Straggler;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => new WorkLoop("timekeeper", log).Run(
        cancel => Task.Delay(Every, cancel),
        async cancel =>
        {
            // Looking costs nothing; the lease is asked for only when there is something to do.
            if (!await IsAnythingToDo(cancel) || !await _lease.TryHold(cancel))
                return;
            await DoWhatIsDue(cancel);
            await LookAtWhatCanPass(cancel);
        },
        stoppingToken);

    private async Task<bool> IsAnythingToDo(CancellationToken cancel) =>
        _again is not null
        || await store.Read(reader => reader.Number($"SELECT count(*) FROM (SELECT 1 FROM due WHERE {IsDue} LIMIT 1) d", new { now = store.Now }), cancel) > 0
        || await Revision(cancel) != await store.Read(reader => reader.Text("SELECT value FROM hub WHERE name = @name", new { name = Looked }), cancel);

    private async Task<string> Revision(CancellationToken cancel) =>
        (await store.Read(reader => reader.Number("SELECT revision FROM signals WHERE name = @name", new { name = Directory.Signal }), cancel)).ToString(CultureInfo.InvariantCulture);

    /// <summary>One that throws is recorded and tried again later; those behind it do not wait.</summary>
    private async Task<bool> TryDo(DueRow row, CancellationToken cancel)
    {
        var key = $"{row.Kind} {row.Subject}";
        try
        {
            var done = await Do(row, Instant.Parse(row.At), cancel);
            if (row.Failures is not null)
                await store.InTransaction(tx => FailedWork.Clear(tx, FailedWork.Due, key), cancel);
            return done;
        }
        catch (Exception failure) when (FailedWork.IsItsOwn(failure))
        {
            Log.Failed(log, failure, row.Kind, row.Subject);
            await _failed.Record(FailedWork.Due, key, row.Subject, failure, cancel: cancel);
            return false;
        }
    }

    private async Task LookAt(DateTimeOffset? since, CancellationToken cancel)
    {
        var failed = new List<(string Subject, Exception Failure)>();
        await standstill.Run(Origin, cancel, since, (subject, failure) => failed.Add((subject, failure)));
        foreach (var (subject, failure) in failed)
        {
            Log.Failed(log, failure, "look at", subject);
            await _failed.Record(FailedWork.Blocked, subject, subject, failure, cancel: cancel);
        }
    }

    private async Task<bool> Do(DueRow row, DateTimeOffset at, CancellationToken cancel)
    {
        var colon = row.Subject.IndexOf(':', StringComparison.Ordinal);
        if (row.Subject.StartsWith("person:", StringComparison.Ordinal))
        {
            var person = long.Parse(row.Subject.AsSpan(colon + 1), CultureInfo.InvariantCulture);
            return row.Kind == Reweigh.Kind
                ? await reweigh.Run(person, Origin, cancel)
                : await absences.Due(person, row.Kind, at, Origin, cancel);
        }
        var id = RequestId.Of(row.Subject[(colon + 1)..]);
        return row.Kind switch
        {
            Due.Remind => await remind.Run(id, at, Origin, cancel),
            Due.Escalate => await escalate.Run(id, at, Origin, cancel),
            _ => await expire.Run(id, at, Origin, cancel),
        };
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "{Done} of {Due} due acts done")]
        public static partial void Done(ILogger log, int done, int due);

        [LoggerMessage(Level = LogLevel.Error, Message = "What was due failed: {Kind} {Subject}")]
        public static partial void Failed(ILogger log, Exception failure, string kind, string subject);
    }

    private sealed class DueRow
    {
        public required string Subject { get; init; }
        public required string Kind { get; init; }
        public required string At { get; init; }
        public long? Failures { get; init; }
    }
}
