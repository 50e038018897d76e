using Countersign.Storage;

namespace Countersign.Hosting;

/// <summary>Jobs of one kind.</summary>
/// <param name="Waiting">All that are not set aside, those that are due and those that run included.</param>
/// <param name="Overdue">How long the oldest that could run has been due; zero where none is.</param>
/// <param name="SetAside">Failed for good: an admin retries or discards them.</param>
internal sealed record JobFigures(string Kind, long Waiting, long Due, long Running, long SetAside, TimeSpan Overdue);

/// <summary>A follower of the log and how many events it is behind.</summary>
internal sealed record FollowerFigures(string Name, long Behind);

/// <summary>Where deliveries have failed since when: a webhook, the mail server, Slack.</summary>
internal sealed record EndpointFigures(string Name, TimeSpan Failing);

/// <summary>A source whose key expires, and until then; less than zero once it has expired.</summary>
internal sealed record ExpiringKeyFigures(long Id, string Name, TimeSpan Left);

/// <summary>A witness of the log.</summary>
/// <param name="Age">How long ago it last cosigned; null where it never did.</param>
/// <param name="Failing">For how long it hasn't; null where its last answer was good.</param>
/// <param name="Fork">The other history that it knows of the newest epoch.</param>
internal sealed record WitnessFigures(string Name, TimeSpan? Age, TimeSpan? Failing, string? Problem, string? Fork);

/// <summary>A destination, and how many tickets there wait for an admin.</summary>
internal sealed record DestinationFigures(long Id, long Held, bool IsPaused);

/// <summary>What an admin should know about a source that waits for verdicts, and about how many requests.</summary>
/// <param name="Alarm"><c>undelivered</c>, <c>passed</c>, <c>gone</c>, <c>not_waiting</c>; <c>refused</c>: its last
/// call was; <c>unreachable</c>: it can't be called.</param>
internal sealed record GateAlarmFigures(long Id, string Name, string Alarm, long Count);

/// <summary>
/// Requests that were opened or closed since midnight (UTC), as Insights counts them: each that was closed in one way.
/// </summary>
internal sealed record TodayFigures(
    long Opened,
    long Approved,
    long Overridden,
    long Rejected,
    long Expired,
    long Withdrawn,
    long Automatic
)
{
    public static readonly TodayFigures None = new(0, 0, 0, 0, 0, 0, 0);
}

/// <summary>
/// How the engine does: what waits, for how long, and what failed. For metrics and for <c>doctor</c>.
/// </summary>
/// <param name="OldestPending">Since when the oldest request that is still undecided has waited; null where there is
/// none.</param>
/// <param name="Pending">Requests that are still undecided, as Insights counts them.</param>
/// <param name="Blocked">Those of them that no reviewer left can approve.</param>
/// <param name="Events">All that the log has ever got.</param>
/// <param name="Unsealed">Events that no seal covers yet.</param>
/// <param name="SealLag">How old the oldest of those is.</param>
/// <param name="BackupAge">How long ago <c>countersign backup</c> last made a copy; null where it never did.</param>
/// <param name="BackupFailed">Whether its last attempt failed; null where there was none.</param>
internal sealed record EngineFigures(
    IReadOnlyList<JobFigures> Jobs,
    IReadOnlyList<FollowerFigures> Followers,
    IReadOnlyList<EndpointFigures> Endpoints,
    IReadOnlyList<DestinationFigures> Destinations,
    IReadOnlyList<ExpiringKeyFigures> ExpiringKeys,
    IReadOnlyList<WitnessFigures> Witnesses,
    long Pending,
    long Blocked,
    TimeSpan? OldestPending,
    long Events,
    long Unsealed,
    TimeSpan SealLag,
    TodayFigures Today,
    TimeSpan? BackupAge,
    bool? BackupFailed
)
{
    /// <summary>Of the last seven days, and all that lasts.</summary>
    public IReadOnlyList<GateAlarmFigures> GateAlarms { get; init; } = [];

    public long SetAside => Jobs.Sum(j => j.SetAside);

    public static async ValueTask<EngineFigures> Of(Reader reader, DateTimeOffset now)
    {
        var jobs = await reader.All<JobRow>(
            """
            SELECT kind,
              sum(CASE WHEN state = 'dead' THEN 0 ELSE 1 END) AS waiting,
              sum(CASE WHEN state <> 'dead' AND holder IS NULL AND next_at <= @now THEN 1 ELSE 0 END) AS due,
              sum(CASE WHEN holder IS NOT NULL AND next_at > @now THEN 1 ELSE 0 END) AS running,
              sum(CASE WHEN state = 'dead' THEN 1 ELSE 0 END) AS set_aside,
              min(CASE WHEN state = 'waiting' AND holder IS NULL AND next_at <= @now THEN next_at END) AS oldest_due
            FROM jobs GROUP BY kind ORDER BY kind
            """,
            new { now }
        );
        var end = await EventLog.End(reader);
        var cursors = await reader.All<CursorRow>("SELECT name, position FROM cursors ORDER BY name");
        var sealedTo = cursors.Find(c => c.Name == Audit.Sealer.CursorName)?.Position ?? 0;
        var pending = await reader.Text(
            "SELECT created_at FROM requests WHERE status = 'active' ORDER BY created_at LIMIT 1"
        );
        var open = await reader.First<OpenRow>(
            """
            SELECT COALESCE(sum(open), 0) AS pending, COALESCE(sum(blocked), 0) AS blocked
            FROM summary_open WHERE audience = 0 AND dimension = 'all'
            """
        );
        var today = await reader.First<TodayFigures>(
            """
            SELECT opened, approved, overridden, rejected, expired, withdrawn, automatic FROM summary_days
            WHERE audience = 0 AND dimension = 'all' AND day = @day AND value = 0
            """,
            new { day = Instant.ToText(now)[..10] }
        );
        var backup = await LastBackup.Of(reader);
        var endpoints = await reader.All<EndpointRow>(
            "SELECT name, failing_since FROM endpoints WHERE failing_since IS NOT NULL ORDER BY name"
        );
        var destinations = await reader.All<DestinationRow>(
            """
            SELECT d.id, CASE WHEN d.paused_at IS NULL THEN 0 ELSE 1 END AS paused,
              (SELECT count(*) FROM links l WHERE l.destination_id = d.id AND l.state = 'held') AS held
            FROM destinations d ORDER BY d.id
            """
        );
        var keys = await reader.All<KeyRow>(
            """
            SELECT id, name, key_expires_at FROM sources
            WHERE key_expires_at IS NOT NULL AND disabled_at IS NULL ORDER BY id
            """
        );
        var alarms = await reader.All<AlarmRow>(
            """
            SELECT s.id, s.name, g.alarm, count(*) AS count FROM gate_replies g JOIN sources s ON s.id = g.source_id
            WHERE g.alarm IS NOT NULL AND COALESCE(g.ended_at, @now) >= @week GROUP BY s.id, s.name, g.alarm
            UNION ALL SELECT s.id, s.name, 'refused', 1 FROM gates g JOIN sources s ON s.id = g.source_id
            WHERE g.refused IS NOT NULL
            UNION ALL SELECT s.id, s.name, 'unreachable', 1 FROM gates g JOIN sources s ON s.id = g.source_id
            WHERE g.problem IS NOT NULL
            ORDER BY 1, 3
            """,
            new { now, week = now.AddDays(-7) }
        );
        var epoch = (await Audit.Epoch.Newest(reader))?.Number ?? 0;
        var witnesses = await Audit.WitnessRow.All(reader);
        return new EngineFigures(
            jobs.ConvertAll(j => new JobFigures(
                j.Kind,
                j.Waiting,
                j.Due,
                j.Running,
                j.SetAside,
                Since(j.OldestDue, now) ?? TimeSpan.Zero
            )),
            cursors.ConvertAll(c => new FollowerFigures(c.Name, end - c.Position)),
            endpoints.ConvertAll(e => new EndpointFigures(e.Name, Since(e.FailingSince, now) ?? TimeSpan.Zero)),
            destinations.ConvertAll(d => new DestinationFigures(d.Id, d.Held, d.Paused > 0)),
            keys.ConvertAll(k => new ExpiringKeyFigures(k.Id, k.Name, Instant.Parse(k.KeyExpiresAt) - now)),
            witnesses.ConvertAll(w => new WitnessFigures(
                w.Witness,
                Since(w.CosignedAt, now),
                Since(w.ProblemSince, now),
                w.Problem,
                w.Epoch == epoch ? w.Fork : null
            )),
            open?.Pending ?? 0,
            open?.Blocked ?? 0,
            Since(pending, now),
            end,
            end - sealedTo,
            Since(await EventLog.Next(reader, sealedTo, 1) is [var next] ? next.At : null, now) ?? TimeSpan.Zero,
            today ?? TodayFigures.None,
            Since(backup.At, now),
            backup == new LastBackup(null, null) ? null : backup.FailedAt is not null
        )
        {
            GateAlarms = alarms.ConvertAll(a => new GateAlarmFigures(a.Id, a.Name, a.Alarm, a.Count)),
        };
    }

    private static TimeSpan? Since(string? time, DateTimeOffset now) =>
        Since(time is null ? null : Instant.Parse(time), now);

    private static TimeSpan? Since(DateTimeOffset? time, DateTimeOffset now) =>
        time is null ? null
        : now - time is { } since && since > TimeSpan.Zero ? since
        : TimeSpan.Zero;

    private sealed class JobRow
    {
        public required string Kind { get; init; }
        public long Waiting { get; init; }
        public long Due { get; init; }
        public long Running { get; init; }
        public long SetAside { get; init; }
        public string? OldestDue { get; init; }
    }

    private sealed class OpenRow
    {
        public long Pending { get; init; }
        public long Blocked { get; init; }
    }

    private sealed class EndpointRow
    {
        public required string Name { get; init; }
        public string? FailingSince { get; init; }
    }

    private sealed class AlarmRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
        public required string Alarm { get; init; }
        public long Count { get; init; }
    }

    private sealed class KeyRow
    {
        public long Id { get; init; }
        public required string Name { get; init; }
        public required string KeyExpiresAt { get; init; }
    }

    private sealed class DestinationRow
    {
        public long Id { get; init; }
        public long Paused { get; init; }
        public long Held { get; init; }
    }

    private sealed class CursorRow
    {
        public required string Name { get; init; }
        public long Position { get; init; }
    }
}
