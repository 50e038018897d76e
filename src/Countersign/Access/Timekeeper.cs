using System.Globalization;
using Countersign.Requests;
using Countersign.Storage;

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

    private readonly Lease _lease = new(store, "timekeeper", Lease.NewHolder(), LeaseLength);
    private DateTimeOffset? _again;

    /// <summary>Everything that is due now, until nothing is.</summary>
    public async Task DoWhatIsDue(CancellationToken cancel = default)
    {
        while (await store.Read(reader => reader.All<DueRow>(
            $"SELECT subject, kind, at FROM due WHERE at <= @now ORDER BY at, subject, kind LIMIT {Most}", new { now = store.Now }), cancel) is { Count: > 0 } due)
        {
            var done = 0;
            foreach (var row in due)
                done += await Do(row, Instant.Parse(row.At), cancel) ? 1 : 0;
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
                await standstill.Run(Origin, cancel, since: store.Now - (3 * Straggler));
            }
            return;
        }
        await standstill.Run(Origin, cancel);
        await store.InTransaction(async tx => await tx.Execute(
            "INSERT INTO hub (name, value) VALUES (@name, @revision) ON CONFLICT (name) DO UPDATE SET value = @revision", new { name = Looked, revision }), cancel);
        _again = store.Now + Straggler;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Every, stoppingToken);
                try
                {
                    // Looking costs nothing; the lease is asked for only when there is something to do.
                    if (await IsAnythingToDo(stoppingToken) && await _lease.TryHold(stoppingToken))
                    {
                        await DoWhatIsDue(stoppingToken);
                        await LookAtWhatCanPass(stoppingToken);
                    }
                }
                catch (StoreUnavailable unavailable)
                {
                    Log.PutOff(log, unavailable.Message);
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    Log.Failed(log, failure);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> IsAnythingToDo(CancellationToken cancel) =>
        _again is not null
        || await store.Read(reader => reader.Number("SELECT count(*) FROM (SELECT 1 FROM due WHERE at <= @now LIMIT 1) d", new { now = store.Now }), cancel) > 0
        || await Revision(cancel) != await store.Read(reader => reader.Text("SELECT value FROM hub WHERE name = @name", new { name = Looked }), cancel);

    private async Task<string> Revision(CancellationToken cancel) =>
        (await store.Read(reader => reader.Number("SELECT revision FROM signals WHERE name = @name", new { name = Directory.Signal }), cancel)).ToString(CultureInfo.InvariantCulture);

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

        [LoggerMessage(Level = LogLevel.Warning, Message = "What is due is put off: {Reason}")]
        public static partial void PutOff(ILogger log, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Something that was due failed and will be tried again")]
        public static partial void Failed(ILogger log, Exception failure);
    }

    private sealed class DueRow
    {
        public required string Subject { get; init; }
        public required string Kind { get; init; }
        public required string At { get; init; }
    }
}
