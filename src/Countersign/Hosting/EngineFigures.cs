using Countersign.Storage;

namespace Countersign.Hosting;

/// <summary>Jobs of one kind.</summary>
/// <param name="Waiting">All that are not set aside, those that are due and those that run included.</param>
/// <param name="Overdue">How long the oldest that could run has been due; zero where none is.</param>
/// <param name="SetAside">Failed for good: an admin retries or discards them.</param>
internal sealed record JobFigures(string Kind, long Waiting, long Due, long Running, long SetAside, TimeSpan Overdue);

/// <summary>A follower of the log and how many events it is behind.</summary>
internal sealed record FollowerFigures(string Name, long Behind);

/// <summary>
/// How the engine does: what waits, for how long, and what failed. For metrics and for <c>doctor</c>.
/// </summary>
/// <param name="OldestPending">Since when the oldest request that is still undecided has waited; null where there is
/// none.</param>
/// <param name="Unsealed">Events that no seal covers yet.</param>
/// <param name="SealLag">How old the oldest of those is.</param>
internal sealed record EngineFigures(
    IReadOnlyList<JobFigures> Jobs,
    IReadOnlyList<FollowerFigures> Followers,
    TimeSpan? OldestPending,
    long Unsealed,
    TimeSpan SealLag
)
{
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
            Since(pending, now),
            end - sealedTo,
            Since(await EventLog.Next(reader, sealedTo, 1) is [var next] ? next.At : null, now) ?? TimeSpan.Zero
        );
    }

    private static TimeSpan? Since(string? time, DateTimeOffset now) =>
        time is null ? null
        : now - Instant.Parse(time) is var since && since > TimeSpan.Zero ? since
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

    private sealed class CursorRow
    {
        public required string Name { get; init; }
        public long Position { get; init; }
    }
}
